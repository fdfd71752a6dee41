import type { Json, JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { type Scope, usualBudget } from '../lang/evaluate.ts';
import { ExpressionError } from '../lang/tokens.ts';
import { type GivenAddress, withAddresses } from './addresses.ts';
import { effective, type ResourceState } from './deployment.ts';
import { type Blueprint, instanceName, isCluster } from './model.ts';
import { namesOf, resolveTemplate } from './template.ts';

/** What expressions may read at some moment of a request. */
export interface Facts {
  blueprint: Blueprint;
  inputs: JsonObject;
  constants?: JsonObject | undefined;
  env: JsonObject;
  /** Instances that are part of the target, by instance name. */
  resources: Record<string, ResourceState>;
  /** Resources that are yet to be made: whoever reads one has to wait. */
  pending?: ReadonlySet<string>;
  /** Static addresses, by instance. */
  addresses?: Readonly<Record<string, readonly GivenAddress[]>>;
  now: string;
}

/**
 * Roots known before anything is made; a name that needs a resource throws. `seed` names what is evaluated: the same place gives the
 * same `uuid()` in every request, so that nothing changes because it is looked at.
 */
export function inputScope(facts: Facts, seed = ''): Scope {
  const scope: Scope = {
    root(name) {
      if (name === 'input') return withNull(facts.inputs, Object.keys(facts.blueprint.inputs));
      if (name === 'env') return facts.env;
      if (name === 'variable') return variables;
      if (name === 'secret') return secretMarks;
      if (name === 'propgroup') return facts.constants ?? {};
      return undefined;
    },
    now: facts.now,
    uuid: counted(facts, seed),
    budget: usualBudget(),
  };
  const variables = lazyVariables(facts, scope);
  return scope;
}

function counted({ env, now }: Facts, seed: string): () => string {
  let calls = 0;
  return () => idOfKey(`${String(env.deploymentId ?? now)}/${seed}/${calls++}`);
}

/** All roots, for one instance of one resource. */
function resourceScope(facts: Facts, node: string, index: number, self: JsonObject): Scope {
  const early = inputScope(facts, `${node}/${index}`);
  let resources: JsonObject | undefined;
  const scope: Scope = {
    ...early,
    root(name) {
      if (name === 'variable') return variables;
      if (name === 'resource') {
        resources ??= allResources(facts);
        return resources;
      }
      if (name === 'self') return self;
      if (name === 'count') return { index };
      if (Object.hasOwn(facts.blueprint.resources, name)) return resourceValue(facts, name);
      return early.root(name);
    },
  };
  const variables = lazyVariables(facts, scope);
  return scope;
}

/** The properties of one instance, everything known. @throws ExpressionError naming what has no value. */
export function evaluateProperties(facts: Facts, node: string, index: number, name: string): JsonObject {
  const { properties } = facts.blueprint.resources[node]!;
  const self = { ...properties, resourceName: name };
  const value = resolveTemplate(properties, resourceScope(facts, node, index, self), namesOf(facts.blueprint));
  const { networks = null, ...rest } = value as JsonObject;
  return networks === null
    ? (value as JsonObject)
    : { ...rest, networks: withAddresses(networks, addressesIn(facts, node, index)) };
}

/** One property of one instance. @throws ExpressionError naming what has no value yet. */
export function evaluateProperty(facts: Facts, node: string, index: number, name: string, key: string): Json {
  const { properties } = facts.blueprint.resources[node]!;
  const self = { ...properties, resourceName: name };
  const value = resolveTemplate(
    properties[key] ?? null,
    resourceScope(facts, node, index, self),
    namesOf(facts.blueprint),
  );
  return key === 'networks' ? withAddresses(value, addressesIn(facts, node, index)) : value;
}

const addressesIn = ({ blueprint, addresses = {} }: Facts, node: string, index: number): readonly GivenAddress[] =>
  addresses[instanceName(blueprint.resources[node]!, index)] ?? [];

/** Those properties of an instance that can be known before anything is made. */
export function knownProperties(facts: Facts, node: string, index: number): JsonObject {
  const { properties } = facts.blueprint.resources[node]!;
  const early = inputScope(facts);
  const scope = { ...early, root: (root: string) => (root === 'count' ? { index } : early.root(root)) };
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, value]) => {
      try {
        return [[key, resolveTemplate(value, scope, namesOf(facts.blueprint))]];
      } catch (thrown) {
        if (!(thrown instanceof ExpressionError)) throw thrown;
        return [];
      }
    }),
  );
}

/** Each is looked up when it is read, since one that is yet to be made cannot be. */
function allResources(facts: Facts): JsonObject {
  const all: JsonObject = {};
  for (const name of Object.keys(facts.blueprint.resources))
    Object.defineProperty(all, name, { enumerable: true, configurable: true, get: () => resourceValue(facts, name) });
  return all;
}

/** The outputs of a deployment whose resources stand. */
export function evaluateOutputs(facts: Facts): JsonObject {
  const scope = resourceScope(facts, '', 0, {});
  return Object.fromEntries(
    Object.entries(facts.blueprint.outputs).map(([name, output]) => {
      const value =
        typeof output === 'object' && output !== null && !Array.isArray(output) ? (output.value ?? null) : output;
      return [name, resolveTemplate(value, scope, namesOf(facts.blueprint))];
    }),
  );
}

/** A resource as expressions see it: its desired properties under what the cloud said; a list of them for a cluster. */
function resourceValue(facts: Facts, name: string): Json {
  if (facts.pending?.has(name)) throw new ExpressionError(`resource ${name} is yet to be made.`, 0);
  const instances = Object.values(facts.resources)
    .filter(({ node }) => node === name)
    .sort((a, b) => a.index - b.index)
    .map(
      (state): JsonObject => ({ ...effective(state), ...state.properties, resourceName: state.name ?? state.instance }),
    );
  return isCluster(facts.blueprint.resources[name]!) ? instances : (instances[0] ?? null);
}

/** Each is evaluated when it is first read, and once; whoever reads it sees the same. */
function lazyVariables(facts: Facts, scope: Scope): JsonObject {
  const values: JsonObject = {};
  const known = new Map<string, Json>();
  const underWay: string[] = [];
  const names = namesOf(facts.blueprint);
  for (const [name, written] of Object.entries(facts.blueprint.variables))
    Object.defineProperty(values, name, {
      enumerable: true,
      get: () => {
        if (known.has(name)) return known.get(name)!;
        if (underWay.includes(name))
          throw new ExpressionError(`the variables read each other: ${[...underWay, name].join(' -> ')}.`, 0);
        underWay.push(name);
        const own = { ...scope, uuid: counted(facts, `variable/${name}`) };
        try {
          const value = resolveTemplate(written, own, names);
          known.set(name, value);
          return value;
        } finally {
          underWay.pop();
        }
      },
    });
  return values;
}

const withNull = (inputs: JsonObject, names: string[]): JsonObject => ({
  ...Object.fromEntries(names.map((name) => [name, null])),
  ...inputs,
});

/** Secrets stay out of states and events: a mark stands for each until the hands put the value in. */
export const secretMark = (name: string): string => `((secret:ref:${name}))`;
const secretMarks = new Proxy({} as JsonObject, {
  get: (_, name) => (typeof name === 'string' ? secretMark(name) : undefined),
  getOwnPropertyDescriptor: (_, name) => ({
    configurable: true,
    enumerable: true,
    writable: true,
    value: secretMark(String(name)),
  }),
  has: () => true,
});
