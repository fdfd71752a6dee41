import { z } from 'zod';

const forms = { 4: z.ipv4(), 6: z.ipv6() };

/** Whether it is an address, and of which version; 0: it is none. */
export function isIP(address: string): 0 | 4 | 6 {
  if (forms[4].safeParse(address).success) return 4;
  return forms[6].safeParse(address).success ? 6 : 0;
}

/** An address as a number, so that ranges can be walked; undefined where it is none. */
export function numberOf(address: string): bigint | undefined {
  const version = isIP(address);
  if (version === 4) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  return version === 6 ? groupsOf(address).reduce((sum, group) => sum * 65536n + BigInt(group), 0n) : undefined;
}

/** The address of a number, in the form that is shortest to read. */
export function addressOf(number: bigint, version: 4 | 6): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((number >> BigInt(16 * (7 - index))) & 65535n).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The eight groups of an IPv6 address; its last two may be written as an IPv4 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address
    .replace(/%.*$/, '')
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
      [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
    )
    .split('::');
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [read(head), read(tail ?? '')];
  return tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill(0), ...right];
}
