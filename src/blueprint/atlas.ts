import type { JsonObject } from '../core/json.ts';
import { type Constraint, markOf } from './constraint.ts';
import type { Tag } from './model.ts';
import type { Verdict } from './placement.ts';
import type { NetworkProfile, StorageProfile, Zone } from './zone.ts';

/** Zones made ready for many questions: a thousand resources ask each of hundreds of zones. */
export interface Atlas {
  /** By priority, then by name. */
  places: Place[];
  byName: Map<string, Place>;
  regions: Map<string, Region>;
}

export interface Place {
  zone: Zone;
  region: Region;
  tags: TagSet;
  images: Mappings<JsonObject>;
  flavors: Mappings<Flavor>;
  /** Those that are switched on, with the tags of zone and compute together. */
  hosts: { name: string; memoryMb: number; tags: TagSet }[];
  /** Verdicts that were passed on it against a request: the same lists give the same verdict. */
  judged: Verdict[];
}

/** What all zones of one region of one account share. */
export interface Region {
  key: string;
  name: string;
  accountType: string;
  networks: { profile: NetworkProfile; network: NetworkProfile['networks'][number] | null; tags: TagSet }[];
  storage: (StorageProfile & { tagSet: TagSet })[];
}

export type TagSet = ReadonlySet<string>;

/** Names are looked up in lower case, since the original makes no difference. */
export interface Mappings<T> {
  byName: ReadonlyMap<string, T>;
  /** What is said where a name is none: once, however often it is asked for. */
  lack(lowerName: string, name: string): Refused[];
}

/** What a flavor takes of the limits of a zone, and all that was written of it. */
export interface Flavor {
  memoryMb: number;
  cpus: number;
  written: JsonObject;
}

/** Why a zone is none: the rule, for machines, and a sentence, for people. */
export interface Refused {
  rule: string;
  message: string;
}

export function atlasOf(zones: readonly Zone[]): Atlas {
  const regions = new Map<string, Region>();
  const sorted = zones.toSorted((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1));
  const places = sorted.map((zone): Place => {
    const region = regionOf(zone, regions);
    return {
      zone,
      region,
      judged: [],
      tags: tagSet(zone.tags),
      images: mappingsOf('image', zone.images, (image) => image),
      flavors: mappingsOf('flavor', zone.flavors, flavorOf),
      hosts: zone.computes
        .filter(({ isOn }) => isOn)
        .map(({ name, memoryMb, tags }) => ({ name, memoryMb, tags: tagSet([...zone.tags, ...tags]) })),
    };
  });
  return { places, byName: new Map(places.map((place) => [place.zone.name, place])), regions };
}

function regionOf(zone: Zone, regions: Map<string, Region>): Region {
  const key = `${zone.account}/${zone.region}`;
  const region = regions.get(key) ?? {
    ...{ key, name: zone.region, accountType: zone.accountType, networks: [], storage: [] },
  };
  regions.set(key, region);
  for (const profile of zone.networkProfiles) {
    if (region.networks.some((known) => known.profile.name === profile.name)) continue;
    const networks = [...profile.networks].sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
    for (const network of [...networks, null])
      region.networks.push({ profile, network, tags: tagSet([...profile.tags, ...(network?.tags ?? [])]) });
  }
  for (const profile of zone.storageProfiles) {
    if (!region.storage.some(({ name }) => name === profile.name))
      region.storage.push({ ...profile, tagSet: tagSet(profile.tags) });
  }
  region.storage.sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  return region;
}

function mappingsOf<T>(kind: string, given: Record<string, JsonObject>, read: (value: JsonObject) => T): Mappings<T> {
  const byName = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), read(value)]));
  const lacks = new Map<string, Refused[]>();
  const names = Object.keys(given).join(', ') || 'none';
  return {
    byName,
    lack: (lowerName, name) => {
      const message = `it has no mapping for ${kind} ${name} (has: ${names})`;
      const lack = lacks.get(lowerName) ?? [{ rule: kind, message }];
      lacks.set(lowerName, lack);
      return lack;
    },
  };
}

const flavorOf = (written: JsonObject): Flavor => ({
  memoryMb: Number(written.memoryMb ?? written.memoryInMB ?? 0),
  cpus: Number(written.cpu ?? written.cpuCount ?? 0),
  written,
});

const tagSet = (tags: readonly Tag[]): TagSet => new Set(tags.map(markOf));

/** Met when the tags hold exactly this key and value; no value means the empty one, not any. `!` turns it round. */
export const meets = (tags: TagSet, { mark, mustNot }: Constraint): boolean => tags.has(mark) !== mustNot;

export function meetsHard(tags: TagSet, constraints: readonly Constraint[]): boolean {
  for (const constraint of constraints) if (constraint.hard && !meets(tags, constraint)) return false;
  return true;
}

export function softMatches(tags: TagSet, constraints: readonly Constraint[]): number {
  let count = 0;
  for (const constraint of constraints) if (!constraint.hard && meets(tags, constraint)) count++;
  return count;
}
