import { addressOf, isIP, numberOf } from '../core/address.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { ExpressionError } from '../lang/tokens.ts';
import { type PlannedInstance, placementOf } from './deployment.ts';
import type { Placement } from './placement.ts';
import { type Facts, inputScope } from './properties.ts';
import { namesOf, referencesIn, resolveTemplate } from './template.ts';
import { isMachine } from './type-families.ts';
import type { AddressRange, Zone } from './zone.ts';

/** An address that a plan gives to one network interface, in which network of which region. */
export interface GivenAddress {
  /** Position among the `networks` of the machine. */
  nic: number;
  address: string;
  /** Account, region and name of the network: addresses are unique within. */
  network: string;
}

/** By network, the addresses that are somebody's already, and whose. */
export type TakenAddresses = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Who an address belongs to, as people are told. */
export const ownerOf = (instance: string, deployment: string): string => `${instance} of ${deployment}`;

export interface AddressQuestion {
  facts: Facts;
  placements: readonly Placement[];
  zones: readonly Zone[];
  taken: TakenAddresses;
}

/**
 * The addresses of one machine that is to be made: the next free one of its network's ranges for each interface with
 * `assignment: static`, or the one that its blueprint names. Networks without ranges are left to the cloud. What is given is noted in
 * `given`, so that the next machine gets another.
 */
export function addressesFor(
  { facts, placements, zones, taken }: AddressQuestion,
  instance: Pick<PlannedInstance, 'instance' | 'node' | 'index' | 'type'>,
  given: Record<string, Record<string, string>>,
): { addresses: GivenAddress[]; refused?: string } {
  const { blueprint } = facts;
  const { networks } = blueprint.resources[instance.node]!.properties;
  if (!isMachine(instance.type) || !Array.isArray(networks)) return { addresses: [] };
  const names = namesOf(blueprint);
  const addresses: GivenAddress[] = [];
  for (const [nic, written] of networks.entries()) {
    if (!isObject(written) || String(known(written.assignment)).toLowerCase() !== 'static') continue;
    const [reference] = referencesIn(written.network ?? null, names);
    const node = reference?.root === 'resource' ? reference.name : reference?.root;
    const placement = node === undefined ? undefined : placementOf(placements, { instance: node, node });
    const network = placement?.network;
    const ranges = network ? rangesOf(placement!, network) : [];
    if (!network || ranges.length === 0) continue;
    const key = `${placement!.account}/${placement!.region}/${network}`;
    const owners = { ...taken[key], ...given[key] };
    const wanted = known(written.address);
    const address = typeof wanted === 'string' && wanted !== '' ? wanted : nextFree(ranges, owners);
    if (address === undefined)
      return { addresses, refused: `all addresses of ${network} (${ranges.map(textOf).join(', ')}) are given out.` };
    if (isIP(address) === 0) return { addresses, refused: `its address ${address} in ${network} is none.` };
    if (owners[address])
      return { addresses, refused: `the address ${address} of ${network} belongs to ${owners[address]}.` };
    given[key] = { ...given[key], [address]: instance.instance };
    addresses.push({ nic, address, network: key });
  }
  return { addresses };

  function rangesOf({ zone }: Placement, network: string): readonly AddressRange[] {
    const { networkProfiles = [] } = zones.find(({ name }) => name === zone) ?? {};
    return networkProfiles.flatMap((profile) => profile.networks).find(({ name }) => name === network)?.ranges ?? [];
  }

  function known(value: Json | undefined): Json {
    try {
      const scope = inputScope(facts);
      const own = {
        ...scope,
        root: (root: string) => (root === 'count' ? { index: instance.index } : scope.root(root)),
      };
      return resolveTemplate(value ?? null, own, names);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      return null;
    }
  }
}

/** The first that nobody has; at most one more is looked at than are taken. */
function nextFree(ranges: readonly AddressRange[], owners: Readonly<Record<string, string>>): string | undefined {
  const used = new Set(Object.keys(owners).map(numberOf));
  for (const { start, end } of ranges) {
    const [first, last, version] = [numberOf(start), numberOf(end), isIP(start)];
    if (first === undefined || last === undefined || version === 0) continue;
    for (let number = first; number <= last; number++) if (!used.has(number)) return addressOf(number, version);
  }
  return undefined;
}

/** The networks of a machine with the addresses that it was given. */
export function withAddresses(networks: Json, addresses: readonly GivenAddress[] = []): Json {
  if (!Array.isArray(networks) || addresses.length === 0) return networks;
  return networks.map((one, nic): Json => {
    const given = addresses.find((address) => address.nic === nic);
    return given && isObject(one) ? ({ ...one, address: given.address } as JsonObject) : one;
  });
}

const textOf = ({ start, end }: AddressRange): string => `${start} to ${end}`;
