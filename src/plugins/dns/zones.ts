/** Records and answers of the embedded name server: pure. */
export interface Rrset {
  name: string;
  type: string;
  ttl: number;
  records: { content: string; disabled: boolean }[];
  comments: { content: string; account: string; modified_at: number }[];
}

export interface DnsZone {
  /** With its final dot. */
  name: string;
  serial: number;
  rrsets: Rrset[];
}

export interface Answer {
  name: string;
  type: string;
  ttl: number;
  content: string;
}

/** What a question gets: an answer, the knowledge that there is none (`NXDOMAIN` or no data), or a refusal of foreign names. */
export type Resolution = {
  code: 'NOERROR' | 'NXDOMAIN' | 'REFUSED';
  answers: Answer[];
  zone: DnsZone | undefined;
};

/** `dice` gives a number from 0 up to 1: it chooses among weighted answers. */
export function resolve(zones: readonly DnsZone[], question: string, type: string, dice: () => number): Resolution {
  const name = `${question.toLowerCase().replace(/\.$/, '')}.`;
  const zone = zones
    .filter((candidate) => name === candidate.name || name.endsWith(`.${candidate.name}`))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (!zone) return { code: 'REFUSED', answers: [], zone };
  const answers: Answer[] = [];
  let here = name;
  for (let hops = 0; hops < 8; hops++) {
    const own = zone.rrsets.filter((rrset) => rrset.name === here);
    const direct = own.flatMap((rrset) => answersOf(rrset, type, dice));
    if (direct.length > 0) return { code: 'NOERROR', answers: [...answers, ...direct], zone };
    const alias =
      type === 'CNAME'
        ? undefined
        : own.find((rrset) => rrset.type === 'CNAME')?.records.find(({ disabled }) => !disabled);
    if (!alias)
      return {
        code: own.length > 0 || answers.length > 0 || here === zone.name ? 'NOERROR' : 'NXDOMAIN',
        answers,
        zone,
      };
    answers.push({
      name: here,
      type: 'CNAME',
      ttl: own.find((rrset) => rrset.type === 'CNAME')!.ttl,
      content: alias.content,
    });
    here = alias.content.toLowerCase();
  }
  return { code: 'NOERROR', answers, zone };
}

/** A LUA record `A "pickwrandom({{90,'192.0.2.1'},{10,'192.0.2.2'}})"` is PowerDNS's way to say: weighted. */
function answersOf({ name, type, ttl, records }: Rrset, asked: string, dice: () => number): Answer[] {
  const enabled = records.filter(({ disabled }) => !disabled);
  if (type === asked) return enabled.map(({ content }) => ({ name, type, ttl, content }));
  if (type !== 'LUA') return [];
  return enabled.flatMap(({ content }) => {
    const weighted = readWeighted(content);
    return weighted?.type === asked ? [{ name, type: asked, ttl, content: pick(weighted.choices, dice()) }] : [];
  });
}

export function readWeighted(
  content: string,
): { type: string; choices: { weight: number; content: string }[] } | undefined {
  const found = /^(\w+)\s+"pickwrandom\(\{(.*)\}\)"$/.exec(content.trim());
  const choices = [...(found?.[2] ?? '').matchAll(/\{\s*(\d+)\s*,\s*'([^']+)'\s*\}/g)].map(([, weight, address]) => ({
    weight: Number(weight),
    content: address!,
  }));
  return found && choices.some(({ weight }) => weight > 0) ? { type: found[1]!.toUpperCase(), choices } : undefined;
}

function pick(choices: { weight: number; content: string }[], dice: number): string {
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  let rest = dice * total;
  for (const { weight, content } of choices) {
    rest -= weight;
    if (rest < 0) return content;
  }
  return choices.at(-1)!.content;
}

export interface RrsetChange {
  name: string;
  type: string;
  changetype: 'REPLACE' | 'DELETE';
  ttl?: number;
  records?: { content: string; disabled?: boolean }[];
  comments?: { content: string; account?: string; modified_at?: number }[];
}

/** The zone after a PATCH, or the sentence that refuses it: all changes or none. */
export function changeZone(zone: DnsZone, changes: RrsetChange[], now: number): DnsZone | { refused: string } {
  let rrsets = zone.rrsets;
  for (const change of changes) {
    const { name, type, changetype, ttl, records = [], comments = [] } = change;
    if (!name.endsWith('.')) return { refused: `DNS Name '${name}' is not canonical` };
    if (name !== zone.name && !name.endsWith(`.${zone.name}`))
      return { refused: `RRset ${name} IN ${type}: Name is out of zone` };
    if (changetype === 'REPLACE' && records.length > 0 && !Number.isInteger(ttl))
      return { refused: `RRset ${name} IN ${type}: Key 'ttl' is missing` };
    const bad = records.find(({ content }) => !fits(type, content));
    if (bad) return { refused: `Record ${name}/${type} '${bad.content}': Not in expected format` };
    const before = rrsets.find((rrset) => rrset.name === name && rrset.type === type);
    rrsets = rrsets.filter((rrset) => rrset !== before);
    if (changetype === 'DELETE' || records.length === 0) continue;
    const alias = rrsets.some((rrset) => rrset.name === name && (rrset.type === 'CNAME' || type === 'CNAME'));
    if (alias) return { refused: `RRset ${name} IN ${type}: Conflicts with pre-existing RRset` };
    rrsets = [
      ...rrsets,
      {
        name: name.toLowerCase(),
        type,
        ttl: ttl!,
        records: records.map(({ content, disabled = false }) => ({ content, disabled })),
        comments:
          change.comments === undefined
            ? (before?.comments ?? [])
            : comments.map(({ content, account = '', modified_at = Math.floor(now / 1000) }) => ({
                content,
                account,
                modified_at,
              })),
      },
    ];
  }
  return { ...zone, serial: zone.serial + 1, rrsets };
}

function fits(type: string, content: string): boolean {
  switch (type) {
    case 'A':
      return /^(\d{1,3}\.){3}\d{1,3}$/.test(content) && content.split('.').every((part) => Number(part) < 256);
    case 'AAAA':
      return /^[0-9a-f:]+$/i.test(content) && content.includes(':');
    case 'CNAME':
    case 'NS':
      return content.endsWith('.');
    case 'TXT':
      return /^".*"$/.test(content);
    case 'LUA':
      return readWeighted(content) !== undefined;
    default:
      return ['MX', 'SRV', 'SOA', 'CAA', 'PTR'].includes(type);
  }
}
