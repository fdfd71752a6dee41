import type { Deployment } from '../blueprint/deployment.ts';
import { toIso } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { withoutSeals } from '../core/secret.ts';
import { projectId } from './kinds/kind.ts';

/** A deployment as people ask for it: its resources, and for each the reasons of its place. */
export function resourceView(state: Deployment): JsonObject {
  return withoutSeals({
    id: state.id,
    name: state.name,
    projectId: projectId(state.project),
    projectName: state.project,
    status: state.status,
    lastRequest: { id: state.plan.request, status: state.status.split('_')[1]!, details: state.message },
    createdAt: toIso(state.createdAt),
    lastUpdatedAt: toIso(state.updatedAt),
    blueprint: state.plan.blueprintName,
    inputs: state.plan.inputs,
    outputs: state.outputs,
    resources: Object.values(state.resources).map(
      ({ instance, node, type, zone, status, desired, properties, message }) => ({
        name: instance,
        node,
        type,
        zone,
        state: status,
        properties: { ...desired, ...properties },
        message,
      }),
    ),
    placements: state.plan.placements as unknown as Json,
    actions: state.plan.actions.map(({ id, because }) => ({ id, because, state: state.done[id] ?? 'open' })),
  });
}
