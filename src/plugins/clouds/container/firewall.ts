import { join } from 'node:path';
import { isIP } from '../../../core/address.ts';
import { isObject, type Json, type JsonObject } from '../../../core/json.ts';
import { readJson, writeAtomic } from '../../../host/processes.ts';
import type { ResourceContext } from '../../../sdk/cloud.ts';
import { statusOf } from './engine.ts';
import { type ContainerSite, helperOf, lastWords, limits, machineImage, placeOf } from './place.ts';

/**
 * What nftables is told so that a machine keeps to the rules of its security groups. What comes in is dropped where no rule lets it in;
 * what goes out is let out, unless a rule speaks of that direction. The machine of the server always comes in: it has to see whether a
 * machine is ready. Rules of `Deny` and `Drop` come before those that allow. @throws Error naming the rule that cannot be read
 */
export function rulesetOf(rules: readonly JsonObject[], gateway: string): string {
  const lines = (direction: 'inbound' | 'outbound') =>
    rules
      .filter((rule) => String(rule.direction ?? 'inbound').toLowerCase() === direction)
      .toSorted((a, b) => Number(isAllowed(a)) - Number(isAllowed(b)))
      .map((rule) => `    ${lineOf(rule, direction)}`);
  const chain = (hook: 'input' | 'output', policy: string, first: string[], own: string[]) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 0; policy ${policy};`,
    '    ct state established,related accept',
    `    ${hook === 'input' ? 'iif' : 'oif'} lo accept`,
    ...first,
    ...own,
    '  }',
  ];
  const server = isIP(gateway) === 0 ? [] : [`    ${isIP(gateway) === 6 ? 'ip6' : 'ip'} saddr ${gateway} accept`];
  const out = lines('outbound');
  return [
    ...['table inet millrace', 'delete table inet millrace', 'table inet millrace {'],
    ...chain('input', 'drop', server, lines('inbound')),
    ...chain('output', out.some((line) => line.endsWith(' accept')) ? 'drop' : 'accept', [], out),
    '}',
    '',
  ].join('\n');
}

const isAllowed = ({ access = 'Allow' }: JsonObject): boolean => String(access).toLowerCase() === 'allow';

function lineOf(rule: JsonObject, direction: 'inbound' | 'outbound'): string {
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
  const end = direction === 'inbound' ? 'saddr' : 'daddr';
  return [
    address === '' ? '' : `${isIP(host) === 6 ? 'ip6' : 'ip'} ${end} ${address}`,
    transport(protocol, isAnyPort ? '' : ports),
    isAllowed(rule) ? 'accept' : 'drop',
  ]
    .filter(Boolean)
    .join(' ');
}

function transport(protocol: string, ports: string): string {
  if (protocol === 'icmp') return 'meta l4proto { icmp, icmpv6 }';
  const isOne = protocol === 'tcp' || protocol === 'udp';
  if (ports === '') return isOne ? `meta l4proto ${protocol}` : '';
  return isOne ? `${protocol} dport { ${ports} }` : `meta l4proto { tcp, udp } th dport { ${ports} }`;
}

/** The security groups of a machine lie beside it: each start needs them again. */
export const keepGroups = (shared: string, networks: unknown): void =>
  writeAtomic(join(shared, 'groups.json'), JSON.stringify(groupsIn(networks)));
export const keptGroups = (shared: string): string[] => readJson<string[]>(join(shared, 'groups.json')) ?? [];

const groupsIn = (networks: unknown): string[] =>
  (Array.isArray(networks) ? networks.filter(isObject) : []).flatMap(({ securityGroups }) =>
    Array.isArray(securityGroups) ? securityGroups.map(String) : [],
  );

/**
 * Tells a running machine the rules of its groups, as a whole or not at all. It is done from a container of our own that shares its
 * network: the machine itself may not change them, and nothing of it is run with the right to.
 * @throws Error in words where a rule cannot be read
 */
export async function applyGroups(
  site: ContainerSite,
  identity: string,
  { instance, neighbours }: Pick<ResourceContext, 'instance' | 'neighbours'>,
): Promise<void> {
  const { name, shared } = placeOf(site, identity);
  const groups = keptGroups(shared);
  if (groups.length === 0) return;
  const rules = neighbours
    .filter(({ id }) => groups.includes(String(id)))
    .flatMap((group) => (Array.isArray(group.rules) ? group.rules.filter(isObject) : []));
  const docker = await site.engine.open();
  const { NetworkSettings } = await docker.getContainer(name).inspect();
  const { Gateway = '' } = NetworkSettings as { Gateway?: string };
  const gateway = Gateway || Object.values(NetworkSettings.Networks ?? {})[0]?.Gateway || '';
  const ruleset = Buffer.from(rulesetOf(rules, gateway)).toString('base64');
  const helper = docker.getContainer(helperOf(name));
  await helper.remove({ force: true }).catch((thrown) => {
    if (statusOf(thrown) !== 404) throw thrown;
  });
  await docker.createContainer({
    name: helperOf(name),
    Image: machineImage,
    Entrypoint: ['/bin/sh', '-c'],
    Cmd: [`echo ${ruleset} | base64 -d | nft -f -`],
    Labels: { 'io.millrace.site': site.directory },
    HostConfig: { NetworkMode: `container:${name}`, CapAdd: ['NET_ADMIN'], Ulimits: limits },
  });
  try {
    await helper.start();
    const { StatusCode } = (await helper.wait()) as { StatusCode: number };
    if (StatusCode !== 0)
      throw new Error(
        `${instance}: its security groups could not be applied: ${await lastWords(docker, helperOf(name))}`,
      );
  } finally {
    await helper.remove({ force: true });
  }
}

/** The machines of a deployment that belong to a group, by identity. */
export const membersOf = (site: ContainerSite, group: string, neighbours: readonly JsonObject[]): string[] =>
  neighbours
    .map(({ id }) => String(id))
    .filter((id) => id.startsWith('/resources/compute/'))
    .map((id) => id.slice('/resources/compute/'.length))
    .filter((identity) => keptGroups(placeOf(site, identity).shared).includes(group));
