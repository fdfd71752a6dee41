import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface Directories {
  /** There is a directory at a path from now on, closed to everybody else where it is new, with all above it. */
  make(path: string): void;
  /** Has the next one ready; whoever has time calls it. */
  refill(): void;
}

/**
 * A file system that has just removed many files takes up to half a millisecond to make a directory, as much as a short step. One that
 * stands ready, in another, only gets its name: its own, or that of the one around it where that is missing as well.
 * @param place where it stands until then; on the file system of those that are asked for, else it is of no use
 */
export function openDirectories(place: string): Directories {
  /** Of the one inside: what was asked for the last time is asked for again. */
  let name = 'build';
  let outer: string | undefined;
  let inner: string | undefined;
  let made = 0;

  return {
    make(path) {
      if (existsSync(path)) return;
      if (!takeReady(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
    },
    refill() {
      try {
        outer ??= newIn(place, `directory-${made++}`);
        inner ??= newIn(outer, name);
      } catch {
        // Why not, whoever needs one is told.
        outer = undefined;
      }
    },
  };

  function takeReady(path: string): boolean {
    const [from, around] = [inner, outer];
    if (!from || !around) return false;
    inner = undefined;
    try {
      if (existsSync(dirname(path))) {
        renameSync(from, path);
        return true;
      }
      name = basename(path);
      outer = undefined;
      if (basename(from) !== name) renameSync(from, join(around, name));
      renameSync(around, dirname(path));
      return true;
    } catch {
      // It is on another file system, somebody has removed it, or more is missing.
      outer = undefined;
      rmSync(around, { recursive: true, force: true });
      return false;
    }
  }
}

function newIn(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}
