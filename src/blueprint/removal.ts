import type { Action, Deployment, DeploymentPlan } from './deployment.ts';
import { dependencies } from './graph.ts';

/** Removes everything, what depends on others first. */
export function planDelete(
  existing: Deployment,
  request: string,
  requestedBy: string,
  requestedAt: string,
): DeploymentPlan {
  const graph = dependencies(existing.plan.blueprint);
  const actions = Object.values(existing.resources).map(({ instance, node }): Action => {
    const dependents = Object.entries(graph)
      .filter(([, needs]) => needs.includes(node))
      .map(([name]) => name);
    const after = Object.values(existing.resources)
      .filter((other) => dependents.includes(other.node))
      .map((other) => `delete ${other.instance}`);
    return {
      id: `delete ${instance}`,
      instance,
      does: 'delete',
      after,
      because: 'The deployment is deleted.',
    };
  });
  return {
    ...existing.plan,
    request,
    kind: 'DELETE',
    target: [],
    actions,
    placements: [],
    requestedBy,
    requestedAt,
  };
}
