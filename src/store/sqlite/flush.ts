import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import { promisify } from 'node:util';

export interface Flush {
  /**
   * Resolves when what was written before this call is on the disk.
   * @param isAlone nobody else waits for the disk or will soon, as far as is known
   * @throws what the disk says where it may not be
   */
  flushed(isAlone?: boolean): Promise<void>;
  close(): void;
}

/** How a file is brought to the disk: beside the process, or while the process waits. */
export interface Disk {
  sync(file: number): Promise<void>;
  syncNow(file: number): void;
}

const ownDisk: Disk = { sync: promisify(fdatasync), syncNow: fdatasyncSync };

/** Milliseconds: a disk that took no longer the last time. To ask a thread and be woken by it takes a tenth of one. */
const quick = 1;

/**
 * Of a file that other descriptors write to. The process goes on meanwhile, and who comes while a flush is under way shares the next;
 * but where somebody is alone and the disk is quick, the process waits, which is sooner over.
 */
export function openFlush(path: string, disk = ownDisk, now = () => performance.now()): Flush {
  const file = openSync(path, 'r');
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let took = Number.POSITIVE_INFINITY;

  return {
    flushed(isAlone = false) {
      if (!current) return isAlone && took <= quick ? atOnce() : begin();
      next ??= current.then(begin, begin);
      return next;
    },
    close: () => closeSync(file),
  };

  async function atOnce(): Promise<void> {
    const begun = now();
    disk.syncNow(file);
    took = now() - begun;
  }

  function begin(): Promise<void> {
    next = undefined;
    const begun = now();
    const mine = disk.sync(file);
    current = mine;
    const end = () => {
      took = now() - begun;
      if (current === mine) current = undefined;
    };
    mine.then(end, end);
    return mine;
  }
}

/** Of what is in memory alone. */
export const noFlush: Flush = { flushed: () => Promise.resolve(), close: () => undefined };
