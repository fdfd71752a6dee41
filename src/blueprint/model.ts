import type { Json, JsonObject } from '../core/json.ts';

/** A blueprint (cloud template) as somebody wrote it; its text is kept beside it, byte for byte. */
export interface Blueprint {
  name: string;
  version: string;
  inputs: Record<string, JsonObject>;
  /** Forms require each input without a default, not only flags. */
  requiresInputs?: boolean;
  variables: JsonObject;
  resources: Record<string, Resource>;
  outputs: Record<string, Json>;
}

export interface Resource {
  name: string;
  type: string;
  properties: JsonObject;
  dependsOn: string[];
  /** A number or an expression; 1 when not written. */
  count: Json;
  /** An update may not remove it, nor make it anew; deleting the whole deployment may. */
  preventDelete: boolean;
  /** A boolean or an expression; where it does not hold, there is none of this resource. */
  condition?: Json;
  /** What stands is never touched by an update. */
  ignoreChanges?: boolean;
  /** Every update makes it anew. */
  forceRecreate?: boolean;
  /** Properties that an update leaves as they are, and those whose change needs a new one. */
  ignoredProperties?: string[];
  recreatingProperties?: string[];
  /** Each machine of a cluster is placed by itself, so that `count.index` may say where. */
  allocatePerInstance?: boolean;
  /** Where it is made anew, the new one stands before the old one goes. */
  createBeforeDelete?: boolean;
  /** Milliseconds that each step may take, where somebody said so. */
  timeouts?: { create?: number; update?: number; delete?: number };
  /** The instances of a cluster come one after the other. */
  oneByOne?: boolean;
}

/** A tag: what a place can do, or what a resource is labelled with. */
export interface Tag {
  key: string;
  value: string;
}

/** One instance of a resource, as people see it: `web[1]`, or `db` where there can be only one. */
export const instanceName = (resource: Resource, index: number): string =>
  isCluster(resource) ? `${resource.name}[${index}]` : resource.name;

/** The resource that a placement speaks of, which is one of a cluster where each is placed by itself. */
export const nodeOf = ({ resources }: Blueprint, placed: string): string =>
  Object.hasOwn(resources, placed) ? placed : placed.replace(/\[\d+\]$/, '');

/** Clusters are arrays in expressions and numbered in names; the word `count` makes one. */
export const isCluster = (resource: Resource): boolean =>
  resource.properties.count !== undefined || resource.count !== 1;
