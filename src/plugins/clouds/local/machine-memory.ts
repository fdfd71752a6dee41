import { memoryWatch, programOf, shareOf, type Usage } from '../../../host/memory.ts';

const everyMs = 500;

/**
 * Keeps a machine within its memory as a kernel would: while all its processes together hold more, the largest of them is killed,
 * and `tell` hears of it. This process is not counted.
 */
export function keepWithinMemory(directory: string, limitMb: number, tell: (sentence: string) => void): void {
  const look = memoryWatch(directory);
  setInterval(() => {
    const victim = outOfMemory(look(), limitMb, shareOf);
    if (!victim) return;
    const program = programOf(victim.pid);
    try {
      process.kill(victim.pid, 'SIGKILL');
      tell(`Out of memory: the machine has ${limitMb} MB; ${program} (process ${victim.pid}) was killed.`);
    } catch {
      // It ended by itself.
    }
  }, everyMs);
}

/** The process to kill, if there must be one. What is resident is never less than the shares, so these are asked for only then. */
export function outOfMemory(usages: Usage[], limitMb: number, share: (usage: Usage) => number): Usage | undefined {
  const limit = limitMb * 2 ** 20;
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
  if (sum(usages.map(({ resident }) => resident)) <= limit) return undefined;
  const shares = usages.map((usage) => ({ usage, bytes: share(usage) })).sort((a, b) => b.bytes - a.bytes);
  return sum(shares.map(({ bytes }) => bytes)) > limit ? shares[0]!.usage : undefined;
}
