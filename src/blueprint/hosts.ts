import { meetsHard, type Place, softMatches } from './atlas.ts';
import type { Occupancy, PlacementRequest } from './placement.ts';

/** One machine, and the compute that it is on; the empty one where its zone has none. */
export interface Seat {
  resource: string;
  zone: string;
  host: string;
  /** 0 where nobody knows. */
  memoryMb: number;
}

/**
 * The compute of each machine of a cluster, by the policy of its zone. Machines of one cluster prefer different computes; where there
 * are fewer of these than machines, they take turns. The same question has the same answer, so `DEFAULT` is no lottery here.
 */
export function chooseHosts(
  { resource, count, constraints, affinities }: PlacementRequest,
  { zone, hosts }: Place,
  { seats }: Occupancy,
  /** Of one machine; 0 where nobody knows. */
  memoryMb: number,
): string[] {
  const load = new Map(hosts.map(({ name }) => [name, { machines: 0, usedMb: 0, own: 0 }]));
  for (const seat of seats) if (seat.zone === zone.name) sit(seat.host, seat.memoryMb, seat.resource === resource);
  const suiting = hosts.filter(({ tags }) => meetsHard(tags, constraints));
  const chosen: string[] = [];
  for (let index = 0; index < count; index++) {
    const roomy = suiting.filter((host) => host.memoryMb === 0 || freeOf(host) >= memoryMb);
    const [next] = (roomy.length > 0 ? roomy : suiting).toSorted(byPreference);
    if (!next) return [];
    chosen.push(next.name);
    sit(next.name, memoryMb, true);
  }
  return chosen;

  function sit(host: string, usedMb: number, isOwn: boolean): void {
    const before = load.get(host);
    if (!before) return;
    before.machines += 1;
    before.usedMb += usedMb;
    if (isOwn) before.own += 1;
  }

  function byPreference(a: Host, b: Host): number {
    return (
      nearness(b) - nearness(a) ||
      load.get(a.name)!.own - load.get(b.name)!.own ||
      softMatches(b.tags, constraints) - softMatches(a.tags, constraints) ||
      byPolicy(a, b) ||
      (a.name < b.name ? -1 : 1)
    );
  }

  function byPolicy(a: Host, b: Host): number {
    if (zone.policy === 'BINPACK') return freeOf(a) - freeOf(b);
    if (zone.policy === 'SPREAD_MEMORY') return freeOf(b) - freeOf(a);
    return zone.policy === 'SPREAD' ? load.get(a.name)!.machines - load.get(b.name)!.machines : 0;
  }

  /** How well a compute suits what this resource wants to be near to, or away from. */
  function nearness(host: Host): number {
    const isThere = (other: string) => seats.some((seat) => seat.resource === other && seat.host === host.name);
    return affinities.reduce((sum, { resource: other, away }) => sum + (isThere(other) ? (away ? -1 : 1) : 0), 0);
  }

  function freeOf(host: Host): number {
    return host.memoryMb - load.get(host.name)!.usedMb;
  }
}

type Host = Place['hosts'][number];
