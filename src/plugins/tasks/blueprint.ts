import { z } from 'zod';
import { isObject, type Json } from '../../core/json.ts';
import { flag, text } from '../../sdk/fields.ts';
import { defineTask } from '../../sdk/task.ts';

const actions = {
  createdeployment: 'CREATE',
  updatedeployment: 'UPDATE',
  deletedeployment: 'DELETE',
} as const;

export const blueprint = defineTask({
  type: 'Blueprint',
  title: 'Cloud template',
  summary: 'Creates, updates or deletes a deployment of a blueprint, and waits for its end.',
  input: z.object({
    action: z
      .preprocess(
        (value) => String(value).toLowerCase(),
        z.enum(['createdeployment', 'updatedeployment', 'deletedeployment']),
      )
      .describe('`CreateDeployment`, `UpdateDeployment` or `DeleteDeployment`.'),
    deploymentName: text('Name of the deployment; made up on create when empty.').default(''),
    blueprint: text('Name of the blueprint.').default(''),
    version: text('Its version; the present draft when empty.').default(''),
    parameters: z.record(z.string(), z.json()).describe('Inputs of the blueprint.').default({}),
    filepath: text('Where the blueprint lies in a repository.').optional(),
    allowDestroy: flag('Whether an update may remove resources.').default(false),
    apiToken: text('Ignored; kept for old files.').optional(),
    _deploymentFlag: z.unknown().optional(),
  }),
  output: {
    deploymentName: 'Its name.',
    deploymentId: 'Its id.',
    deploymentDetails: '`resources.<name>.address` and all other properties.',
  },
  endpoints: {
    gitServer: {
      types: ['git'],
      required: false,
      description: 'Where the blueprint comes from a repository.',
    },
  },
  examples: [
    {
      title: 'Deploy',
      yaml: 'type: Blueprint\ninput:\n  action: CreateDeployment\n  blueprint: Tito\n  deploymentName: tito-${executionIndex}\n  parameters: {count: 2}\n',
    },
  ],
  /** A request carries the task's key, so asking twice is asking once. */
  isRepeatable: () => true,
  async start(
    { action, deploymentName, blueprint: name, version, parameters, allowDestroy },
    { key, project, requestedBy, deployments },
  ) {
    const ticket = await deployments.request(key, {
      action: actions[action],
      project,
      deploymentName: deploymentName || madeUpName(name, key),
      blueprint: name,
      version,
      inputs: parameters,
      allowDestroy,
      requestedBy,
    });
    return { wait: ticket, seconds: 0.2 };
  },
  async poll(ticket, _, { deployments }) {
    const { deploymentId, requestId } = idsOf(ticket);
    const { status, message, deploymentName, details } = await deployments.status(deploymentId, requestId);
    const output = { deploymentName, deploymentId, deploymentDetails: details };
    if (status === 'busy') return { wait: ticket, seconds: 1 };
    return status === 'failed' ? { failed: message, output } : { done: output };
  },
});

const idsOf = (ticket: Json): { deploymentId: string; requestId: string } =>
  isObject(ticket)
    ? { deploymentId: String(ticket.deploymentId), requestId: String(ticket.requestId) }
    : { deploymentId: '', requestId: '' };

const madeUpName = (blueprintName: string, key: string): string =>
  `${blueprintName || 'deployment'}-${key.split('/')[0]!.slice(0, 8)}`;
