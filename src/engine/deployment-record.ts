import { type Deployment, isBusy, isDeleted } from '../blueprint/deployment.ts';
import { toIso } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
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
    blueprint: state.plan.blueprintName,
    zones: Object.values(state.resources).map(({ zone, type, status, node, host = '', size = {} }) => ({
      ...{ zone, type, status, node, host },
      ...size,
    })),
  };
}
