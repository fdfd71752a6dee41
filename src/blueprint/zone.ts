import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { parseTag } from './constraint.ts';
import type { Zone } from './placement.ts';

/** Our own kind of document: a cloud zone with its capabilities and mappings. */
export function readZone(value: JsonObject): Zone {
  const object = (given: Json | undefined): JsonObject => (isObject(given) ? given : {});
  const tags = (given: Json | undefined) => (Array.isArray(given) ? given.map((tag) => parseTag(String(tag))) : []);
  if (!value.name) throw new MillraceError('definition.invalid', { message: 'A cloud zone needs a `name`.' });
  return {
    name: String(value.name),
    account: String(value.account ?? 'local'),
    accountType: String(value.accountType ?? 'local'),
    region: String(value.region ?? 'local'),
    tags: tags(value.tags),
    priority: Number(value.priority ?? 1),
    maxInstances: Number(value.maxInstances ?? 0),
    images: object(value.images) as Zone['images'],
    flavors: object(value.flavors) as Zone['flavors'],
    networks: (Array.isArray(value.networks)
      ? value.networks.filter(isObject)
      : [{ name: 'default' } as JsonObject]
    ).map((network) => ({ name: String(network.name), tags: tags(network.tags) })),
  };
}
