import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { controlGroupRoot } from '../../../host/mounts.ts';
import { shortHash } from '../short-hash.ts';

/** The control group of everything in a site, below which each of its things has one; undefined where there are no such groups. */
export function groupOfSite(site: string): string | undefined {
  const root = controlGroupRoot();
  return root && join(root, `millrace-${shortHash(site)}`);
}

/**
 * The program of a thing enters the group of its own, where there is one, and all that it starts with it. One that is made or removed in
 * that moment is no reason not to start: who makes it moves in what belongs there.
 */
export function enterControlGroup(directory: string): void {
  const site = groupOfSite(dirname(directory));
  if (!site) return;
  try {
    // Opened as what is there: a plain file must not come to be.
    writeFileSync(join(site, basename(directory), 'cgroup.procs'), String(process.pid), { flag: 'r+' });
  } catch {
    // There is none.
  }
}
