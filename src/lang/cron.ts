import { Cron } from 'croner';
import type { Instant } from '../core/instant.ts';

const open = (pattern: string, timezone: string): Cron =>
  new Cron(pattern, { paused: true, mode: '5-part', ...(timezone ? { timezone } : {}) });

/** Why a pattern of five fields (minute, hour, day, month, weekday) or its time zone cannot be read; undefined where it can. */
export function cronFault(pattern: string, timezone: string): string | undefined {
  try {
    if (open(pattern, timezone).nextRun(new Date(0)) === null) return `"${pattern}" names no time that ever comes`;
    return undefined;
  } catch (thrown) {
    return (thrown instanceof Error ? thrown.message : String(thrown)).replace(/^\w+: /, '').replace(/\.$/, '');
  }
}

/** The first time of a pattern behind a moment, by the clocks of its time zone (UTC when empty). */
export function nextTime(pattern: string, timezone: string, after: Instant): Instant | undefined {
  return open(pattern, timezone || 'UTC')
    .nextRun(new Date(after))
    ?.getTime();
}
