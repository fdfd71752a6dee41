import { type Deployment, isDeleted } from '../blueprint/deployment.ts';
import type { JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { withoutSeals } from '../core/secret.ts';
import type { DeploymentReport, Deployments } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';
import { readRequests } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import { deploymentPlanner } from './plan-deployment.ts';
import type { Mailbox } from './transact.ts';

/** Requests for deployments: checked, placed and planned before anything is touched. */
export function deploymentDesk(
  parts: EngineParts,
  mailbox: Mailbox,
): Deployments & { byName(project: string, name: string): Promise<Deployment | undefined> } {
  const { store } = parts;
  const planFor = deploymentPlanner(parts);

  return {
    byName,

    async request(key, request) {
      const requestId = idOfKey(`${key}/request`);
      const known = await store.get('deployment-request', requestId);
      if (known) return { deploymentId: String(known.body.deploymentId), requestId };
      const existing = await byName(request.project, request.deploymentName);
      const deploymentId = existing?.id ?? idOfKey(`${key}/deployment`);
      const plan = await planFor(request, existing, { id: deploymentId, requestId });
      const now = parts.moment.now();
      const record: Document = {
        kind: 'deployment-request',
        id: requestId,
        project: request.project,
        name: requestId,
        body: { deploymentId, key, plan: plan.kind },
        createdAt: now,
        updatedAt: now,
      };
      await mailbox.deployment(
        deploymentId,
        {
          type: 'request',
          id: deploymentId,
          name: request.deploymentName,
          project: request.project,
          host: existing?.host ?? parts.node.host,
          plan,
        },
        { documents: [record] },
      );
      return { deploymentId, requestId };
    },

    /** A request that came while another was under way, and lost the race, is known and is none of the deployment's. */
    async status(deploymentId, requestId) {
      const state = await read(deploymentId);
      if (!state)
        return {
          status: 'failed',
          message: `There is no deployment ${deploymentId}.`,
          deploymentName: '',
          details: {},
        };
      if (state.plan.request === requestId) return reportOn(state, state);
      const past = (await readRequests(parts, deploymentId)).find(({ plan }) => plan.request === requestId);
      const message = `Deployment ${state.name} was busy with another request.`;
      return reportOn(state, past ?? { status: `${state.plan.kind}_FAILED`, message });
    },
  };

  async function byName(project: string, name: string): Promise<Deployment | undefined> {
    const document = await store.find('deployment-name', project, name);
    const state = document && (await read(document.id));
    return state && !isDeleted(state) ? state : undefined;
  }

  async function read(id: string): Promise<Deployment | undefined> {
    return (await store.load('deployment', id))?.state as unknown as Deployment | undefined;
  }
}

/** How a request stands, with what tasks read: `resources.<name>.address` and all other properties. */
function reportOn(state: Deployment, { status, message }: Pick<Deployment, 'status' | 'message'>): DeploymentReport {
  return {
    status: status.endsWith('_INPROGRESS') ? 'busy' : status.endsWith('_FAILED') ? 'failed' : 'succeeded',
    message,
    deploymentName: state.name,
    details: withoutSeals({
      id: state.id,
      name: state.name,
      status: state.status,
      inputs: state.plan.inputs,
      outputs: state.outputs,
      resources: resourceDetails(state),
      placements: state.plan.placements as never,
    }),
  };
}

/** By resource name, and for clusters each instance by its own name as well: `web` is the first, `web[1]` the second. */
export function resourceDetails(state: Deployment): JsonObject {
  const details: JsonObject = {};
  for (const { instance, node, index, desired, properties, zone, status } of Object.values(state.resources)) {
    const view: JsonObject = { ...desired, ...properties, zone, state: status };
    details[instance] = view;
    if (index === 0) details[node] = view;
  }
  return details;
}
