import type { JsonObject } from '../core/json.ts';
import { type Atlas, meets, type Place, type Refused, type Region, softMatches } from './atlas.ts';
import type { Constraint } from './constraint.ts';
import { chooseHosts, type Seat } from './hosts.ts';
import { type Judgement, needOf } from './judgement.ts';
import { joined, type Question, regionRules, rules } from './placement-rules.ts';
import { isNetwork } from './type-families.ts';
import { type Amounts, nothing, plus } from './zone.ts';

/** What has to be placed: a whole cluster at once, since its machines belong together. */
export interface PlacementRequest {
  /** The resource, or one instance of it where each is placed by itself. */
  resource: string;
  type: string;
  /** How many are new. */
  count: number;
  /** Those that placement reads, as far as they are known before anything is made. */
  properties: JsonObject;
  /** The kind of account that its type belongs to; undefined: any. */
  accountType: string | undefined;
  /** In lower case; empty where it asks for none. */
  imageName: string;
  flavorName: string;
  /** Whether it counts against the limits of a zone: machines do. */
  takesRoom: boolean;
  /** What one machine takes, where no flavor says so, and what its disks hold together. */
  size: { memoryMb: number; cpus: number };
  storageGb: number;
  constraints: Constraint[];
  /** Of the blueprint: the networks that its machines join. */
  networks: string[];
  /** Its own disks and those that it attaches. */
  disks: DiskWish[];
  affinities: Affinity[];
  /** Where it stands or what it serves stands: nowhere else may it go. */
  only?: { zone: string; because: string };
}

export interface DiskWish {
  /** For people: `boot disk`, `disk data`. */
  name: string;
  capacityGb: number;
  encrypted: boolean;
  constraints: Constraint[];
}

/** Near another resource of the blueprint, or away from it. */
export interface Affinity {
  resource: string;
  away: boolean;
  hard: boolean;
}

/** Why one zone was taken or not, for whoever asks. */
export interface Verdict {
  zone: string;
  refused: Refused[];
  softMatches: number;
  priority: number;
}

export interface Placement {
  resource: string;
  zone: string | null;
  account: string | null;
  region: string | null;
  /** One sentence. */
  because: string;
  /** The one that was taken, then those that would do, best first, then those that do not, the nearest miss first. */
  verdicts: Verdict[];
  image: JsonObject | null;
  flavor: JsonObject | null;
  /** The network profile and the network in it. */
  networkProfile: string | null;
  network: string | null;
  /** By disk. */
  storage: Record<string, string>;
  /** The compute of each new machine, where the zone has any. */
  hosts: string[];
  /** What each of them takes. */
  size: Amounts;
}

/** What is taken already: by zone, and who sits where. It grows with what is placed. */
export interface Occupancy {
  amounts: Record<string, Amounts>;
  seats: Seat[];
  /** For each network of the blueprint that has machines: its region and its profile. */
  networks: Record<string, { region: string; profile: string; network: string | null }>;
}

/** Whether the zones with the most room come first, among those of one priority. */
export type Spreading = 'DEFAULT' | 'SPREAD';

/**
 * Chooses a zone: rules drop candidates, the project's priority orders the rest, soft constraints break ties, then the name. What was
 * placed is noted in `occupancy`.
 */
export function place(
  request: PlacementRequest,
  atlas: Atlas,
  occupancy: Occupancy,
  judgement: Judgement,
  spreading: Spreading = 'DEFAULT',
): Placement {
  /** By how much is in the way; places come in the order of their priority and name, and keep it. */
  const missed: Verdict[][] = [[]];
  const ofRegion = new Map<Region, Refused[]>();
  for (const region of atlas.regions.values())
    ofRegion.set(
      region,
      regionRules.flatMap((rule) => rule(request, region, occupancy, judgement) ?? []),
    );
  const questions = rules.flatMap((rule) => rule(request) ?? []);
  for (const place of atlas.places) {
    const verdict = judge(request, questions, place, occupancy, ofRegion.get(place.region)!);
    const { length } = verdict.refused;
    const alike = missed[length];
    if (alike) alike.push(verdict);
    else missed[length] = [verdict];
  }
  const fits = missed[0]!.sort(byPreference);
  const verdicts = missed.flat();
  const best = fits[0];
  if (!best) return nowhere(request, verdicts);
  return settle(request, atlas.byName.get(best.zone)!, occupancy, judgement, verdicts);

  function byPreference(a: Verdict, b: Verdict): number {
    return (
      a.priority - b.priority ||
      b.softMatches - a.softMatches ||
      (spreading === 'SPREAD' ? fullness(a) - fullness(b) : 0)
    );
  }

  function fullness({ zone }: Verdict): number {
    const { instances } = occupancy.amounts[zone] ?? nothing;
    const most = atlas.byName.get(zone)!.zone.limits.instances;
    return most > 0 ? instances / most : instances;
  }
}

/** How many verdicts are remembered of one zone: resources that are alike fail by the same. */
const mostRemembered = 40;

/** Every rule is asked, so that people see all that is in the way, and the nearest miss is the one with the least of it. */
function judge(
  request: PlacementRequest,
  questions: readonly Question[],
  place: Place,
  occupancy: Occupancy,
  ofRegion: Refused[],
): Verdict {
  let refused = ofRegion;
  for (const question of questions) {
    const reasons = question(place, occupancy);
    if (reasons) refused = joined(refused, reasons);
  }
  const { name: zone, priority } = place.zone;
  if (refused.length === 0) return { zone, refused, softMatches: bestSoft(request, place), priority };
  for (const known of place.judged) if (known.refused === refused) return known;
  const verdict = { zone, refused, softMatches: 0, priority };
  if (place.judged.length < mostRemembered) place.judged.push(verdict);
  return verdict;
}

/** Of the compute that suits best, where there are computes. */
const bestSoft = ({ constraints }: PlacementRequest, { tags, hosts }: Place): number =>
  hosts.length === 0
    ? softMatches(tags, constraints)
    : Math.max(...hosts.map((host) => softMatches(host.tags, constraints)));

function settle(
  request: PlacementRequest,
  place: Place,
  occupancy: Occupancy,
  judgement: Judgement,
  verdicts: Verdict[],
): Placement {
  const { zone, region } = place;
  const nic =
    request.takesRoom || isNetwork(request.type) ? judgement.networkFor(request, region, occupancy) : undefined;
  const flavor = place.flavors.byName.get(request.flavorName);
  const need: Amounts = {
    instances: needOf('instances', request, flavor),
    memoryMb: needOf('memoryMb', request, flavor),
    cpus: needOf('cpus', request, flavor),
    storageGb: needOf('storageGb', request, flavor),
  };
  occupancy.amounts[zone.name] = plus(occupancy.amounts[zone.name] ?? nothing, need);
  for (const network of request.networks) {
    const profile = nic ?? judgement.networkOf(network, region);
    if (profile)
      occupancy.networks[network] ??= {
        ...{ region: region.key, profile: profile.profile },
        network: judgement.networkIn(network, region, profile.profile),
      };
  }
  const storage = Object.fromEntries(
    request.disks.flatMap((disk) => {
      const profile = judgement.storageFor(disk, region);
      return profile ? [[disk.name, profile]] : [];
    }),
  );
  const memoryMb = need.memoryMb / Math.max(1, need.instances);
  const hosts = chooseHosts({ ...request, count: need.instances }, place, occupancy, memoryMb);
  for (let index = 0; index < need.instances; index++)
    occupancy.seats.push({ resource: request.resource, zone: zone.name, host: hosts[index] ?? '', memoryMb });
  return {
    ...{ resource: request.resource, zone: zone.name, account: zone.account, region: zone.region },
    because: request.only?.because ?? reason(request, place, verdicts),
    verdicts,
    image: place.images.byName.get(request.imageName) ?? null,
    flavor: flavor?.written ?? null,
    networkProfile: nic?.profile ?? null,
    network: nic?.network ?? null,
    storage,
    hosts,
    size: perMachine(need),
  };
}

function reason({ constraints }: PlacementRequest, { zone, tags, hosts }: Place, verdicts: Verdict[]): string {
  const open = verdicts.filter(({ refused }) => refused.length === 0);
  const met = constraints
    .filter((constraint) => meets(tags, constraint) || hosts.some((host) => meets(host.tags, constraint)))
    .map(({ text }) => text);
  const suits = met.length > 0 ? ` meets ${met.join(', ')}` : ' suits';
  if (open.length === 1 && verdicts.length > 1) return `Only ${zone.name}${suits}.`;
  const [{ priority, softMatches: soft }] = verdicts as [Verdict];
  const better = open.some((other) => other.priority > priority) ? `, with the better priority ${priority}` : '';
  return `${zone.name}${suits}${better}${soft > 0 ? `, ${soft} soft` : ''}.`;
}

/** How many near misses a refusal tells of; the plan holds all. */
const told = 5;

function nowhere({ resource, type, count, only }: PlacementRequest, verdicts: Verdict[]): Placement {
  const what = count > 1 ? `${count} x ${type} ${resource}` : `${type} ${resource}`;
  const relevant = only ? verdicts.filter(({ zone }) => zone === only.zone) : verdicts;
  const misses = relevant
    .slice(0, told)
    .map(({ zone, refused }) => `zone ${zone}: ${refused.map(({ message }) => message).join('; ')}`);
  const more = relevant.length > told ? ` · and ${relevant.length - told} more` : '';
  const because =
    relevant.length > 0
      ? `${what} cannot be placed: ${misses.join(' · ')}${more}.`
      : only
        ? `${what} cannot be placed: ${only.because.replace(/\.$/, '')}, and this zone is none of the project's any more.`
        : `${what} cannot be placed: the project has no cloud zone.`;
  return {
    ...{ resource, zone: null, account: null, region: null, because, verdicts, image: null, flavor: null },
    ...{ networkProfile: null, network: null, storage: {}, hosts: [], size: nothing },
  };
}

const perMachine = (need: Amounts): Amounts => {
  const share = (whole: number) => whole / Math.max(1, need.instances);
  return {
    instances: Math.min(1, need.instances),
    memoryMb: share(need.memoryMb),
    cpus: share(need.cpus),
    storageGb: share(need.storageGb),
  };
};
