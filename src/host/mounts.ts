import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';

/** Where a file system is mounted. */
interface Mount {
  at: string;
  type: string;
}

function mounts(): Mount[] {
  try {
    const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    return lines.map((line) => line.split(' ').map(unescaped)).map(([, at = '', type = '']) => ({ at, type }));
  } catch {
    return [];
  }
}

/** Where file systems are mounted; a place has as many as are mounted on each other there. */
export const mountPoints = (): string[] => mounts().map(({ at }) => at);

/** Where control groups of version 2 are mounted; undefined where they are not. */
export const controlGroupRoot = (): string | undefined => mounts().find(({ type }) => type === 'cgroup2')?.at;

/** Lets go of all file systems under a path, or at it: the last mounted first, and those in use when nobody uses them any more. */
export function unmountUnder(path: string): void {
  if (!existsSync(path)) return;
  // The kernel knows no symbolic links.
  const real = realpathSync(path);
  const found = mounts().filter(({ at }) => `${at}/`.startsWith(`${real}/`));
  for (const { at } of found.reverse())
    if (spawnSync('umount', [at], { stdio: 'ignore' }).status !== 0)
      spawnSync('umount', ['--lazy', at], { stdio: 'ignore' });
}

/** The kernel writes blanks and the like as octal numbers. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
