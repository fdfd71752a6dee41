import { isIP, numberOf } from '../../../core/address.ts';
import type { JsonObject } from '../../../core/json.ts';
import { type FilterRule, lineOf, matchOf, rulesOf } from '../security-rules.ts';

/** A machine or a balancer of a site. */
export interface Member {
  name: string;
  address: string;
  /** Of its security groups; undefined: it belongs to none, so everything may come and go. */
  rules: JsonObject[] | undefined;
}

/**
 * What nftables is told so that machines of processes keep to the rules of their security groups. They all send from the same loopback
 * address, so what is compared is the control group that a packet comes from: `group` holds those of all members, by name. What comes in
 * from another member is dropped where no rule lets it in; what goes out is let out, unless a rule speaks of that direction. What comes
 * from elsewhere on this machine, such as the server, is let in. @throws Error naming the rule that cannot be read
 */
export function rulesetOf(table: string, group: string, members: readonly Member[]): string {
  const from = ({ name }: Member) => `socket cgroupv2 level 2 "${group}/${name}"`;
  const guarded = members.flatMap((member) =>
    member.rules
      ? [{ ...member, inbound: rulesOf(member.rules, 'inbound'), outbound: rulesOf(member.rules, 'outbound') }]
      : [],
  );
  const sends = guarded.filter(({ outbound }) => outbound.length > 0);
  const inbound = ({ far, transport, verdict }: FilterRule): string[] =>
    far === ''
      ? [lineOf(transport, verdict)]
      : members
          .filter(({ address }) => isWithin(address, far))
          .map((member) => lineOf(from(member), transport, verdict));
  const outbound = ({ far, transport, verdict }: FilterRule): string =>
    lineOf(matchOf('daddr', far), transport, verdict);
  const chain = (name: string, lines: string[]) => [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), '  }'];
  return [
    ...[`table inet ${table}`, `delete table inet ${table}`, `table inet ${table} {`],
    ...guarded.flatMap((member) => chain(`to_${member.name}`, [...member.inbound.flatMap(inbound), 'drop'])),
    ...sends.flatMap((member) =>
      chain(`from_${member.name}`, [
        ...member.outbound.map(outbound).map((line) => line.replace(/accept$/, 'return')),
        ...(member.outbound.some(({ verdict }) => verdict === 'accept') ? ['drop'] : []),
      ]),
    ),
    ...chain('output', [
      'type filter hook output priority 0; policy accept;',
      'ct state established,related accept',
      ...guarded.map((member) => lineOf(from(member), matchOf('daddr', member.address), 'accept')),
      ...sends.map((member) => `${from(member)} jump from_${member.name}`),
      ...guarded.map(({ name, address }) =>
        lineOf(`socket cgroupv2 level 1 "${group}"`, matchOf('daddr', address), `jump to_${name}`),
      ),
    ]),
    '}',
    '',
  ].join('\n');
}

/** Whether an address of version 4 is in a block, or is that address. */
function isWithin(address: string, block: string): boolean {
  const [base = '', bits = '32'] = block.split('/');
  if (isIP(base) !== 4) return false;
  const rest = BigInt(Math.max(0, 32 - Number(bits)));
  return (numberOf(address) ?? -1n) >> rest === (numberOf(base) ?? -2n) >> rest;
}
