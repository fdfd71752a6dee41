import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { type Constraint, formatTag, isMet, parseConstraint } from './constraint.ts';
import type { Tag } from './model.ts';

/** A place where resources can be made: what it offers, and what its tags promise. */
export interface Zone {
  name: string;
  /** The cloud account and its kind: `local`, later `aws`, `vsphere` and so on. */
  account: string;
  accountType: string;
  region: string;
  tags: Tag[];
  /** Lower numbers are preferred. */
  priority: number;
  /** 0: no limit. */
  maxInstances: number;
  images: Record<string, JsonObject>;
  flavors: Record<string, JsonObject>;
  networks: { name: string; tags: Tag[] }[];
}

/** What has to be placed: a whole cluster at once, since its machines belong together. */
export interface PlacementRequest {
  resource: string;
  type: string;
  count: number;
  properties: JsonObject;
}

/** Why one zone was taken or not, for whoever asks. */
export interface Verdict {
  zone: string;
  refused: string[];
  softMatches: number;
  priority: number;
}

export interface Placement {
  resource: string;
  zone: string | null;
  /** One sentence. */
  because: string;
  verdicts: Verdict[];
  image: JsonObject | null;
  flavor: JsonObject | null;
  network: string | null;
}

/**
 * Chooses a zone: hard constraints drop, the project's priority orders, soft constraints break ties, then the name. `used` counts
 * the machines that each zone holds already.
 */
export function place(request: PlacementRequest, zones: readonly Zone[], used: Record<string, number>): Placement {
  const constraints = constraintsOf(request.properties);
  const judged = zones.map((zone) => ({
    zone,
    verdict: judge(request, zone, constraints, used[zone.name] ?? 0),
  }));
  const verdicts = judged.map(({ verdict }) => verdict);
  const [best] = judged
    .filter(({ verdict }) => verdict.refused.length === 0)
    .sort(
      (a, b) =>
        a.zone.priority - b.zone.priority ||
        b.verdict.softMatches - a.verdict.softMatches ||
        a.zone.name.localeCompare(b.zone.name),
    );
  if (!best)
    return {
      resource: request.resource,
      zone: null,
      because: refusal(request, verdicts),
      verdicts,
      image: null,
      flavor: null,
      network: null,
    };
  return {
    resource: request.resource,
    zone: best.zone.name,
    because: reason(best.zone, best.verdict, constraints, verdicts, tagsFor(request.type, best.zone, constraints)),
    verdicts,
    image: lookUp(best.zone.images, request.properties.image) ?? null,
    flavor: lookUp(best.zone.flavors, request.properties.flavor) ?? null,
    network: isNetwork(request.type) ? (networkIn(best.zone, constraints) ?? null) : null,
  };
}

function judge(request: PlacementRequest, zone: Zone, constraints: Constraint[], used: number): Verdict {
  const refused: string[] = [];
  const kind = accountTypeOf(request.type);
  if (kind && kind !== zone.accountType)
    refused.push(`it belongs to ${zone.accountType}, and ${request.type} needs ${kind}`);
  if (isMachine(request.type)) {
    if (zone.maxInstances > 0 && used + request.count > zone.maxInstances)
      refused.push(`it holds ${used} of ${zone.maxInstances} machines, ${request.count} more do not fit`);
    for (const [what, offered] of [
      ['image', zone.images],
      ['flavor', zone.flavors],
    ] as const) {
      const wanted = request.properties[what];
      if (wanted !== undefined && !lookUp(offered, wanted))
        refused.push(
          `it has no mapping for ${what} ${String(wanted)} (has: ${Object.keys(offered).join(', ') || 'none'})`,
        );
    }
  }
  if (isNetwork(request.type)) {
    if (networkIn(zone, constraints) === undefined)
      refused.push(`no network profile meets ${constraints.map(({ text }) => text).join(', ') || 'the request'}`);
    return { zone: zone.name, refused, softMatches: 0, priority: zone.priority };
  }
  for (const constraint of constraints) {
    if (constraint.hard && !isMet(constraint, zone.tags))
      refused.push(
        constraint.mustNot
          ? `it has the tag ${formatTag(constraint.tag)}`
          : `it lacks the tag ${formatTag(constraint.tag)}`,
      );
  }
  const softMatches = constraints.filter((constraint) => !constraint.hard && isMet(constraint, zone.tags)).length;
  return { zone: zone.name, refused, softMatches, priority: zone.priority };
}

function reason(
  zone: Zone,
  verdict: Verdict,
  constraints: Constraint[],
  verdicts: Verdict[],
  tags: readonly Tag[],
): string {
  const open = verdicts.filter(({ refused }) => refused.length === 0);
  const met = constraints.filter((constraint) => isMet(constraint, tags)).map(({ text }) => text);
  const meets = met.length > 0 ? ` meets ${met.join(', ')}` : ' suits';
  if (open.length === 1 && verdicts.length > 1) return `Only ${zone.name}${meets}.`;
  const better = open.some(({ priority }) => priority > verdict.priority)
    ? `, with the better priority ${verdict.priority}`
    : '';
  return `${zone.name}${meets}${better}${verdict.softMatches > 0 ? `, ${verdict.softMatches} soft` : ''}.`;
}

function refusal({ resource, type, count }: PlacementRequest, verdicts: Verdict[]): string {
  const what = count > 1 ? `${count} x ${type} ${resource}` : `${type} ${resource}`;
  if (verdicts.length === 0) return `${what} cannot be placed: the project has no cloud zone.`;
  return `${what} cannot be placed: ${verdicts.map(({ zone, refused }) => `zone ${zone}: ${refused.join('; ')}`).join(' · ')}.`;
}

/** Image and flavor names are looked up without regard to case, as the original does. */
function lookUp(mappings: Record<string, JsonObject>, name: Json | undefined): JsonObject | undefined {
  const found = Object.keys(mappings).find((key) => key.toLowerCase() === String(name ?? '').toLowerCase());
  return found === undefined ? undefined : mappings[found];
}

/** A network is held against its profile, everything else against the zone. */
const tagsFor = (type: string, zone: Zone, constraints: Constraint[]): readonly Tag[] =>
  (isNetwork(type) && zone.networks.find(({ name }) => name === networkIn(zone, constraints))?.tags) || zone.tags;

function networkIn(zone: Zone, constraints: Constraint[]): string | undefined {
  const fits = zone.networks.filter(({ tags }) =>
    constraints.every((constraint) => !constraint.hard || isMet(constraint, tags)),
  );
  const softMatches = (tags: Tag[]) =>
    constraints.filter((constraint) => !constraint.hard && isMet(constraint, tags)).length;
  return fits.sort((a, b) => softMatches(b.tags) - softMatches(a.tags))[0]?.name;
}

function constraintsOf({ constraints }: JsonObject): Constraint[] {
  if (!Array.isArray(constraints)) return [];
  return constraints.flatMap((item) =>
    isObject(item) && typeof item.tag === 'string' ? (parseConstraint(item.tag) ?? []) : [],
  );
}

/** Types that belong to one kind of cloud go nowhere else; the agnostic ones go anywhere. */
function accountTypeOf(type: string): string | undefined {
  const family = /^Cloud\.(Service\.)?(AWS|Azure|GCP|vSphere|NSX)\./.exec(type)?.[2];
  return family && { AWS: 'aws', Azure: 'azure', GCP: 'gcp', vSphere: 'vsphere', NSX: 'nsxt' }[family];
}

const isNetwork = (type: string): boolean => /\.Network$/.test(type);
export const isMachine = (type: string): boolean => /\.(Machine|Instance)$/.test(type);
