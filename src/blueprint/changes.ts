import type { JsonObject } from '../core/json.ts';
import { isTrue } from '../lang/evaluate.ts';
import { ExpressionError } from '../lang/tokens.ts';
import { actionsFor, withoutMark } from './actions.ts';
import { addressesFor, ownerOf, type TakenAddresses } from './addresses.ts';
import {
  type Action,
  type Deployment,
  type DeploymentPlan,
  environmentOf,
  type PlannedInstance,
  placementOf,
  type RequestKind,
} from './deployment.ts';
import { type Change, differences, type Findings } from './difference.ts';
import { dependencies } from './graph.ts';
import { type Blueprint, instanceName, isCluster, nodeOf, type Resource } from './model.ts';
import { hasCounter, nameByTemplate } from './naming.ts';
import { placeBlueprint, staysIn } from './place-blueprint.ts';
import type { Occupancy, Placement } from './placement.ts';
import { type ProjectRules, projectRulesOf, zonesOfProject } from './project-rules.ts';
import { type Facts, inputScope, knownProperties } from './properties.ts';
import { recreateReason } from './recreate.ts';
import { namesOf, resolveTemplate } from './template.ts';
import { isMachine } from './type-families.ts';
import { nothing, type Zone } from './zone.ts';

export interface PlanRequest {
  request: string;
  kind: Exclude<RequestKind, 'DELETE'>;
  blueprint: Blueprint;
  blueprintName: string;
  blueprintId?: string;
  blueprintVersion?: string;
  inputs: JsonObject;
  constants?: JsonObject;
  requestedBy: string;
  requestedAt: string;
  restores?: string;
  /** Instances that shall be made anew, whatever else. */
  rebuild?: readonly string[];
}

/** Why a request cannot be: the resource, and a sentence that names it. */
export interface Refusal {
  resource: string;
  message: string;
}

/** Where deployments of one project may go, and what is there already. */
export interface Land {
  zones: readonly Zone[];
  occupancy: Occupancy;
  rules: ProjectRules;
  /** Addresses of other deployments, and of what stands in this one. */
  taken: TakenAddresses;
}

function sentenceOf(instance: string, changes: readonly Change[]): string {
  const moving = changes.filter(({ kept }) => !kept);
  const names = moving.map(({ property, isKnown }) => (isKnown ? property : `${property} (perhaps)`));
  return moving.length > 0 ? `${instance} changes: ${names.join(', ')}.` : `${instance} stays as it is.`;
}

/** Land where nothing stands yet, and of a project without rules. */
export const emptyLand = (zones: readonly Zone[]): Land => ({
  zones,
  occupancy: { amounts: {}, seats: [], networks: {} },
  rules: projectRulesOf(),
  taken: {},
});

/**
 * What a request would do: where each resource goes and why, and which are made, changed or removed, in which order. The same
 * blueprint and inputs again give no create and no delete.
 */
export function planChanges(
  request: PlanRequest,
  existing: Deployment | null,
  land: Land,
  findings: Findings = {},
  deployment: Pick<Deployment, 'id' | 'name' | 'project'> = existing ?? { id: '', name: '', project: '' },
): DeploymentPlan | { refused: Refusal[]; placements: Placement[] } {
  const { blueprint, inputs, constants } = request;
  const env = environmentOf(deployment, request);
  const facts: Facts = { blueprint, inputs, constants, env, resources: {}, now: request.requestedAt };
  const refused: Refusal[] = [];
  const graph = dependencies(blueprint);
  const counts = new Map<string, number>();
  for (const resource of Object.values(blueprint.resources)) counts.set(resource.name, countOf(resource));
  const wanted = Object.values(blueprint.resources).flatMap((resource) =>
    [...Array(counts.get(resource.name)!).keys()].map((index) => ({
      ...{ instance: instanceName(resource, index), node: resource.name, index, type: resource.type },
    })),
  );
  const anew = new Map<string, string>();
  for (const { instance, node, type } of wanted) {
    const before = existing?.resources[instance];
    const because =
      before && (outsideReason(instance) ?? recreateReason(before, type, blueprint.resources[node]!, facts));
    if (because) anew.set(instance, because);
  }
  for (const { instance, node } of wanted) {
    const machine = (graph[node] ?? []).find((name) =>
      wanted.some((one) => one.node === name && anew.has(one.instance)),
    );
    if (
      machine &&
      existing?.resources[instance] &&
      'host' in blueprint.resources[node]!.properties &&
      !anew.has(instance)
    )
      anew.set(instance, `${instance} configures ${machine}, which is made anew.`);
  }
  const staying = Object.values(existing?.resources ?? {}).filter(
    ({ instance }) => wanted.some((one) => one.instance === instance) && !anew.has(instance),
  );
  const standingFacts = Object.fromEntries(staying.map((one) => [one.instance, one]));
  const pending = new Set(wanted.filter(({ instance }) => !standingFacts[instance]).map(({ node }) => node));
  const { rules } = land;
  const zones = zonesOfProject(land.zones, rules);
  const placed = placeBlueprint({ facts, graph, counts, staying, zones, occupancy: withoutThoseThatGo(), rules });
  const placements = placed.map(withEarlierReason);
  for (const { zone, resource, because } of placements)
    if (zone === null) refused.push({ resource: nodeOf(blueprint, resource), message: because });
  const hosts = new Map(placements.map(({ resource, hosts: chosen }) => [resource, [...chosen]]));
  const given: Record<string, Record<string, string>> = {};
  const question = { facts, placements, zones, taken: withoutOwn() };
  const target = wanted.map((one) => {
    const placement = placementOf(placements, one);
    const before = anew.has(one.instance) ? undefined : existing?.resources[one.instance];
    const host = before ? before.host : hosts.get(placement?.resource ?? '')?.shift();
    const { memoryMb, cpus, storageGb } = before?.size ?? placement?.size ?? nothing;
    const name = before ? before.name : newName(one, placement);
    return {
      ...one,
      ...(name ? { name } : {}),
      zone: before?.zone ?? placement?.zone ?? '',
      ...(host ? { host } : {}),
      size: { memoryMb, cpus, storageGb },
      ...addressed(one, before),
    };
  });
  const actions = actionsFor({ blueprint, graph, target, existing, anew }).map(explained);
  for (const { does, instance, because } of actions) if (does === 'delete') refuseProtected(instance, because);
  if (refused.length > 0) return { refused, placements };
  const { rebuild: _, ...wish } = request;
  return {
    ...wish,
    ...{ target, actions, placements },
    ...(rules.operationTimeout ? { operationTimeout: rules.operationTimeout } : {}),
  };

  /** What is removed before its successor is made leaves its addresses to it. */
  function withoutOwn(): TakenAddresses {
    const first = [...anew.keys()].filter(
      (instance) => !blueprint.resources[existing!.resources[instance]!.node]!.createBeforeDelete,
    );
    const leaving = new Set(first.map((instance) => ownerOf(instance, deployment.name)));
    const kept = (owners: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(owners).filter(([, owner]) => !leaving.has(owner)));
    return Object.fromEntries(Object.entries(land.taken).map(([network, owners]) => [network, kept(owners)]));
  }

  /** What stays keeps its addresses. */
  function addressed(
    one: Pick<PlannedInstance, 'instance' | 'node' | 'index' | 'type'>,
    before: PlannedInstance | undefined,
  ): Pick<PlannedInstance, 'addresses'> {
    if (before) return before.addresses ? { addresses: before.addresses } : {};
    const { addresses, refused: because } = addressesFor(question, one, given);
    if (because) refused.push({ resource: one.node, message: `Machine ${one.instance} cannot be placed: ${because}` });
    return addresses.length > 0 ? { addresses } : {};
  }

  /** Its counter, where it has one, is given by whoever accepts the plan. */
  function newName(
    { node, type, index }: Pick<PlannedInstance, 'node' | 'type' | 'index'>,
    placement: Placement | undefined,
  ): string {
    if (!isMachine(type) || !rules.namingTemplate) return '';
    const resource = { ...knownProperties(facts, node, index), name: node };
    const name = nameByTemplate(rules.namingTemplate, {
      ...{ project: { name: deployment.project }, deployment: { name: deployment.name } },
      ...{ endpoint: { name: placement?.account ?? '' }, resource, userName: request.requestedBy },
    });
    return hasCounter(name) || !isCluster(blueprint.resources[node]!) ? name : `${name}-${index + 1}`;
  }

  /** What stays where it is says why it went there, not that it is there. */
  function withEarlierReason(placement: Placement): Placement {
    const earlier = existing?.plan.placements.find(({ resource }) => resource === placement.resource);
    const isStaying = placement.because === staysIn(placement.zone ?? '');
    return isStaying && earlier?.zone === placement.zone ? { ...placement, because: earlier!.because } : placement;
  }

  /** What is removed before its successor is made leaves its place to it. */
  function withoutThoseThatGo(): Occupancy {
    const occupancy = structuredClone(land.occupancy);
    for (const instance of anew.keys()) {
      const { node, zone, host = '', size } = existing!.resources[instance]!;
      const before = occupancy.amounts[zone];
      if (blueprint.resources[node]!.createBeforeDelete || !before) continue;
      occupancy.amounts[zone] = {
        instances: before.instances - 1,
        memoryMb: before.memoryMb - (size?.memoryMb ?? 0),
        cpus: before.cpus - (size?.cpus ?? 0),
        storageGb: before.storageGb - (size?.storageGb ?? 0),
      };
      const seat = occupancy.seats.findIndex((one) => one.resource === node && one.zone === zone && one.host === host);
      if (seat >= 0) occupancy.seats.splice(seat, 1);
    }
    return occupancy;
  }

  function outsideReason(instance: string): string | undefined {
    if (findings[instance] === 'gone') return `${instance} is gone: somebody removed it outside.`;
    return request.rebuild?.includes(instance) ? `${request.requestedBy} asks for a new ${instance}.` : undefined;
  }

  /** Updates say what they would change. */
  function explained(action: Action): Action {
    const before = existing?.resources[action.instance];
    if (action.does !== 'update' || !before) return action;
    const { ignoreChanges, ignoredProperties = [] } = blueprint.resources[before.node]!;
    if (ignoreChanges)
      return { ...action, because: `${action.instance} has \`ignoreChanges\`: it stays as it is.`, changes: [] };
    const found = findings[action.instance];
    const addresses = { [action.instance]: before.addresses ?? [] };
    const seen = { ...facts, resources: standingFacts, pending, addresses };
    const changes = differences(seen, before, found === 'gone' ? undefined : found, ignoredProperties);
    const { instance } = action;
    if (before.status === 'PARTIAL')
      return { ...action, because: `${instance} goes on from where it failed: ${before.message}`, changes };
    return { ...action, because: sentenceOf(instance, changes), changes };
  }

  function refuseProtected(instance: string, because: string): void {
    const { resources: standing } = existing!;
    const { node } = (standing[instance] ?? standing[withoutMark(instance)])!;
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
}
