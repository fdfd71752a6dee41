import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Where file systems are mounted, by path, and what they come from. */
export function mountPoints(): Map<string, string> {
  try {
    const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    return new Map(
      lines.map((line) => line.split(' ').map(unescaped) as [string, string]).map(([from, at]) => [at, from]),
    );
  } catch {
    return new Map();
  }
}

/** Lets go of all file systems under a path, or at it: the last mounted first, and those in use when nobody uses them any more. */
export function unmountUnder(path: string): void {
  const found = [...mountPoints().keys()].filter((at) => `${at}/`.startsWith(`${path}/`));
  for (const at of found.reverse())
    if (spawnSync('umount', [at], { stdio: 'ignore' }).status !== 0)
      spawnSync('umount', ['--lazy', at], { stdio: 'ignore' });
}

/** The kernel writes blanks and the like as octal numbers. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
