import type { Duration } from '../core/duration.ts';
import type { Instant } from '../core/instant.ts';

/** What is counted of one run. */
export interface CountedRun {
  id: string;
  index: number;
  status: string;
  requestedAt: Instant;
  /** Null while it has not ended. */
  endedAt: Instant | null;
  /** From its start to its end. */
  duration: Duration;
  /** Together in CI tasks; undefined where nobody looked. */
  inCi?: Duration;
}

/**
 * The measures of the original's dashboards, over the runs of one pipeline in a period; durations in milliseconds, null where there
 * is nothing to take a mean of. They mean there: Mean Time To Deliver, Between Deliveries, To Failure, To Recovery.
 */
export interface Statistics {
  runs: number;
  /** How many runs have each status. */
  counts: Record<string, number>;
  /** Mean time in CI tasks of runs that have any. */
  averageCi: Duration | null;
  /** Mean duration of completed runs. */
  mttd: Duration | null;
  /** Mean time between the ends of two completed runs that follow each other. */
  mtbd: Duration | null;
  /** Mean duration of runs that failed, rolled back or not. */
  mttf: Duration | null;
  /** Mean time from the end of such a run to the end of the next completed one. */
  mttr: Duration | null;
  latestSuccess: CountedRun | null;
}

const failures = ['FAILED', 'ROLLBACK_COMPLETED', 'ROLLBACK_FAILED'];

/** Pure; runs in any order. */
export function statisticsOf(runs: CountedRun[]): Statistics {
  const ended = runs
    .filter((run): run is CountedRun & { endedAt: Instant } => run.endedAt !== null)
    .sort((a, b) => a.endedAt - b.endedAt);
  const good = ended.filter(({ status }) => status === 'COMPLETED');
  const bad = ended.filter(({ status }) => failures.includes(status));
  const counts: Record<string, number> = {};
  for (const { status } of runs) counts[status] = (counts[status] ?? 0) + 1;
  const recoveries = bad.flatMap((failed) => {
    const next = good.find(({ endedAt }) => endedAt > failed.endedAt);
    return next ? [next.endedAt - failed.endedAt] : [];
  });
  return {
    runs: runs.length,
    counts,
    averageCi: mean(runs.flatMap(({ inCi }) => (inCi ? [inCi] : []))),
    mttd: mean(good.map(({ duration }) => duration)),
    mtbd: mean(good.slice(1).map(({ endedAt }, index) => endedAt - good[index]!.endedAt)),
    mttf: mean(bad.map(({ duration }) => duration)),
    mttr: mean(recoveries),
    latestSuccess: good.at(-1) ?? null,
  };
}

const mean = (values: number[]): number | null =>
  values.length === 0 ? null : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
