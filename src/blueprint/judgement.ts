import { type Flavor, meetsHard, type Region, softMatches } from './atlas.ts';
import type { Constraint } from './constraint.ts';
import type { DiskWish, Occupancy, PlacementRequest } from './placement.ts';
import type { Amounts } from './zone.ts';

/** What a network of the blueprint asks for. */
export interface NetworkWish {
  name: string;
  networkType: string;
  constraints: Constraint[];
}

export interface ChosenNetwork {
  profile: string;
  /** Null where it is made on demand. */
  network: string | null;
}

/** What all new machines of a request take together. */
export function needOf(
  what: keyof Amounts,
  { takesRoom, count, size, storageGb }: PlacementRequest,
  flavor: Flavor | undefined,
): number {
  if (!takesRoom) return 0;
  if (what === 'instances') return count;
  if (what === 'memoryMb') return count * (flavor?.memoryMb || size.memoryMb);
  if (what === 'cpus') return count * (flavor?.cpus || size.cpus);
  return count * storageGb;
}

/** What rules ask again and again while one blueprint is placed; each answer is found once. */
export class Judgement {
  readonly #networks: Map<string, NetworkWish>;
  readonly #options = new Map<string, Map<string, ChosenNetwork[]>>();
  readonly #storage = new WeakMap<DiskWish, Map<string, string | null>>();

  constructor(networks: readonly NetworkWish[]) {
    this.#networks = new Map(networks.map((wish) => [wish.name, wish]));
  }

  wish(network: string): NetworkWish | undefined {
    return this.#networks.get(network);
  }

  /** The networks of a region that a network of the blueprint may be, the best first. */
  networkOptions(network: string, region: Region): ChosenNetwork[] {
    const byRegion = remembered(this.#options, network, () => new Map<string, ChosenNetwork[]>());
    return remembered(byRegion, region.key, () => optionsFor(this.#networks.get(network), region));
  }

  networkOf(network: string, region: Region): ChosenNetwork | undefined {
    return this.networkOptions(network, region)[0];
  }

  networkIn(network: string, region: Region, profile: string): string | null {
    return this.networkOptions(network, region).find((option) => option.profile === profile)?.network ?? null;
  }

  /** One profile serves all networks of a machine, and all machines of a network. */
  networkFor(request: PlacementRequest, region: Region, { networks }: Occupancy): ChosenNetwork | undefined {
    const [first, ...rest] = request.networks;
    if (first === undefined) return this.networkOf('', region);
    const isTaken = ({ profile }: ChosenNetwork, network: string) =>
      (networks[network]?.profile ?? profile) === profile && (networks[network]?.region ?? region.key) === region.key;
    return this.networkOptions(first, region).find(
      (option) =>
        isTaken(option, first) &&
        rest.every(
          (other) =>
            isTaken(option, other) &&
            this.networkOptions(other, region).some(({ profile }) => profile === option.profile),
        ),
    );
  }

  /** The storage profile of a disk; undefined where the region knows of no storage, null where none of its profiles will do. */
  storageFor(disk: DiskWish, region: Region): string | null | undefined {
    if (region.storage.length === 0) return disk.constraints.some(({ hard }) => hard) ? null : undefined;
    const byRegion = remembered(this.#storage, disk, () => new Map<string, string | null>());
    return remembered(byRegion, region.key, () => bestStorage(disk, region));
  }
}

function bestStorage({ constraints, encrypted }: DiskWish, { storage }: Region): string | null {
  const fits = storage.filter(
    (profile) => meetsHard(profile.tagSet, constraints) && (profile.supportsEncryption || !encrypted),
  );
  const soft = ({ tagSet }: Region['storage'][number]) => softMatches(tagSet, constraints);
  return fits.toSorted((a, b) => soft(b) - soft(a))[0]?.name ?? null;
}

interface Memory<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

function remembered<K, V>(memory: Memory<K, V>, key: K, find: () => V): V {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const found = find();
  memory.set(key, found);
  return found;
}

/**
 * `existing` and `public` take a network out of a profile, the others are made as the profile isolates. No wish at all is what a machine
 * without networks asks for: the first network of the first profile.
 */
function optionsFor(wish: NetworkWish | undefined, region: Region): ChosenNetwork[] {
  const { networkType = 'existing', constraints = [] } = wish ?? {};
  const isOnDemand = !['existing', 'public'].includes(networkType);
  return region.networks
    .filter(({ network }) => (network === null) === isOnDemand)
    .filter(({ network }) => networkType !== 'public' || network?.isPublic)
    .filter(({ profile }) => !isOnDemand || profile.isolation !== 'NONE')
    .filter(({ tags }) => meetsHard(tags, constraints))
    .toSorted((a, b) => softMatches(b.tags, constraints) - softMatches(a.tags, constraints))
    .map(({ profile, network }) => ({ profile: profile.name, network: network?.name ?? null }));
}
