import { type ResourceState, resourceId } from '../blueprint/deployment.ts';
import { isDisk, isMachine, isNetwork } from '../blueprint/type-families.ts';

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
