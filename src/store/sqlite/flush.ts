import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const sync = promisify(fdatasync);

export interface Flush {
  /** Resolves when what was written before this call is on the disk. @throws what the disk says where it may not be. */
  flushed(): Promise<void>;
  close(): void;
}

/** Of a file that other descriptors write to. The process goes on meanwhile; who comes while a flush is under way shares the next. */
export function openFlush(path: string): Flush {
  const file = openSync(path, 'r');
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  return {
    flushed() {
      if (!current) return begin();
      next ??= current.then(begin, begin);
      return next;
    },
    close: () => closeSync(file),
  };

  function begin(): Promise<void> {
    next = undefined;
    const mine = sync(file);
    current = mine;
    const end = () => {
      if (current === mine) current = undefined;
    };
    mine.then(end, end);
    return mine;
  }
}

/** Of what is in memory alone. */
export const noFlush: Flush = { flushed: () => Promise.resolve(), close: () => undefined };
