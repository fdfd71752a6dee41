import { type Json, type JsonObject, stableText } from '../core/json.ts';
import { isTrue } from '../lang/evaluate.ts';
import { ExpressionError } from '../lang/tokens.ts';
import { type Action, type Deployment, type DeploymentPlan, environmentOf, type RequestKind } from './deployment.ts';
import { dependencies } from './graph.ts';
import { type Blueprint, instanceName, type Resource } from './model.ts';
import { isMachine, type Placement, type PlacementRequest, place, type Zone } from './placement.ts';
import { type Facts, inputScope } from './properties.ts';
import { namesOf, resolveTemplate } from './template.ts';

export interface PlanRequest {
  request: string;
  kind: Exclude<RequestKind, 'DELETE'>;
  blueprint: Blueprint;
  blueprintName: string;
  inputs: JsonObject;
  constants?: JsonObject;
  requestedBy: string;
  requestedAt: string;
  restores?: string;
}

/** Why a request cannot be: the resource, and a sentence that names it. */
export interface Refusal {
  resource: string;
  message: string;
}

/** Properties whose change makes the resource anew, and those whose change is ignored (the original's schema flags R and I). */
const recreates = ['image', 'imageRef', 'constraints'];

/**
 * What a request would do: where each resource goes and why, and which are made, changed or removed, in which order. The same
 * blueprint and inputs again give no create and no delete.
 */
export function planChanges(
  request: PlanRequest,
  existing: Deployment | null,
  zones: readonly Zone[],
  used: Record<string, number>,
  deployment: Pick<Deployment, 'id' | 'name' | 'project'> = existing ?? { id: '', name: '', project: '' },
): DeploymentPlan | { refused: Refusal[]; placements: Placement[] } {
  const { blueprint, inputs, constants } = request;
  const env = environmentOf(deployment, request);
  const facts: Facts = { blueprint, inputs, constants, env, resources: {}, now: request.requestedAt };
  const refused: Refusal[] = [];
  const placements: Placement[] = [];
  const target: DeploymentPlan['target'] = [];
  const counts = new Map<string, number>();
  const load = { ...used };

  for (const resource of Object.values(blueprint.resources)) counts.set(resource.name, countOf(resource));
  for (const resource of byPlacementOrder(blueprint)) placeResource(resource);
  for (const resource of Object.values(blueprint.resources)) {
    const zone = placements.find((placement) => placement.resource === resource.name)?.zone ?? '';
    for (let index = 0; index < counts.get(resource.name)!; index++) {
      target.push({
        instance: instanceName(resource, index),
        node: resource.name,
        index,
        type: resource.type,
        zone,
      });
    }
  }
  const actions = actionsFor(blueprint, target, existing, facts);
  for (const { does, instance, because } of actions) if (does === 'delete') refuseProtected(instance, because);
  if (refused.length > 0) return { refused, placements };
  return { ...request, target, actions, placements };

  function refuseProtected(instance: string, because: string): void {
    const node = existing!.resources[instance]!.node;
    const isProtected = [blueprint, existing!.plan.blueprint].some(({ resources }) => resources[node]?.preventDelete);
    if (isProtected)
      refused.push({
        resource: node,
        message: `${instance} has \`preventDelete\`, and this would delete it: ${because}`,
      });
  }

  function countOf(resource: Resource): number {
    try {
      const { condition = true } = resource;
      if (!isTrue(resolveTemplate(condition, inputScope(facts), namesOf(blueprint)))) return 0;
      const count = Number(resolveTemplate(resource.count, inputScope(facts), namesOf(blueprint)));
      if (Number.isInteger(count) && count >= 0) return count;
      refused.push({
        resource: resource.name,
        message: `Resource ${resource.name}: its count is ${String(count)}, which is no whole number.`,
      });
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      refused.push({
        resource: resource.name,
        message: `Resource ${resource.name}: whether there is one, or how many, cannot be known: ${thrown.message}`,
      });
    }
    return 0;
  }

  /** A cluster that stands stays in its zone; what joins machines (balancers, networks) goes where they are. */
  function placeResource(resource: Resource): void {
    const count = counts.get(resource.name)!;
    if (count === 0) return;
    const properties = early(resource.properties);
    const here = Object.values(existing?.resources ?? {}).filter(({ node }) => node === resource.name);
    const wanted: PlacementRequest = {
      resource: resource.name,
      type: resource.type,
      count: Math.max(0, count - here.length),
      properties,
    };
    const stays = here[0] && zones.filter(({ name }) => name === here[0]!.zone);
    const machine = isMachine(resource.type) || /Network$/.test(resource.type) ? undefined : neighbourZone(resource);
    const candidates = stays ?? (machine ? zones.filter(({ name }) => name === machine) : zones);
    const placement = place(wanted, candidates, load);
    if (placement.zone === null) refused.push({ resource: resource.name, message: placement.because });
    else if (isMachine(resource.type)) load[placement.zone] = (load[placement.zone] ?? 0) + wanted.count;
    if (stays && placement.zone) placement.because = `${placement.zone} holds it already.`;
    else if (machine && placement.zone) placement.because = `${placement.zone} holds the resources it serves.`;
    placements.push(placement);
  }

  function neighbourZone(resource: Resource): string | undefined {
    const neighbours = dependencies(blueprint)[resource.name] ?? [];
    const machines = placements.filter(
      (placement) =>
        neighbours.includes(placement.resource) && isMachine(blueprint.resources[placement.resource]!.type),
    );
    return machines[0]?.zone ?? undefined;
  }

  /** Properties that placement reads: what can be known before anything is made. */
  function early(properties: JsonObject): JsonObject {
    const known = Object.entries(properties).filter(([key]) =>
      ['image', 'imageRef', 'flavor', 'constraints', 'networkType'].includes(key),
    );
    return Object.fromEntries(known.map(([key, value]) => [key, attempt(value)]));
  }

  function attempt(value: Json): Json {
    try {
      return resolveTemplate(value, inputScope(facts), namesOf(blueprint));
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      return value;
    }
  }
}

/** Networks before machines, machines before what joins them. */
function byPlacementOrder(blueprint: Blueprint): Resource[] {
  const rank = ({ type }: Resource) => (/Network$/.test(type) ? 0 : isMachine(type) ? 1 : 2);
  return Object.values(blueprint.resources).sort((a, b) => rank(a) - rank(b));
}

function actionsFor(
  blueprint: Blueprint,
  target: DeploymentPlan['target'],
  existing: Deployment | null,
  facts: Facts,
): Action[] {
  const graph = dependencies(blueprint);
  const standing = Object.values(existing?.resources ?? {});
  const actions: Action[] = [];
  const surplus = standing.filter(({ instance }) => !target.some((wanted) => wanted.instance === instance));
  for (const { instance, node, type, index } of target) {
    const before = existing?.resources[instance];
    const resource = blueprint.resources[node]!;
    const after = (graph[node] ?? []).flatMap((name) =>
      target.filter((other) => other.node === name).map((other) => settledBy(other.instance)),
    );
    const previous = target.find((other) => other.node === node && other.index === index - 1);
    if (resource.oneByOne && previous) after.push(settledBy(previous.instance));
    const recreate = before && recreateReason(before, type, resource, facts);
    if (!before) {
      actions.push({
        id: `create ${instance}`,
        instance,
        does: 'create',
        after,
        because: `${instance} does not exist yet.`,
      });
    } else if (recreate) {
      actions.push({ id: `delete ${instance}`, instance, does: 'delete', after: [], because: recreate });
      actions.push({
        id: `create ${instance}`,
        instance,
        does: 'create',
        after: [...after, `delete ${instance}`],
        because: recreate,
      });
    } else {
      actions.push({
        id: `update ${instance}`,
        instance,
        does: 'update',
        after,
        because: `${instance} exists; changed where its properties differ.`,
      });
    }
  }
  for (const { instance, node } of surplus) {
    const dependents = Object.entries(graph)
      .filter(([, needs]) => needs.includes(node))
      .map(([name]) => name);
    const after = target.filter((other) => dependents.includes(other.node)).map((other) => settledBy(other.instance));
    actions.push({
      id: `delete ${instance}`,
      instance,
      does: 'delete',
      after,
      because: `${instance} is no longer asked for.`,
    });
  }
  return actions;

  function settledBy(instance: string): string {
    const before = existing?.resources[instance];
    const wanted = target.find((other) => other.instance === instance)!;
    return before && !recreateReason(before, wanted.type, blueprint.resources[wanted.node]!, facts)
      ? `update ${instance}`
      : `create ${instance}`;
  }
}

function recreateReason(
  before: Deployment['resources'][string],
  type: string,
  resource: Resource,
  facts: Facts,
): string | undefined {
  if (before.status === 'TAINTED') return `${before.instance} was left broken by an earlier request: ${before.message}`;
  if (before.status !== 'OK')
    return `${before.instance} was left ${before.status.toLowerCase()} by an earlier request.`;
  if (resource.ignoreChanges) return undefined;
  if (resource.forceRecreate) return `${before.instance} has \`forceRecreate\`: each update makes it anew.`;
  if (before.type !== type) return `${before.instance} changes its type from ${before.type} to ${type}.`;
  const { ignoredProperties = [], recreatingProperties = [] } = resource;
  for (const key of [...recreates, ...recreatingProperties]) {
    if (ignoredProperties.includes(key)) continue;
    const now = known(resource.properties[key] ?? null, facts);
    if (now === undefined || stableText(before.desired[key]) === stableText(now)) continue;
    return `${before.instance} changes its ${key}, which only a new one can have.`;
  }
  return undefined;
}

/** Undefined where it depends on what is yet to be made. */
function known(value: Json, facts: Facts): Json | undefined {
  try {
    return resolveTemplate(value, inputScope(facts), namesOf(facts.blueprint));
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return undefined;
  }
}

/** Whether an update may leave a resource as it is. `count` alone changes nothing in an instance that stays. */
export function sameProperties(before: JsonObject, after: JsonObject): boolean {
  const ignored = ['count', 'cloudConfig', 'remoteAccess'];
  const rest = (properties: JsonObject) =>
    Object.fromEntries(Object.entries(properties).filter(([key]) => !ignored.includes(key)));
  return stableText(rest(before)) === stableText(rest(after));
}
