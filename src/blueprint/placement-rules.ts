import { meets, type Place, type Refused, type Region, type TagSet } from './atlas.ts';
import { type Constraint, formatTag } from './constraint.ts';
import { type Judgement, needOf } from './judgement.ts';
import type { Occupancy, PlacementRequest } from './placement.ts';
import { isDisk, isNetwork } from './type-families.ts';
import { type Amounts, nothing } from './zone.ts';

/** What is put to each zone. Undefined: nothing is in the way. */
export type Question = (place: Place, occupancy: Occupancy) => Refused[] | undefined;

/** Asks one thing; undefined where a request leaves nothing to ask, so that hundreds of zones are not asked in vain. */
type Rule = (request: PlacementRequest) => Question | undefined;

/** Asks what has the same answer in all zones of a region. */
type RegionRule = (
  request: PlacementRequest,
  region: Region,
  occupancy: Occupancy,
  judgement: Judgement,
) => Refused[] | undefined;

const stays: Rule = ({ only }) => {
  if (!only) return undefined;
  const elsewhere = [refused('zone', only.because.replace(/\.$/, ''))];
  return ({ zone }) => (only.zone === zone.name ? undefined : elsewhere);
};

const account: Rule = ({ type, accountType }) =>
  accountType
    ? ({ zone }) =>
        accountType === zone.accountType
          ? undefined
          : [refused('account', `it belongs to ${zone.accountType}, and ${type} needs ${accountType}`)]
    : undefined;

const words: Record<keyof Amounts, { rule: string; unit: string; many: string }> = {
  instances: { rule: 'limit.instances', unit: 'machines', many: 'more do not fit' },
  memoryMb: { rule: 'limit.memory', unit: 'MB of memory', many: 'MB more do not fit' },
  cpus: { rule: 'limit.cpus', unit: 'cores', many: 'more do not fit' },
  storageGb: { rule: 'limit.storage', unit: 'GB of disks', many: 'GB more do not fit' },
};

const limits: Rule = (request) => (request.takesRoom ? roomFor(request) : undefined);

const roomFor =
  (request: PlacementRequest): Question =>
  ({ zone, flavors }, { amounts }) => {
    const most = zone.limits;
    if (!most.instances && !most.memoryMb && !most.cpus && !most.storageGb) return undefined;
    const held = amounts[zone.name] ?? nothing;
    const flavor = flavors.byName.get(request.flavorName);
    const isOver = (what: keyof Amounts) => {
      const need = needOf(what, request, flavor);
      return most[what] > 0 && need > 0 && held[what] + need > most[what];
    };
    if (!isOver('instances') && !isOver('memoryMb') && !isOver('cpus') && !isOver('storageGb')) return undefined;
    return (Object.keys(words) as (keyof Amounts)[]).filter(isOver).map((what) => {
      const { rule, unit, many } = words[what];
      const need = needOf(what, request, flavor);
      return refused(rule, `it holds ${held[what]} of ${most[what]} ${unit}, ${need} ${many}`);
    });
  };

const image: Rule = ({ imageName, properties }) =>
  imageName === ''
    ? undefined
    : ({ images }) => (images.byName.has(imageName) ? undefined : images.lack(imageName, String(properties.image)));

const flavor: Rule = ({ flavorName, properties }) =>
  flavorName === ''
    ? undefined
    : ({ flavors }) =>
        flavors.byName.has(flavorName) ? undefined : flavors.lack(flavorName, String(properties.flavor));

const networks: RegionRule = (request, region, occupancy, judgement) => {
  if (request.networks.length === 0 || judgement.networkFor(request, region, occupancy)) return undefined;
  const lacking = request.networks.filter((network) => judgement.networkOptions(network, region).length === 0);
  if (lacking.length > 0) return lacking.map((network) => refused('network', noProfile(judgement, network)));
  const elsewhere = request.networks.find((network) => {
    const taken = occupancy.networks[network];
    return taken && taken.region !== region.key;
  });
  return elsewhere
    ? [refused('network', `network ${elsewhere} is in ${occupancy.networks[elsewhere]!.region} already`)]
    : [refused('network', `no network profile serves ${request.networks.join(' and ')} at once`)];
};

function noProfile(judgement: Judgement, network: string): string {
  const { networkType = 'existing', constraints = [] } = judgement.wish(network) ?? {};
  const wanted = constraints.map(({ text }) => text).join(', ');
  const kind = networkType === 'existing' ? '' : ` and makes it ${networkType}`;
  return `no network profile of its region meets ${wanted || 'the request'} of network ${network}${kind}`;
}

const storage: RegionRule = ({ disks }, region, _, judgement) => {
  const lacking = disks.filter((disk) => judgement.storageFor(disk, region) === null);
  return lacking.length === 0
    ? undefined
    : lacking.map(({ name, constraints, encrypted }) => {
        const wanted = [...constraints.map(({ text }) => text), ...(encrypted ? ['encryption'] : [])].join(', ');
        return refused('storage', `no storage profile of its region offers ${wanted} for ${name}`);
      });
};

/** A zone is held against the constraints with its tags and those of one of its computes. */
const tags: Rule = ({ type, constraints }) => {
  if (isNetwork(type) || isDisk(type)) return undefined;
  const hard = constraints.filter((constraint) => constraint.hard);
  return ({ zone, hosts, tags: own }) => {
    if (zone.computes.length === 0) return unmet(own, hard);
    if (hosts.length === 0) return [refused('compute', `none of its ${zone.computes.length} computes is switched on`)];
    let nearest: Refused[] | undefined;
    for (const host of hosts) {
      const lacking = unmet(host.tags, hard);
      if (!lacking) return undefined;
      if (!nearest || lacking.length < nearest.length) nearest = lacking;
    }
    return nearest;
  };
};

function unmet(offered: TagSet, constraints: readonly Constraint[]): Refused[] | undefined {
  let lacking: Refused[] | undefined;
  for (const constraint of constraints) if (!meets(offered, constraint)) lacking = joined(lacking, lackOf(constraint));
  return lacking;
}

const affinity: Rule = ({ affinities }) => (affinities.length === 0 ? undefined : nearTo(affinities));

const nearTo =
  (affinities: PlacementRequest['affinities']): Question =>
  ({ zone, hosts }, { seats }) => {
    const wrong = affinities.flatMap(({ resource, away, hard }) => {
      const others = seats.filter((seat) => seat.resource === resource);
      if (!hard || others.length === 0) return [];
      const isThere = others.some((seat) => seat.zone === zone.name);
      if (!away && !isThere) return [refused('affinity', `${resource} is in ${others[0]!.zone}, and must be near`)];
      const taken = new Set(others.filter((seat) => seat.zone === zone.name).map(({ host }) => host));
      const isFull = hosts.length === 0 ? isThere : hosts.every(({ name }) => taken.has(name));
      return away && isFull ? [refused('affinity', `${resource} is there, and must be kept away from`)] : [];
    });
    return wrong.length > 0 ? wrong : undefined;
  };

/** Both in the order in which people want to hear of them. */
export const regionRules: readonly RegionRule[] = [networks, storage];
export const rules: readonly Rule[] = [stays, account, limits, flavor, image, tags, affinity];

const refused = (rule: string, message: string): Refused => ({ rule, message });

const joins = new WeakMap<Refused[], WeakMap<Refused[], Refused[]>>();

/** Both one after the other; the same two are the same list, since hundreds of zones lack the same. */
export function joined(first: Refused[] | undefined, second: Refused[]): Refused[] {
  if (!first || first.length === 0) return second;
  let followers = joins.get(first);
  if (!followers) {
    followers = new WeakMap();
    joins.set(first, followers);
  }
  let both = followers.get(second);
  if (!both) {
    both = [...first, ...second];
    followers.set(second, both);
  }
  return both;
}

/** Said of hundreds of zones in the same words, so said once. */
const lacks = new WeakMap<Constraint, Refused[]>();

function lackOf(constraint: Constraint): Refused[] {
  let lack = lacks.get(constraint);
  if (!lack) {
    const tag = formatTag(constraint.tag);
    lack = [refused('tag', constraint.mustNot ? `it has the tag ${tag}` : `it lacks the tag ${tag}`)];
    lacks.set(constraint, lack);
  }
  return lack;
}
