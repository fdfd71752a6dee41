import type { Deployment, ResourceState } from '../blueprint/deployment.ts';
import { isDisk, isMachine, isNetwork } from '../blueprint/type-families.ts';
import { idOfKey } from '../core/key-id.ts';

/** The id of a resource in all services: another one when it was made anew. */
export const resourceId = (
  deploymentId: string,
  { instance, generation }: Pick<ResourceState, 'instance' | 'generation'>,
): string => idOfKey(`${deploymentId}/${instance}/${generation}`);

/** Where the infrastructure service keeps resources of a type; undefined for what only the deployment service knows. */
export function collectionOf(type: string): string | undefined {
  if (isMachine(type)) return 'machines';
  if (isDisk(type)) return 'block-devices';
  if (isNetwork(type)) return 'networks';
  if (/\.LoadBalancer$/.test(type)) return 'load-balancers';
  return /\.SecurityGroup$/.test(type) ? 'security-groups' : undefined;
}

export function resourcePath(deploymentId: string, resource: ResourceState): string | undefined {
  const collection = collectionOf(resource.type);
  return collection && `/iaas/api/${collection}/${resourceId(deploymentId, resource)}`;
}

export const resourceWithId = (deployment: Deployment, id: string): ResourceState | undefined =>
  Object.values(deployment.resources).find((resource) => resourceId(deployment.id, resource) === id);
