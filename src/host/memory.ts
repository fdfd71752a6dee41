import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { isMarked, processIds } from './processes.ts';

/** A process and the bytes of memory that are resident for it. */
export interface Usage {
  pid: number;
  resident: number;
}

/** Bytes of memory that each process group holds. */
export function memoryOfGroups(): Map<number, number> {
  const sums = new Map<number, number>();
  for (const stat of processIds().map(statOf))
    if (stat) sums.set(stat.group, (sums.get(stat.group) ?? 0) + stat.resident);
  return sums;
}

/**
 * Looks at everything that carries the mark of a directory, whatever it left: group, session or parent. The first look reads the
 * environment of every process; later ones pass over those that were strangers then.
 */
export function memoryWatch(directory: string): () => Usage[] {
  let strangers = new Set<number>();
  return () => {
    const present = processIds();
    strangers = new Set(present.filter((pid) => strangers.has(pid) || !isMarked(pid, directory)));
    return present
      .filter((pid) => !strangers.has(pid))
      .flatMap((pid) => {
        const stat = statOf(pid);
        return stat ? [{ pid, resident: stat.resident }] : [];
      });
  };
}

/** What a process really takes: pages that it shares with others count by its share of them. Slower to know than what is resident. */
export function shareOf({ pid, resident }: Usage): number {
  try {
    const share = /^Pss:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return share === undefined ? resident : Number(share) * 1024;
  } catch {
    return resident;
  }
}

/** The name of the program that a process runs. */
export function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return 'a process';
  }
}

function statOf(pid: number): { group: number; resident: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { group: Number(fields[2]), resident: Number(fields[21]) * 4096 };
  } catch {
    return undefined;
  }
}
