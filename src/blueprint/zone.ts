import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { parseTag } from './constraint.ts';
import type { Tag } from './model.ts';

/** How the computes of a zone are filled; `DEFAULT` spreads the machines of a cluster, and no more. */
export const policies = ['DEFAULT', 'BINPACK', 'SPREAD', 'SPREAD_MEMORY'] as const;
export type Policy = (typeof policies)[number];

/** A place where resources can be made, as one project sees it: what it offers, and what its tags promise. */
export interface Zone {
  name: string;
  /** The cloud account and its kind: `local`, later `aws`, `vsphere` and so on. */
  account: string;
  accountType: string;
  region: string;
  tags: Tag[];
  /** Lower numbers are preferred. */
  priority: number;
  policy: Policy;
  /** What all machines of the zone may have together; 0: no limit. */
  limits: Amounts;
  /** Mappings of image and flavor names to what the cloud calls them. */
  images: Record<string, JsonObject>;
  flavors: Record<string, JsonObject>;
  /** Hosts, clusters, availability zones; none: the zone itself is where machines are made. */
  computes: Compute[];
  /** Profiles belong to the region: those of all its zones together count. */
  networkProfiles: NetworkProfile[];
  storageProfiles: StorageProfile[];
}

export interface Amounts {
  instances: number;
  memoryMb: number;
  cpus: number;
  storageGb: number;
}

export const nothing: Amounts = { instances: 0, memoryMb: 0, cpus: 0, storageGb: 0 };

export const plus = (a: Amounts, b: Amounts): Amounts => ({
  instances: a.instances + b.instances,
  memoryMb: a.memoryMb + b.memoryMb,
  cpus: a.cpus + b.cpus,
  storageGb: a.storageGb + b.storageGb,
});

export interface Compute {
  name: string;
  tags: Tag[];
  isOn: boolean;
  /** Of all its memory and of what is free, in MB; 0 where nobody knows. */
  memoryMb: number;
}

export interface NetworkProfile {
  name: string;
  tags: Tag[];
  /** How networks are made on demand; `NONE`: they are not. */
  isolation: 'NONE' | 'SUBNET' | 'SECURITY_GROUP';
  networks: ProfileNetwork[];
}

export interface ProfileNetwork {
  name: string;
  tags: Tag[];
  isDefault: boolean;
  /** Whether machines in it can have public addresses. */
  isPublic: boolean;
  /** Addresses that are given out to machines that ask for a static one; none: the cloud gives them. */
  ranges: AddressRange[];
}

/** From the first to the last, both among them. */
export interface AddressRange {
  start: string;
  end: string;
}

export interface StorageProfile {
  name: string;
  /** Of the profile, its datastore and its policy together. */
  tags: Tag[];
  isDefault: boolean;
  supportsEncryption: boolean;
  /** What the cloud is told: volume type, datastore and so on. */
  settings: JsonObject;
}

/** Profiles that a network alone stands for, as the short form of a zone file has it. */
const ofNetwork = (network: JsonObject): NetworkProfile => ({
  name: String(network.name),
  tags: [],
  isolation: 'SUBNET',
  networks: [networkOf({ isPublic: true, ...network })],
});

/**
 * Reads a zone, however much of it was written; a zone that was read is read as itself.
 * @throws MillraceError definition.invalid
 */

export function readZone(value: JsonObject): Zone {
  if (!value.name) throw new MillraceError('definition.invalid', { message: 'A cloud zone needs a `name`.' });
  const limits = isObject(value.limits) ? value.limits : {};
  const policy = policies.find((known) => known === String(value.policy ?? value.placementPolicy).toUpperCase());
  return {
    name: String(value.name),
    account: String(value.account ?? 'local'),
    accountType: String(value.accountType ?? 'local'),
    region: String(value.region ?? 'local'),
    tags: tagsOf(value.tags),
    priority: Number(value.priority ?? 1),
    policy: policy ?? 'DEFAULT',
    limits: {
      instances: Number(limits.instances ?? value.maxInstances ?? 0),
      memoryMb: Number(limits.memoryMb ?? 0),
      cpus: Number(limits.cpus ?? 0),
      storageGb: Number(limits.storageGb ?? 0),
    },
    images: mappings(value.images),
    flavors: mappings(value.flavors),
    computes: objects(value.computes).map(computeOf),
    networkProfiles: value.networkProfiles
      ? objects(value.networkProfiles).map(profileOf)
      : (value.networks ? objects(value.networks) : [{ name: 'default' }]).map(ofNetwork),
    storageProfiles: objects(value.storageProfiles).map(storageOf),
  };
}

const computeOf = (value: JsonObject): Compute => ({
  name: String(value.name),
  tags: tagsOf(value.tags),
  isOn: value.isOn !== false && value.powerState !== 'OFF',
  memoryMb: Number(value.memoryMb ?? 0),
});

const networkOf = (value: JsonObject): ProfileNetwork => ({
  name: String(value.name),
  tags: tagsOf(value.tags),
  isDefault: value.isDefault === true,
  isPublic: value.isPublic === true,
  ranges: objects(value.ranges).map(({ start, end }) => ({ start: String(start), end: String(end) })),
});

const profileOf = (value: JsonObject): NetworkProfile => ({
  name: String(value.name),
  tags: tagsOf(value.tags),
  isolation: value.isolation === 'SUBNET' || value.isolation === 'SECURITY_GROUP' ? value.isolation : 'NONE',
  networks: objects(value.networks).map(networkOf),
});

const storageOf = (value: JsonObject): StorageProfile => ({
  name: String(value.name),
  tags: tagsOf(value.tags),
  isDefault: value.isDefault === true,
  supportsEncryption: value.supportsEncryption === true,
  settings: isObject(value.settings) ? value.settings : {},
});

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const mappings = (value: Json | undefined): Record<string, JsonObject> =>
  Object.fromEntries(
    Object.entries(isObject(value) ? value : {}).map(([name, item]) => [name, isObject(item) ? item : {}]),
  );

/** Tags as `key:value` texts or as `{key, value}`. */
export const tagsOf = (value: Json | undefined): Tag[] =>
  (Array.isArray(value) ? value : []).map((tag) =>
    isObject(tag) ? { key: String(tag.key), value: String(tag.value ?? '') } : parseTag(String(tag)),
  );
