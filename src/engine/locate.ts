import { type Deployment, effective, givenName, placementOf, type ResourceState } from '../blueprint/deployment.ts';
import type { Findings } from '../blueprint/difference.ts';
import type { Zone } from '../blueprint/zone.ts';
import type { JsonObject } from '../core/json.ts';
import type { CloudResourceDefinition, ResourceContext } from '../sdk/cloud.ts';
import { readZones } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import { type FunctionRuns, resourcePowers } from './resource-powers.ts';

/** Who makes a resource, and what it is told of its place. */
export interface Located {
  /** Kind of the account that its zone belongs to. */
  cloud: string;
  definition: CloudResourceDefinition | undefined;
  context: ResourceContext;
}

/** What makes a resource of a type on an account of a kind; what belongs to no kind is made everywhere. */
export const definitionFor = (
  { catalogue }: Pick<EngineParts, 'catalogue'>,
  type: string,
  cloud: string,
): CloudResourceDefinition | undefined =>
  catalogue.resources.find((one) => one.type === type && one.accountType === cloud) ??
  catalogue.resources.find((one) => isOfFamily(one.type, type) && one.accountType === 'any');

/** `Custom.*` stands for all types that begin so. */
export const isOfFamily = (family: string, type: string): boolean =>
  family.endsWith('*') ? type.startsWith(family.slice(0, -1)) : family === type;

export async function locate(
  parts: EngineParts,
  functions: FunctionRuns,
  deployment: Deployment,
  resource: ResourceState,
  key: string,
): Promise<Located> {
  return located(parts, functions, await readZones(parts), deployment, resource, key);
}

function located(
  parts: EngineParts,
  functions: FunctionRuns,
  zones: readonly Zone[],
  deployment: Deployment,
  resource: ResourceState,
  key: string,
): Located {
  const zone = zones.find(({ name }) => name === resource.zone);
  const cloud = zone?.accountType ?? 'local';
  const placement = placementOf(deployment.plan.placements, resource);
  const wanted = effective(resource);
  const context: ResourceContext = {
    key,
    identity: `${deployment.id}/${givenName(resource)}/${resource.generation}`,
    deploymentId: deployment.id,
    deploymentName: deployment.name,
    project: deployment.project,
    instance: givenName(resource),
    name: resource.name,
    type: resource.type,
    zone: resource.zone,
    image: placement?.image ?? null,
    flavor: (zone && mapped(zone.flavors, wanted.flavor)) ?? placement?.flavor ?? null,
    neighbours: Object.values(deployment.resources)
      .filter(({ instance }) => instance !== resource.instance)
      .map((one) => ({ ...effective(one), ...one.properties })),
    powers: resourcePowers(parts, functions, deployment.project, deployment.plan.requestedBy),
  };
  return { cloud, definition: definitionFor(parts, resource.type, cloud), context };
}

function mapped(mappings: Record<string, JsonObject>, name: unknown): JsonObject | undefined {
  const found = Object.keys(mappings).find((key) => key.toLowerCase() === String(name ?? '').toLowerCase());
  return found === undefined ? undefined : mappings[found];
}

/** Milliseconds for a cloud to say how a resource is; one that does not is taken as it was left. */
const readWithin = 10_000;

/**
 * Asks the clouds how everything is that stands well. What lives on another machine of ours cannot be seen from here, and is taken as it
 * was left: a node that sees nothing must not take it for gone.
 */
export async function findingsOf(
  parts: EngineParts,
  functions: FunctionRuns,
  deployment: Deployment,
): Promise<Findings> {
  const zones = await readZones(parts);
  const standing = Object.values(deployment.resources).filter(({ status }) => status === 'OK');
  const found = await Promise.all(
    standing.map(async (resource) => {
      const { definition, context } = located(parts, functions, zones, deployment, resource, `${deployment.id}/read`);
      if (definition?.worksHere && deployment.host !== undefined && deployment.host !== parts.node.host) return [];
      const known = { ...effective(resource), ...resource.properties };
      const finding = await patiently(definition?.read?.(known, context, AbortSignal.timeout(readWithin)));
      return finding === undefined ? [] : [[resource.instance, finding] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

/** What did not come in time, or went wrong, is not known. */
function patiently<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  if (!work) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), readWithin);
    work.then(resolve, () => resolve(undefined)).finally(() => clearTimeout(timer));
  });
}
