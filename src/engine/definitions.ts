import type { DeploymentEvent } from '../blueprint/deployment.ts';
import { type PastRequest, pastRequests } from '../blueprint/history.ts';
import { assembleZones } from '../blueprint/infrastructure.ts';
import type { PropertyGroup } from '../blueprint/property-groups.ts';
import type { Zone } from '../blueprint/zone.ts';
import { MillraceError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import { bindingPath, resolveText } from '../lang/binding.ts';
import type { Endpoint } from '../sdk/powers.ts';
import { isSealed } from '../store/seal.ts';
import type { Document } from '../store/store.ts';
import type { EngineParts } from './parts.ts';

/** The variables of a project with their values, and which of them must never be seen. */
export async function readVariables(
  parts: EngineParts,
  project: string,
  /** Where they have been read already. */
  read?: Document[],
): Promise<{ values: Record<string, string>; secrets: string[]; restricted: string[] }> {
  const values: Record<string, string> = {};
  const secrets: string[] = [];
  const restricted: string[] = [];
  for (const { name, body } of read ?? (await parts.store.list('variable', project))) {
    const value = opened(parts, body.value);
    values[name] = value;
    if (body.type !== 'REGULAR') secrets.push(value);
    if (body.type === 'RESTRICTED') restricted.push(name);
  }
  return { values, secrets, restricted };
}

/** An endpoint with its secrets opened and its `${var.x}` resolved. */
export async function readEndpoint(
  parts: EngineParts,
  project: string,
  name: string,
  variables: Record<string, string>,
): Promise<{ endpoint: Endpoint; secrets: string[]; isRestricted: boolean }> {
  const document = await parts.store.find('endpoint', project, name);
  if (!document) {
    throw new MillraceError('not.found', {
      message: `There is no endpoint ${name} in project ${project}.`,
      hint: 'Import it, or name another one in the task.',
    });
  }
  return openEndpoint(parts, document, variables);
}

/** A kept endpoint as tasks are handed it. */
export function openEndpoint(
  parts: EngineParts,
  { name, body }: Document,
  variables: Record<string, string>,
): { endpoint: Endpoint; secrets: string[]; isRestricted: boolean } {
  const secrets: string[] = [];
  const properties: Record<string, string> = {};
  for (const [key, written] of Object.entries((body.properties ?? {}) as JsonObject)) {
    const value = openedWith(parts, written, variables);
    properties[key] = value;
    if (isSealed(written)) secrets.push(value);
  }
  return {
    endpoint: {
      ...{ name, type: String(body.type), properties },
      ...(body.cloudProxyId ? { agent: String(body.cloudProxyId) } : {}),
    },
    secrets,
    isRestricted: body.isRestricted === true,
  };
}

/** All zones, with what their regions offer. */
export async function readZones({ store }: Pick<EngineParts, 'store'>): Promise<Zone[]> {
  const kinds = ['cloud-zone', 'flavor-profile', 'image-profile', 'network-profile', 'storage-profile'];
  const fabric = ['fabric-network', 'fabric-compute'];
  const ranges = await store.list('network-ip-range');
  const lists = await Promise.all([...kinds, ...fabric].map((kind) => store.list(kind)));
  const [zones, flavorProfiles, imageProfiles, networkProfiles, storageProfiles] = lists.map((list) =>
    list.map(({ body }) => body),
  ) as [JsonObject[], JsonObject[], JsonObject[], JsonObject[], JsonObject[]];
  const [fabricNetworks, fabricComputes] = lists
    .slice(kinds.length)
    .map((list) =>
      Object.fromEntries(list.map(({ id, name, body }): [string, JsonObject] => [id, { name, ...body }])),
    ) as [Record<string, JsonObject>, Record<string, JsonObject>];
  for (const { body } of ranges)
    for (const id of Array.isArray(body.fabricNetworkIds) ? body.fabricNetworkIds.map(String) : []) {
      const network = fabricNetworks[id];
      const range = { start: body.startIPAddress!, end: body.endIPAddress! };
      if (network) network.ranges = [...(Array.isArray(network.ranges) ? network.ranges : []), range];
    }
  const profiles = { flavorProfiles, imageProfiles, networkProfiles, storageProfiles };
  return assembleZones({ zones, ...profiles, fabricNetworks, fabricComputes });
}

/** The property groups that blueprints of a project may name; those of no project belong to all. */
export async function readPropertyGroups(
  { store }: Pick<EngineParts, 'store'>,
  project: string,
): Promise<Record<string, PropertyGroup>> {
  const groups: Record<string, PropertyGroup> = {};
  const kept = await store.list('property-group');
  for (const owner of ['', project])
    for (const one of kept) if (one.project === owner) groups[one.name] = one.body as unknown as PropertyGroup;
  return groups;
}

/** The requests of a deployment, from its events. */
export const readRequests = async (parts: Pick<EngineParts, 'store'>, deployment: string): Promise<PastRequest[]> =>
  pastRequests(await readHistory(parts, deployment));

/** All events of a deployment, oldest first. */
export async function readHistory(
  { store }: Pick<EngineParts, 'store'>,
  deployment: string,
): Promise<DeploymentEvent[]> {
  const events: DeploymentEvent[] = [];
  for (let after = 0; ; ) {
    const page = await store.events(after, 500, deployment);
    events.push(...page.map(({ body }) => body as unknown as DeploymentEvent));
    if (page.length < 500) return events;
    after = page.at(-1)!.sequence;
  }
}

/** The names of the variables that a text binds. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$\{\s*(var\.[^}]+)\}/g)].flatMap(([, source]) => {
    const path = bindingPath(source!);
    return path?.[1] === undefined ? [] : [String(path[1])];
  });
}

/** A value with its `${var.x}` resolved. */
export const openedWith = (parts: EngineParts, value: unknown, variables: Record<string, string>): string =>
  String(resolveText(opened(parts, value), (path) => (path[0] === 'var' ? variables[String(path[1])] : undefined)));

export const opened = (parts: Pick<EngineParts, 'seal'>, value: unknown): string =>
  isSealed(value) ? parts.seal.open(String(value)) : String(value ?? '');
