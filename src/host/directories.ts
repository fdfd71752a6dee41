import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

export interface Directories {
  /** There is a directory at a path from now on, closed to everybody else where it is new. */
  make(path: string): void;
  /** Has the next one ready; whoever has time calls it. */
  refill(): void;
}

/**
 * A file system that has just removed many files takes up to half a millisecond to make a directory, as much as a short step. One that
 * stands ready only gets its name.
 * @param place where it stands until then; on the file system of those that are asked for, else it is of no use
 */
export function openDirectories(place: string): Directories {
  let ready: string | undefined;
  let made = 0;

  return {
    make(path) {
      if (existsSync(path)) return;
      if (!rename(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
    },
    refill() {
      if (ready) return;
      const next = join(place, `directory-${made++}`);
      try {
        mkdirSync(next, { mode: 0o700 });
        ready = next;
      } catch {
        // Why not, whoever needs one is told.
      }
    },
  };

  function rename(path: string): boolean {
    const standing = ready;
    if (!standing) return false;
    try {
      renameSync(standing, path);
      ready = undefined;
      return true;
    } catch {
      // Its parent is missing, it is elsewhere, or somebody has removed what stood ready.
      if (!existsSync(standing)) ready = undefined;
      return false;
    }
  }
}
