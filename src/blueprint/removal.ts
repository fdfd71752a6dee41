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

/** What may not be deleted, as the blueprint says that it stands on. */
export const protectedIn = ({ plan, resources }: Deployment): string[] =>
  Object.values(resources)
    .filter(({ node }) => plan.blueprint.resources[node]?.preventDelete)
    .map(({ instance }) => instance);

/** What needs a resource, and so keeps it from being removed alone; none: nothing does. */
export function dependentsOf(existing: Deployment, instance: string): string[] {
  const graph = dependencies(existing.plan.blueprint);
  const { node } = existing.resources[instance]!;
  const isLast = Object.values(existing.resources).filter((other) => other.node === node).length === 1;
  return isLast
    ? Object.values(existing.resources)
        .filter((other) => graph[other.node]?.includes(node))
        .map((other) => other.instance)
    : [];
}

/** Removes one resource alone. Its blueprint still asks for it, so the next update would make it anew. */
export function planRemoval(
  existing: Deployment,
  instance: string,
  { request, requestedBy, requestedAt }: Pick<DeploymentPlan, 'request' | 'requestedBy' | 'requestedAt'>,
): DeploymentPlan {
  const action: Action = {
    ...{ id: `delete ${instance}`, instance, does: 'delete', after: [] },
    because: `${requestedBy} asks for it.`,
  };
  return {
    ...existing.plan,
    ...{ request, requestedBy, requestedAt, kind: 'UPDATE', actions: [action] },
    target: existing.plan.target.filter((one) => one.instance !== instance),
  };
}
