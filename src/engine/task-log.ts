import type { JsonObject } from '../core/json.ts';
import { metricLines } from '../lang/metric-line.ts';
import type { Execution } from '../pipeline/execution.ts';
import type { Log, Metric } from '../sdk/powers.ts';
import type { NewCommand } from '../store/store.ts';
import type { Along } from './decided.ts';
import type { EngineParts } from './parts.ts';
import type { Prepared } from './prepare.ts';

/**
 * Collects what a task logs, to be written with its result: log, metrics and state never disagree. `size` is that of what is kept already,
 * where that is known.
 */
export function taskLog(
  parts: EngineParts,
  stream: string,
  prepared: Prepared & { kind: 'ready' },
  execution: Execution,
  size?: number,
): { log: Log; takeLog: () => Pick<Along, 'log' | 'commands'> } {
  const taken: NonNullable<Along['log']> = [];
  const points: Metric[] = [];
  let end = size;
  const offset = async () => (end ??= await parts.store.logSize(stream));
  const log: Log = {
    offset,
    async append(from, text) {
      const size = await offset();
      const fresh = Buffer.from(text)
        .subarray(Math.max(0, size - from))
        .toString('utf8');
      if (!fresh) return;
      taken.push({ stream, offset: size, text: masked(fresh) });
      end = size + Buffer.byteLength(fresh);
      if (prepared.task.millrace.metrics) points.push(...metricLines(fresh, parts.moment.now()));
    },
  };
  return {
    log,
    takeLog: () => ({
      log: taken,
      commands:
        points.length > 0
          ? [metricsCommand(points, prepared.task.millrace.metrics!, execution, stream, taken[0]!.offset)]
          : [],
    }),
  };

  /** Offsets count the far side's bytes, so a masked text is padded or cut to the length it had. */
  function masked(text: string): string {
    const hidden = prepared.mask(text);
    const difference = Buffer.byteLength(text) - Buffer.byteLength(hidden);
    if (difference === 0) return hidden;
    if (difference > 0) return hidden + ' '.repeat(difference);
    return Buffer.from(hidden).subarray(0, Buffer.byteLength(text)).toString('utf8');
  }
}

const metricsCommand = (
  points: Metric[],
  sink: string,
  execution: Execution,
  stream: string,
  offset: number,
): NewCommand => ({
  key: `${stream}/metrics/${offset}`,
  kind: 'execution',
  aggregate: execution.plan.execution,
  lane: `metrics/${execution.plan.execution}`,
  project: execution.plan.project,
  host: '',
  due: 0,
  body: { do: 'send-metrics', sink, points: points as unknown as JsonObject[] },
});
