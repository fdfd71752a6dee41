import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { cronFault } from '../../lang/cron.ts';
import { filledText, textMap } from '../../sdk/fields.ts';
import { common, flagOf, type Kind } from './kind.ts';

const config = z.object({
  pipeline: filledText('The pipeline that it starts.'),
  cron: filledText('Minute, hour, day, month and weekday, as cron has them.'),
  timezone: z.string().default(''),
  input: textMap('Inputs of the run.').default({}),
  description: z.string().default(''),
});

/** Starts a pipeline at certain times: ours, the original has no such thing. */
export const scheduleKind = (): Kind => ({
  kind: 'schedule',
  path: 'schedules',
  accept(body, before) {
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
    const parsed = config.safeParse(given);
    const [issue] = parsed.error?.issues ?? [];
    const fault = issue
      ? `\`${issue.path.join('.')}\`: ${issue.message}`
      : cronFault(parsed.data!.cron, parsed.data!.timezone);
    if (fault)
      throw new MillraceError('definition.invalid', {
        message: `Schedule ${String(body.name)}: ${fault}.`,
        hint: 'Such as `cron: 0 9 * * 1-5` and `timezone: Europe/Berlin`.',
      });
    return { ...parsed.data!, enabled: flagOf(body.enabled) ?? (before ? before.body.enabled !== false : true) };
  },
  show: (document) => ({ ...document.body, ...common(document, 'schedules') }),
});
