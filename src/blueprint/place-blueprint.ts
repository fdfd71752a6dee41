import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { ExpressionError } from '../lang/tokens.ts';
import { atlasOf } from './atlas.ts';
import { type Constraint, parseConstraint } from './constraint.ts';
import type { ResourceState } from './deployment.ts';
import type { Dependencies } from './graph.ts';
import { Judgement, type NetworkWish } from './judgement.ts';
import { instanceName, type Resource } from './model.ts';
import {
  type Affinity,
  type DiskWish,
  type Occupancy,
  type Placement,
  type PlacementRequest,
  place,
} from './placement.ts';
import type { ProjectRules } from './project-rules.ts';
import { type Facts, inputScope } from './properties.ts';
import { namesOf, referencesIn, resolveTemplate } from './template.ts';
import { accountTypeOf, isDisk, isMachine, isNetwork } from './type-families.ts';
import type { Zone } from './zone.ts';

/** Everything that says where the resources of one blueprint may go. */
export interface PlacementQuestion {
  facts: Facts;
  graph: Dependencies;
  /** How many instances of each resource there shall be. */
  counts: ReadonlyMap<string, number>;
  /** Instances that stay as they are, and so where they are. */
  staying: readonly ResourceState[];
  zones: readonly Zone[];
  occupancy: Occupancy;
  rules: ProjectRules;
}

/**
 * Places all resources of a blueprint. What its networks may be is known first, then come machines, each where its networks are, then
 * the networks and disks themselves, where their machines went, and at last what joins machines.
 */
export function placeBlueprint(question: PlacementQuestion): Placement[] {
  const { facts, graph, counts, staying, rules } = question;
  const { blueprint } = facts;
  const names = namesOf(blueprint);
  /** The same text is the same constraint, so that what zones lack is found once. */
  const constraints = new Map<string, Constraint | undefined>();
  const atlas = atlasOf(question.zones);
  const occupancy = structuredClone(question.occupancy);
  const wanted = Object.values(blueprint.resources).filter(({ name }) => counts.get(name)! > 0);
  const networks = new Set(wanted.filter(({ type }) => isNetwork(type)).map(({ name }) => name));
  const judgement = new Judgement([...networks].map(networkWish));
  const placements = new Map<string, Placement>();
  /** By the resource that they are of. */
  const placed = new Map<string, Placement[]>();
  /** The first machine that joins a network or attaches a disk. */
  const users = new Map<string, string>();
  const standing = Map.groupBy(staying, ({ node }) => node);
  for (const { node, zone } of staying) {
    const region = networks.has(node) && atlas.places.find((one) => one.zone.name === zone)?.region;
    const chosen = region && judgement.networkOf(node, region);
    if (chosen) occupancy.networks[node] = { region: region.key, ...chosen };
  }

  const rank = ({ type }: Resource) => (isMachine(type) ? 0 : isNetwork(type) || isDisk(type) ? 1 : 2);
  for (const resource of wanted.toSorted((a, b) => rank(a) - rank(b))) {
    const own: Placement[] = [];
    placed.set(resource.name, own);
    for (const request of requestsFor(resource)) {
      const placement = place(request, atlas, occupancy, judgement, rules.spreading);
      placements.set(request.resource, placement);
      own.push(placement);
      if (isMachine(resource.type))
        for (const used of [...request.networks, ...disksOf(resource)])
          if (!users.has(used)) users.set(used, request.resource);
    }
  }
  return wanted.flatMap(({ name }) => placed.get(name)!);

  /** One for a whole cluster, or one for each instance that is new. */
  function requestsFor(resource: Resource): PlacementRequest[] {
    const here = standing.get(resource.name) ?? [];
    const count = Math.max(0, counts.get(resource.name)! - here.length);
    const only = whereItMustBe(resource, here[0]);
    if (!resource.allocatePerInstance || !isMachine(resource.type))
      return [request(resource, resource.name, count, 0, only)];
    const indices = [...Array(counts.get(resource.name)!).keys()];
    return indices.map((index) => {
      const instance = instanceName(resource, index);
      const stays = here.find((state) => state.instance === instance);
      return request(resource, instance, stays ? 0 : 1, index, stays && holdsAlready(stays));
    });
  }

  function request(
    resource: Resource,
    name: string,
    count: number,
    index: number,
    only: PlacementRequest['only'],
  ): PlacementRequest {
    const properties = early(resource.properties, index);
    const own = constraintsIn(properties.constraints);
    const machine = isMachine(resource.type);
    const disks = machine
      ? [bootDisk(properties), ...disksOf(resource).map((disk) => diskWish(blueprint.resources[disk]!, index))]
      : isDisk(resource.type)
        ? [diskWish(resource, index)]
        : [];
    return {
      ...{ resource: name, type: resource.type, count, properties, constraints: own },
      accountType: accountTypeOf(resource.type),
      imageName: machine ? lowered(properties.image) : '',
      flavorName: machine ? lowered(properties.flavor) : '',
      size: { memoryMb: Number(properties.totalMemoryMB ?? 0), cpus: Number(properties.cpuCount ?? 0) },
      networks: machine
        ? referencesIn(resource.properties.networks ?? null, names)
            .flatMap(resourceNamed)
            .filter((one) => networks.has(one))
        : isNetwork(resource.type)
          ? [resource.name]
          : [],
      disks,
      takesRoom: machine,
      storageGb: disks.reduce((sum, { capacityGb }) => sum + capacityGb, 0),
      affinities: machine ? affinitiesIn(properties.affinity) : [],
      ...(only ? { only } : {}),
    };
  }

  function whereItMustBe(resource: Resource, stays: ResourceState | undefined): PlacementRequest['only'] {
    if (stays) return holdsAlready(stays);
    if (isMachine(resource.type)) return undefined;
    const user = users.get(resource.name);
    const machine = user ?? (isNetwork(resource.type) || isDisk(resource.type) ? undefined : neighbour(resource));
    const zone = machine && placements.get(machine)?.zone;
    if (!zone) return undefined;
    if (!isNetwork(resource.type))
      return { zone, because: `${zone} holds ${user ? `${user}, which it belongs to` : 'the resources it serves'}.` };
    const met = networkWish(resource.name)
      .constraints.map(({ text }) => text)
      .join(', ');
    const name = occupancy.networks[resource.name]?.network ?? occupancy.networks[resource.name]?.profile;
    return {
      zone,
      because: `${name ?? 'its profile'}${met ? ` meets ${met}` : ' suits'}, and ${machine} is in ${zone}.`,
    };
  }

  /** A machine that a resource needs, or that needs it. */
  function neighbour({ name }: Resource): string | undefined {
    const near = [...(graph[name] ?? []), ...Object.keys(graph).filter((other) => graph[other]!.includes(name))];
    const machine = near.find((other) => isMachine(blueprint.resources[other]!.type) && counts.get(other)! > 0);
    return machine && (placements.has(machine) ? machine : instanceName(blueprint.resources[machine]!, 0));
  }

  function disksOf(resource: Resource): string[] {
    return referencesIn(resource.properties.attachedDisks ?? null, names)
      .flatMap(resourceNamed)
      .filter((disk) => Object.hasOwn(blueprint.resources, disk) && counts.get(disk)! > 0);
  }

  function resourceNamed({ root, name }: { root: string; name?: string | undefined }): string[] {
    return root === 'resource'
      ? name === undefined
        ? []
        : [name]
      : Object.hasOwn(blueprint.resources, root)
        ? [root]
        : [];
  }

  function constraintsIn(given: Json | undefined): Constraint[] {
    if (!Array.isArray(given)) return [];
    return given.flatMap((item) =>
      isObject(item) && typeof item.tag === 'string' ? (constraintOf(item.tag) ?? []) : [],
    );
  }

  function constraintOf(text: string): Constraint | undefined {
    if (!constraints.has(text)) constraints.set(text, parseConstraint(text));
    return constraints.get(text);
  }

  function networkWish(name: string): NetworkWish {
    const { constraints, networkType } = early(blueprint.resources[name]!.properties, 0);
    return {
      name,
      networkType: typeof networkType === 'string' ? networkType.toLowerCase() : 'existing',
      constraints: prevailing(rules.networkConstraints, constraintsIn(constraints)),
    };
  }

  function bootDisk({ storage }: JsonObject): DiskWish {
    const wish = isObject(storage) ? storage : {};
    const constraints = prevailing(rules.storageConstraints, constraintsIn(wish.constraints));
    return {
      name: 'boot disk',
      capacityGb: Number(wish.bootDiskCapacityInGB ?? 0) || 0,
      encrypted: false,
      constraints,
    };
  }

  function diskWish({ name, properties }: Resource, index: number): DiskWish {
    const { capacityGb, encrypted, constraints } = early(properties, index);
    return {
      name: `disk ${name}`,
      capacityGb: Number(capacityGb ?? 0) || 0,
      encrypted: encrypted === true || encrypted === 'true',
      constraints: prevailing(rules.storageConstraints, constraintsIn(constraints)),
    };
  }

  /** Properties that placement reads: what can be known before anything is made. */
  function early(properties: JsonObject, index: number): JsonObject {
    const scope = inputScope(facts);
    const own = { ...scope, root: (root: string) => (root === 'count' ? { index } : scope.root(root)) };
    const known = Object.entries(properties).filter(([key]) => placing.has(key));
    return Object.fromEntries(known.map(([key, value]) => [key, attempt(value)]));

    function attempt(value: Json): Json {
      try {
        return resolveTemplate(value, own, names);
      } catch (thrown) {
        if (!(thrown instanceof ExpressionError)) throw thrown;
        return value;
      }
    }
  }
}

const placing = new Set([
  ...['image', 'imageRef', 'flavor', 'cpuCount', 'totalMemoryMB', 'constraints', 'affinity', 'storage'],
  ...['networkType', 'capacityGb', 'encrypted'],
]);

const lowered = (name: Json | undefined): string =>
  name === undefined || name === null ? '' : String(name).toLowerCase();

/** Said of what stands, and so stays. */
export const staysIn = (zone: string): string => `${zone} holds it already.`;
const holdsAlready = ({ zone }: ResourceState) => ({ zone, because: staysIn(zone) });

/** Those of the project win over what the blueprint says of the same tag. */
const prevailing = (project: readonly Constraint[], own: readonly Constraint[]): Constraint[] => [
  ...project,
  ...own.filter(({ tag }) => !project.some((other) => other.tag.key === tag.key)),
];

/** `[!]resource[:hard|soft]`, as the predecessor of the original has it; hard where it does not say. */
function affinitiesIn(given: Json | undefined): Affinity[] {
  const texts = Array.isArray(given) ? given : typeof given === 'string' ? [given] : [];
  return texts.flatMap((item) => {
    const parts = /^(!)?(.+?)(?::(hard|soft))?$/i.exec(String(item).trim());
    return parts ? [{ resource: parts[2]!, away: parts[1] === '!', hard: parts[3]?.toLowerCase() !== 'soft' }] : [];
  });
}
