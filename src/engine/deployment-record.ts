import {
  type Deployment,
  effective,
  isBusy,
  isDeleted,
  type PlannedInstance,
  resourceId,
} from '../blueprint/deployment.ts';
import { toIso } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { withoutSeals } from '../core/secret.ts';
import type { DeploymentReport } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';

/** Holds the name of a deployment as long as it lives. */
export function deploymentName({ id, project, name, createdAt, updatedAt, ...state }: Deployment): Document {
  const gone = isDeleted({ id, project, name, createdAt, updatedAt, ...state });
  return {
    kind: 'deployment-name',
    id,
    project,
    name: gone ? `${name} (deleted ${id})` : name,
    body: { deleted: gone },
    createdAt,
    updatedAt,
  };
}

/** Where the clock finds leases, so that it need not read all deployments. One that has ended, or is none any longer, is removed there. */
export function leaseOf({ id, project, createdAt, updatedAt, leaseExpiresAt }: Deployment): Document[] {
  if (leaseExpiresAt === undefined) return [];
  return [{ kind: 'lease', id, project, name: id, body: { endsAt: leaseExpiresAt }, createdAt, updatedAt }];
}

/** How a deployment is shown in lists. */
export function deploymentSummary(state: Deployment): JsonObject {
  return {
    id: state.id,
    name: state.name,
    project: state.project,
    status: state.status,
    message: state.message,
    busy: isBusy(state),
    createdAt: toIso(state.createdAt),
    updatedAt: toIso(state.updatedAt),
    ...(state.leaseExpiresAt === undefined ? {} : { leaseExpireAt: toIso(state.leaseExpiresAt) }),
    ...{ description: state.description ?? '', inputs: withoutSeals(state.plan.inputs) },
    blueprint: state.plan.blueprintName,
    ...{ blueprintId: state.plan.blueprintId ?? '', blueprintVersion: state.plan.blueprintVersion ?? '' },
    owner: state.owner ?? state.plan.requestedBy,
    ...{ requestedBy: state.plan.requestedBy, requestStatus: requestStatus(state) },
    zones: [
      ...Object.values(state.resources).map(({ status, ...one }) => ({
        ...{ id: resourceId(state.id, one), status },
        ...room(one),
      })),
      ...promised(state).map((one) => ({ id: '', status: 'PLANNED', ...room(one) })),
    ],
  };
}

/** How a request stands, in the words of its clients. */
export function requestStatus({ status, cancelled }: { status: string; cancelled?: unknown }): string {
  const stands = status.split('_')[1]!;
  return cancelled && stands === 'FAILED' ? 'ABORTED' : stands;
}

/** What a request under way will make yet: its room is taken, so that no other plan takes it. */
const promised = (state: Deployment): PlannedInstance[] =>
  isBusy(state) ? state.plan.target.filter(({ instance }) => !state.resources[instance]) : [];

const room = ({ zone, type, node, instance, host = '', size, addresses }: PlannedInstance): JsonObject => ({
  ...{ zone, type, node, instance, host },
  ...(size ?? {}),
  ...(addresses ? { addresses: addresses as unknown as Json } : {}),
});

/** How a request stands, with what tasks read: `resources.<name>.address` and all other properties. */
export function reportOn(
  state: Deployment,
  { status, message, cancelled }: Pick<Deployment, 'status' | 'message' | 'cancelled'>,
): DeploymentReport {
  return {
    status: status.endsWith('_INPROGRESS') ? 'busy' : status.endsWith('_FAILED') ? 'failed' : 'succeeded',
    message,
    ...(cancelled ? { cancelled } : {}),
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
export function resourceDetails(deployment: Deployment): JsonObject {
  const details: JsonObject = {};
  for (const state of Object.values(deployment.resources)) {
    const { instance, node, index, properties, zone, status } = state;
    const view: JsonObject = { ...effective(state), ...properties, zone, state: status };
    details[instance] = view;
    if (index === 0) details[node] = view;
  }
  return details;
}
