import { isIP } from '../../../core/address.ts';
import { isObject, type JsonObject } from '../../../core/json.ts';
import type { ResourceContext } from '../../../sdk/cloud.ts';
import { type Direction, keptGroups, lineOf, matchOf, rulesOf } from '../security-rules.ts';
import { statusOf } from './engine.ts';
import { type ContainerSite, helperOf, lastWords, limits, machineImage, placeOf } from './place.ts';

/**
 * What nftables is told so that a machine keeps to the rules of its security groups. What comes in is dropped where no rule lets it in;
 * what goes out is let out, unless a rule speaks of that direction. The machine of the server always comes in: it has to see whether a
 * machine is ready. @throws Error naming the rule that cannot be read
 */
export function rulesetOf(rules: readonly JsonObject[], gateway: string): string {
  const lines = (direction: Direction) =>
    rulesOf(rules, direction).map(({ far, transport, verdict }) =>
      lineOf(matchOf(direction === 'inbound' ? 'saddr' : 'daddr', far), transport, verdict),
    );
  const chain = (hook: 'input' | 'output', policy: string, first: string[], own: string[]) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 0; policy ${policy};`,
    '    ct state established,related accept',
    `    ${hook === 'input' ? 'iif' : 'oif'} lo accept`,
    ...[...first, ...own].map((line) => `    ${line}`),
    '  }',
  ];
  const server = isIP(gateway) === 0 ? [] : [lineOf(matchOf('saddr', gateway), 'accept')];
  const out = lines('outbound');
  return [
    ...['table inet millrace', 'delete table inet millrace', 'table inet millrace {'],
    ...chain('input', 'drop', server, lines('inbound')),
    ...chain('output', out.some((line) => line.endsWith('accept')) ? 'drop' : 'accept', [], out),
    '}',
    '',
  ].join('\n');
}

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
