import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { readZone, type Zone } from './zone.ts';

/** What administrators have said about clouds, as the API keeps it: by id, the bodies of each kind. */
export interface Infrastructure {
  zones: JsonObject[];
  flavorProfiles: JsonObject[];
  imageProfiles: JsonObject[];
  networkProfiles: JsonObject[];
  storageProfiles: JsonObject[];
  /** By their ids. */
  fabricNetworks: Record<string, JsonObject>;
  fabricComputes: Record<string, JsonObject>;
}

/** A region is known by its account and its name there. */
export const regionIdOf = (account: string, region: string): string => idOfKey(`region/${account}/${region}`);

/** The zones with all that belongs to their regions: a zone file has its own mappings, and the profiles of its region beside. */
export function assembleZones(infrastructure: Infrastructure): Zone[] {
  return infrastructure.zones.map((body) => {
    const zone = readZone(body);
    const regionId = regionIdOf(zone.account, zone.region);
    const here = (profiles: JsonObject[]) => profiles.filter((profile) => profile.regionId === regionId);
    const extra = {
      images: mappings(here(infrastructure.imageProfiles), 'imageMapping'),
      flavors: mappings(here(infrastructure.flavorProfiles), 'flavorMapping'),
      networkProfiles: here(infrastructure.networkProfiles).map((one) =>
        networkProfile(one, infrastructure.fabricNetworks),
      ),
      storageProfiles: here(infrastructure.storageProfiles).map(storageProfile),
    };
    const computes = computesOf(body, regionId, infrastructure.fabricComputes);
    const profiled = readZone({ name: zone.name, ...extra, computes } as unknown as JsonObject);
    return {
      ...zone,
      images: { ...zone.images, ...profiled.images },
      flavors: { ...zone.flavors, ...profiled.flavors },
      computes: [...zone.computes, ...profiled.computes],
      networkProfiles:
        extra.networkProfiles.length === 0
          ? zone.networkProfiles
          : [...(body.networks || body.networkProfiles ? zone.networkProfiles : []), ...profiled.networkProfiles],
      storageProfiles: [...zone.storageProfiles, ...profiled.storageProfiles],
    };
  });
}

const mappings = (profiles: JsonObject[], key: string): JsonObject =>
  Object.assign({}, ...profiles.map((profile) => (isObject(profile[key]) ? profile[key] : {})));

function networkProfile(profile: JsonObject, fabric: Record<string, JsonObject>): JsonObject {
  return {
    name: profile.name!,
    tags: profile.tags ?? [],
    isolation: profile.isolationType ?? 'NONE',
    networks: texts(profile.fabricNetworkIds).flatMap((id) => fabric[id] ?? []),
  };
}

const storageProfile = (profile: JsonObject): JsonObject => ({
  name: profile.name!,
  tags: profile.tags ?? [],
  isDefault: profile.defaultItem === true,
  supportsEncryption: profile.supportsEncryption === true,
  settings: {
    ...Object.fromEntries(Object.entries(profile).filter(([key, value]) => !general.has(key) && value !== '')),
    ...(isObject(profile.diskProperties) ? profile.diskProperties : {}),
  },
});

/** What all storage profiles have; the rest is said in the words of one kind of cloud. */
const general = new Set([
  ...['name', 'description', 'regionId', 'defaultItem', 'supportsEncryption', 'diskProperties', 'tags'],
  ...['provider', 'createdBy'],
]);

/** Named one by one, or all of the region that carry one of the wanted tags. */
function computesOf(zone: JsonObject, regionId: string, fabric: Record<string, JsonObject>): JsonObject[] {
  const named = texts(zone.computeIds);
  const wanted = tagTexts(zone.tagsToMatch);
  if (named.length === 0 && wanted.length === 0) return [];
  return Object.entries(fabric).flatMap(([id, compute]) => {
    const isNamed = named.includes(id);
    const isTagged = compute.regionId === regionId && tagTexts(compute.tags).some((tag) => wanted.includes(tag));
    return isNamed || isTagged ? [compute] : [];
  });
}

const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);
const tagTexts = (value: Json | undefined): string[] =>
  (Array.isArray(value) ? value.filter(isObject) : []).map(
    ({ key, value: of }) => `${String(key)}:${String(of ?? '')}`,
  );
