import type { JsonObject } from '../core/json.ts';
import type { Action, Deployment, DeploymentPlan } from './deployment.ts';

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

/** One request that performs actions on some instances, all at once; what stands and why is not touched. */
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
  return { ...existing.plan, ...{ request, requestedBy, requestedAt, kind: 'UPDATE', actions } };
}
