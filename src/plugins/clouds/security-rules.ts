import { join } from 'node:path';
import { isIP } from '../../core/address.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { readJson, writeAtomic } from '../../host/processes.ts';

/** A rule of a security group in the words of nftables. */
export interface FilterRule {
  /** The far end, as an address or a block of them; empty: any. */
  far: string;
  /** What nftables compares of protocol and ports; empty: nothing. */
  transport: string;
  verdict: 'accept' | 'drop';
}

export type Direction = 'inbound' | 'outbound';

/** The rules of one direction; those of `Deny` and `Drop` come before those that allow. @throws Error naming the rule that cannot be read */
export const rulesOf = (rules: readonly JsonObject[], direction: Direction): FilterRule[] =>
  rules
    .filter((rule) => String(rule.direction ?? 'inbound').toLowerCase() === direction)
    .map((rule) => readRule(rule, direction))
    .toSorted((a, b) => Number(a.verdict === 'accept') - Number(b.verdict === 'accept'));

function readRule(rule: JsonObject, direction: Direction): FilterRule {
  const wrong = (what: string, value: Json) =>
    new Error(`rule ${String(rule.name ?? '') || 'without a name'}: its ${what} ${String(value)} cannot be read.`);
  const far = direction === 'inbound' ? rule.source : rule.destination;
  const protocol = String(rule.protocol ?? 'ANY').toLowerCase();
  if (!['any', 'all', '*', 'tcp', 'udp', 'icmp'].includes(protocol)) throw wrong('protocol', rule.protocol ?? '');
  const ports = String(rule.ports ?? 'ANY').replace(/\s/g, '');
  const isAnyPort = /^(any|all|\*|)$/i.test(ports);
  if (!isAnyPort && !/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(ports)) throw wrong('ports', rule.ports ?? '');
  const address = /^(any|all|\*|)$/i.test(String(far ?? '')) ? '' : String(far);
  const [host = '', bits = '0'] = address.split('/');
  if (address !== '' && (isIP(host) === 0 || !/^\d{1,3}$/.test(bits)))
    throw wrong(direction === 'inbound' ? 'source' : 'destination', address);
  const isAllowed = String(rule.access ?? 'Allow').toLowerCase() === 'allow';
  return {
    far: address,
    transport: transport(protocol, isAnyPort ? '' : ports),
    verdict: isAllowed ? 'accept' : 'drop',
  };
}

function transport(protocol: string, ports: string): string {
  if (protocol === 'icmp') return 'meta l4proto { icmp, icmpv6 }';
  const isOne = protocol === 'tcp' || protocol === 'udp';
  if (ports === '') return isOne ? `meta l4proto ${protocol}` : '';
  return isOne ? `${protocol} dport { ${ports} }` : `meta l4proto { tcp, udp } th dport { ${ports} }`;
}

/** How nftables compares one end of a packet with an address, or a block. */
export const matchOf = (end: 'saddr' | 'daddr', far: string): string =>
  far === '' ? '' : `${isIP(far.split('/')[0]!) === 6 ? 'ip6' : 'ip'} ${end} ${far}`;

export const lineOf = (...parts: string[]): string => parts.filter(Boolean).join(' ');

/** The security groups of a machine lie beside it: each start needs them again. */
export const keepGroups = (place: string, networks: unknown): void =>
  writeAtomic(join(place, 'groups.json'), JSON.stringify(groupsIn(networks)));
export const keptGroups = (place: string): string[] => readJson<string[]>(join(place, 'groups.json')) ?? [];

const groupsIn = (networks: unknown): string[] =>
  (Array.isArray(networks) ? networks.filter(isObject) : []).flatMap(({ securityGroups }) =>
    Array.isArray(securityGroups) ? securityGroups.map(String) : [],
  );
