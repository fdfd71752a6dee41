import { z } from 'zod';
import { isObject, type Json } from '../../core/json.ts';
import { flag, text } from '../../sdk/fields.ts';
import { defineTask, type Outcome, type TaskContext } from '../../sdk/task.ts';
import { fetchedFile, fetchFile } from './git-file.ts';
import { pollJob, startJob } from './job.ts';

const actions = {
  createdeployment: 'CREATE',
  updatedeployment: 'UPDATE',
  deletedeployment: 'DELETE',
  rollbackdeployment: 'ROLLBACK',
} as const;

const input = z.object({
  action: z
    .preprocess(
      (value) => String(value).toLowerCase(),
      z.enum(['createdeployment', 'updatedeployment', 'deletedeployment', 'rollbackdeployment']),
    )
    .describe('`CreateDeployment`, `UpdateDeployment`, `DeleteDeployment` or `RollbackDeployment`.'),
  deploymentName: text('Name of the deployment; made up on create when empty.').default(''),
  blueprint: text('Name of the blueprint.').default(''),
  version: text(
    'Its version; the present draft when empty. For a file of a repository a branch, a tag or a whole commit id; the branch of the endpoint when empty.',
  ).default(''),
  parameters: z.record(z.string(), z.json()).describe('Inputs of the blueprint.').default({}),
  filepath: text('Path of the blueprint in the repository of `gitServer`.').default(''),
  allowDestroy: flag('Whether an update may remove resources.').default(false),
  apiToken: text('Ignored; kept for old files.').optional(),
  _deploymentFlag: z.unknown().describe('Ignored; what the form of the original remembered.').optional(),
});
type Input = z.infer<typeof input>;

export const blueprint = defineTask({
  type: 'Blueprint',
  title: 'Cloud template',
  summary: 'Creates, updates, rolls back or deletes a deployment of a blueprint, and waits for its end.',
  input,
  output: {
    deploymentName: 'Its name.',
    deploymentId: 'Its id.',
    deploymentDetails: '`resources.<name>.address` and all other properties.',
  },
  endpoints: {
    gitServer: {
      types: ['git'],
      required: false,
      description: 'The repository that holds the blueprint, where `filepath` names one.',
    },
  },
  examples: [
    {
      title: 'Deploy',
      yaml: 'type: Blueprint\ninput:\n  action: CreateDeployment\n  blueprint: Tito\n  deploymentName: tito-${executionIndex}\n  parameters: {count: 2}\n',
    },
    {
      title: 'Deploy what a repository holds',
      yaml: 'type: Blueprint\nendpoints: {gitServer: Tito repository}\ninput:\n  action: UpdateDeployment\n  deploymentName: tito\n  filepath: tito/blueprint.yaml\n  version: ${input.GIT_COMMIT_ID}\n',
    },
    {
      title: 'Go back to what stood before',
      yaml: 'type: Blueprint\ninput:\n  action: RollbackDeployment\n  deploymentName: tito\n',
    },
  ],
  /** A request carries the task's key, so asking twice is asking once; so does the job that fetches. */
  worksHere: true,
  isRepeatable: () => true,

  async start(given, context) {
    const { action, filepath, version } = given;
    if (!filepath || !['createdeployment', 'updatedeployment'].includes(action)) return request(given, context);
    const git = context.endpoint('gitServer');
    if (!git)
      return {
        failed: `\`filepath: ${filepath}\` needs a repository: name its endpoint as \`gitServer\` of the task.`,
      };
    const directory = context.jobs.directory(context.key);
    return startJob(context, fetchFile(git, filepath, version, directory));
  },

  async poll(ticket, given, context) {
    const ids = idsOf(ticket);
    if (!ids) return pollJob(ticket, context, (exitCode) => requestFetched(exitCode, given, context));
    const { deploymentId, requestId } = ids;
    const { status, message, deploymentName, details } = await context.deployments.status(deploymentId, requestId);
    const output = { deploymentName, deploymentId, deploymentDetails: details };
    if (status === 'busy') return { wait: ticket, seconds: 1 };
    return status === 'failed' ? { failed: message, output } : { done: output };
  },

  /** Calls the request off as well: nobody waits for its end any longer. */
  async cancel(ticket, _, { jobs, key, deployments, requestedBy }) {
    const ids = idsOf(ticket);
    if (ids) await deployments.cancel(ids.deploymentId, ids.requestId, requestedBy);
    else await jobs.cancel(key);
  },
});

async function request(given: Input, context: TaskContext, content?: string): Promise<Outcome> {
  const { action, deploymentName, blueprint: name, version, parameters, allowDestroy, filepath } = given;
  const { key, project, requestedBy, deployments } = context;
  const blueprintName = name || (content === undefined ? '' : filepath);
  const ticket = await deployments.request(key, {
    action: actions[action],
    project,
    deploymentName: deploymentName || madeUpName(name, key),
    blueprint: blueprintName,
    version,
    content,
    inputs: parameters,
    allowDestroy,
    requestedBy,
  });
  return { wait: ticket, seconds: 0.2 };
}

async function requestFetched(exitCode: number, given: Input, context: TaskContext): Promise<Outcome> {
  const { filepath, version } = given;
  const { name, properties } = context.endpoint('gitServer')!;
  const content = exitCode === 0 ? await context.jobs.read(context.key, fetchedFile) : undefined;
  if (content !== undefined) return request(given, context, content);
  const ref = version || properties.branch || 'its default branch';
  return {
    failed:
      exitCode === 3
        ? `Endpoint ${name}: there is no file ${filepath} in ${ref} of its repository.`
        : `Endpoint ${name}: ${ref} of its repository could not be fetched; the log of the task holds what git said.`,
  };
}

const idsOf = (ticket: Json): { deploymentId: string; requestId: string } | undefined =>
  isObject(ticket) && ticket.deploymentId !== undefined
    ? { deploymentId: String(ticket.deploymentId), requestId: String(ticket.requestId) }
    : undefined;

const madeUpName = (blueprintName: string, key: string): string =>
  `${blueprintName || 'deployment'}-${key.split('/')[0]!.slice(0, 8)}`;
