import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, stopOwned, writeAtomic } from '../../../host/processes.ts';
import { shortHash } from '../short-hash.ts';

/** What each thing of the local cloud remembers in its own directory. */
export interface Card {
  identity: string;
  instance: string;
  deployment: string;
  address: string;
  kind: 'machine' | 'balancer';
}

/** The local cloud of one server: a directory, and a range of loopback addresses that no other site is likely to use. */
export interface Site {
  directory: string;
  /**
   * The directory and the address of a thing; made at the first call, found again at every other. An address that is asked for is
   * given where it is one of this machine: `127.*`. @throws Error where another thing has it.
   */
  claim(card: Omit<Card, 'address'>, wanted?: string): { directory: string; address: string };
  find(identity: string): { directory: string; card: Card } | undefined;
  /** Ends all that runs in a directory of the site. */
  stop(directory: string): Promise<void>;
}

/** @param confirm throws where others have taken over the work of this server: nothing more is ended then */
export function openSite(directory: string, confirm = () => {}): Site {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const hash = createHash('sha256').update(directory).digest();
  const range = `127.${64 + (hash[0]! % 160)}.${hash[1]!}`;
  const placeOf = (identity: string) => join(directory, shortHash(identity));

  return {
    directory,
    stop: (own) => stopOwned(own, confirm),
    find(identity) {
      const card = readJson<Card>(join(placeOf(identity), 'card.json'));
      return card && { directory: placeOf(identity), card };
    },
    claim(card, wanted = '') {
      const own = placeOf(card.identity);
      const known = readJson<Card>(join(own, 'card.json'));
      if (known) return { directory: own, address: known.address };
      const taken = new Set(
        readdirSync(directory).flatMap((name) => readJson<Card>(join(directory, name, 'card.json'))?.address ?? []),
      );
      const isOurs = /^127\.\d+\.\d+\.\d+$/.test(wanted);
      if (isOurs && taken.has(wanted)) throw new Error(`The address ${wanted} is in use.`);
      const free = isOurs
        ? wanted
        : Array.from({ length: 240 }, (_, index) => `${range}.${index + 10}`).find((address) => !taken.has(address));
      if (!free) throw new Error(`All 240 addresses of the local cloud in ${directory} are in use.`);
      if (!existsSync(own)) mkdirSync(own, { recursive: true, mode: 0o700 });
      writeAtomic(join(own, 'card.json'), JSON.stringify({ ...card, address: free } satisfies Card));
      return { directory: own, address: free };
    },
  };
}
