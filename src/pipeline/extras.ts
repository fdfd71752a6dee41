import { type Duration, parseDuration } from '../core/duration.ts';
import { isObject, type Json } from '../core/json.ts';
import { type Reader, text } from '../lang/reader.ts';
import type { Path } from '../lang/yaml.ts';
import type { PipelineExtras, Retry, StageExtras, StageRuns, TaskExtras } from './model.ts';

// Our extensions, which stand under `millrace` of a pipeline, a stage or a task. Nobody else writes there, so what is unknown is
// an error: a misspelt time-out would be none.

const stageRuns: readonly StageRuns[] = ['on-success', 'on-failure', 'always'];

export function readPipelineExtras(
  { map, list, warnUnknown, report }: Reader,
  value: Json | undefined,
): PipelineExtras {
  const extras = map(value, ['millrace']);
  warnUnknown(extras, ['notifications', 'supersede', 'priority'], ['millrace'], '`millrace`', 'error');
  const notifications = list(extras.notifications, ['millrace', 'notifications']).flatMap((item, index) => {
    if (isObject(item) && text(item.type) && text(item.endpoint))
      return [{ ...item, type: text(item.type), endpoint: text(item.endpoint) }];
    const path = ['millrace', 'notifications', index];
    report('error', 'notification.incomplete', 'A notification needs `type` and `endpoint`.', path);
    return [];
  });
  const priority = Number(extras.priority ?? 0);
  if (!Number.isInteger(priority)) {
    const message = `\`priority: ${text(extras.priority)}\` must be a whole number.`;
    report('error', 'pipeline.priority', message, ['millrace', 'priority'], 'Higher ones come first; 0 is usual.');
  }
  return { notifications, supersede: readSupersede(extras.supersede), priority };
}

/** `true`: a newer run takes the place of any older one; a text: of those for which it is the same. */
function readSupersede(value: Json | undefined): string | null {
  const written = text(value);
  return written === '' || /^false$/i.test(written) ? null : written;
}

export function readStageExtras(
  { map, flag, warnUnknown, report }: Reader,
  stage: string,
  value: Json | undefined,
  path: Path,
): StageExtras {
  const extras = map(value, path);
  warnUnknown(extras, ['runs', 'protect'], path, '`millrace`', 'error');
  const runs = text(extras.runs) || 'on-success';
  if (!stageRuns.includes(runs as StageRuns)) {
    const message = `Stage ${stage} runs "${runs}", which is none of ${stageRuns.join(', ')}.`;
    report('error', 'stage.runs', message, [...path, 'runs']);
  }
  return { runs: runs as StageRuns, protect: flag(extras.protect, [...path, 'protect'], false) };
}

export function readTaskExtras(reader: Reader, value: Json | undefined, path: Path): TaskExtras {
  const { map, flag, count, warnUnknown } = reader;
  const written = map(value, path);
  warnUnknown(written, ['timeout', 'delay', 'retry', 'repeat', 'metrics', 'approvals'], path, '`millrace`', 'error');
  const extras: TaskExtras = {};
  for (const key of ['timeout', 'delay'] as const) {
    const duration = readDuration(reader, written[key], [...path, key]);
    if (duration !== undefined) extras[key] = duration;
  }
  if (written.retry !== undefined) extras.retry = readRetry(reader, written.retry, [...path, 'retry']);
  if (written.repeat !== undefined) extras.repeat = flag(written.repeat, [...path, 'repeat'], false);
  if (written.approvals !== undefined) extras.approvals = count(written.approvals, [...path, 'approvals'], 1);
  if (written.metrics !== undefined) extras.metrics = text(written.metrics);
  return extras;
}

function readRetry(reader: Reader, value: Json, path: Path): Retry {
  const { map, count, warnUnknown } = reader;
  const written = map(value, path);
  warnUnknown(written, ['attempts', 'delay', 'backoff', 'maximum'], path, '`retry`', 'error');
  return {
    attempts: count(written.attempts, [...path, 'attempts'], 3),
    delay: readDuration(reader, written.delay, [...path, 'delay']) ?? 1000,
    backoff: count(written.backoff, [...path, 'backoff'], 2),
    maximum: readDuration(reader, written.maximum, [...path, 'maximum']) ?? 300_000,
  };
}

function readDuration({ report }: Reader, value: Json | undefined, path: Path): Duration | undefined {
  if (value === undefined) return undefined;
  const duration = parseDuration(text(value));
  if (duration === undefined) {
    const message = `\`${String(path.at(-1))}: ${text(value)}\` is not a duration.`;
    report('error', 'task.duration', message, path, 'Write for example 90s, 5m or 2h.');
  }
  return duration;
}
