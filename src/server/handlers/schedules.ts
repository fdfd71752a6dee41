import { toIso } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import { scheduleState } from '../../engine/schedules.ts';
import { nextTime } from '../../lang/cron.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { envelope, type Handler } from '../request.ts';
import { finders } from './find.ts';

/** Schedules with what they did last, and when they do it next. */
export function scheduleHandlers({ parts, kinds }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId, byName } = finders(store);
  const show = async (document: Document): Promise<JsonObject> => {
    const { cron, timezone, enabled } = document.body;
    const next = enabled === false ? undefined : nextTime(String(cron), String(timezone ?? ''), moment.now());
    const { lastAt, ...last } = (await store.get(scheduleState, document.id))?.body ?? {};
    return {
      ...kinds.schedule!.show(document),
      nextAt: next === undefined ? '' : toIso(next),
      lastAt: lastAt === undefined ? '' : toIso(Number(lastAt)),
      lastMessage: '',
      lastExecutionLink: '',
      ...last,
    };
  };
  return {
    'schedules.list': async ({ query }) => envelope(await Promise.all((await store.list('schedule')).map(show)), query),
    'schedules.get': async ({ params }) => show(await byId('schedule', params.id!)),
    'schedules.getByName': async ({ params }) => show(await byName('schedule', params)),
  };
}
