import type { Deployment, DeploymentPlan, ResourceState } from '../blueprint/deployment.ts';
import { planOperations } from '../blueprint/operation.ts';
import { planRemoval } from '../blueprint/removal.ts';
import { toIso } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { type Offer, operationOf, powerOperations } from './day-two.ts';
import type { EngineParts } from './parts.ts';
import type { deploymentPlanner } from './plan-deployment.ts';

/** Plans what a day-2 action will do: a request for the whole deployment, or steps on what stands. */
export function actionPlanner(parts: EngineParts, planFor: ReturnType<typeof deploymentPlanner>) {
  return async (
    offer: Offer,
    deployment: Deployment,
    resource: ResourceState | undefined,
    inputs: JsonObject,
    { id, requestId, requestedBy }: { id: string; requestId: string; requestedBy: string },
  ): Promise<DeploymentPlan> => {
    if (offer.asks) {
      const { name: deploymentName, project } = deployment;
      const asked = { action: offer.asks, project, deploymentName, allowDestroy: true, requestedBy };
      const what = resource ? { inputs: {}, rebuild: [resource.instance] } : { inputs };
      return planFor({ ...asked, ...what, keepsBlueprint: true }, deployment, { id, requestId });
    }
    const asked = { request: requestId, requestedBy, requestedAt: toIso(parts.moment.now()) };
    if (resource && offer.name === 'Delete') return planRemoval(deployment, resource.instance, asked);
    const operations = resource
      ? [operationOf(offer, resource, inputs)]
      : await powerOperations(parts, deployment, offer.name);
    return planOperations(deployment, operations, asked);
  };
}
