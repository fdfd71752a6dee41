import type { JsonObject } from '../core/json.ts';
import type { Action, Deployment, DeploymentPlan } from './deployment.ts';
import { dependencies } from './graph.ts';

/** An action on what stands ("day 2"): which one, on which instance, and what it sets. */
export interface Operation {
  /** Of the original's form: `Cloud.Machine.PowerOff`. */
  id: string;
  name: string;
  instance: string;
  inputs: JsonObject;
  /** Properties that are so from then on, until the blueprint changes its mind about them. */
  sets: JsonObject;
}

/** After these a machine may have another address than before. */
const moving = ['PowerOn', 'Reboot', 'Resize', 'Snapshot.Revert'];

/**
 * One request that performs actions on some instances, all at once; what stands and why is not touched. Balancers are told anew of
 * machines that come up again.
 */
export function planOperations(
  existing: Deployment,
  operations: readonly Operation[],
  { request, requestedBy, requestedAt }: Pick<DeploymentPlan, 'request' | 'requestedBy' | 'requestedAt'>,
): DeploymentPlan {
  const actions = operations.map(
    ({ id, name, instance, inputs, sets }): Action => ({
      id: `${name} ${instance}`,
      instance,
      does: 'act',
      after: [],
      because: `${requestedBy} asks for it.`,
      operation: { id, name, inputs, sets },
    }),
  );
  const graph = dependencies(existing.plan.blueprint);
  for (const { instance, node, type } of Object.values(existing.resources)) {
    if (!/\.LoadBalancer$/.test(type)) continue;
    const members = operations
      .filter(({ name, instance: of }) => moving.includes(name) && graph[node]?.includes(existing.resources[of]!.node))
      .map(({ name, instance: of }) => `${name} ${of}`);
    const because = `${instance} learns where its members are now.`;
    if (members.length > 0)
      actions.push({ id: `update ${instance}`, instance, does: 'update', after: members, because, refresh: true });
  }
  return { ...existing.plan, ...{ request, requestedBy, requestedAt, kind: 'UPDATE', actions } };
}
