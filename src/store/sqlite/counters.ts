import type { Statements } from './write.ts';

export type Counters = ReturnType<typeof openCounters>;

/**
 * Numbers that are given out once. They are counted here, since nobody else writes to the file, and written before whatever may use
 * them: a burst of runs costs one row instead of one commit each. What was given out and is used by nothing on the disk may be given
 * out again after a crash.
 */
export function openCounters({ run, one }: Statements) {
  const values = new Map<string, number>();
  const unwritten = new Set<string>();

  return {
    next(counter: string): number {
      const value = (values.get(counter) ?? one('SELECT value FROM counters WHERE name = ?', counter)?.value ?? 0) + 1;
      values.set(counter, value);
      unwritten.add(counter);
      return value;
    },

    /** Called before anything else is written. */
    write(): void {
      for (const counter of unwritten)
        run(
          'INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
          counter,
          values.get(counter)!,
        );
    },

    /** What was written cannot be taken back any more. */
    written: (): void => unwritten.clear(),
  };
}
