import { MillraceError } from '../../core/error.ts';
import { withoutSeals } from '../../core/secret.ts';
import { asHappened } from '../../engine/stored-plan.ts';
import type { Execution } from '../../pipeline/execution.ts';
import type { Bell } from '../../store/bell.ts';
import type { HandlerParts } from '../handlers.ts';
import { type Handler, Stream } from '../request.ts';
import { finders } from './find.ts';

/** Events that are read together: where there were fewer, all have been read that had rung. */
const mostAtOnce = 500;

export function liveHandlers(given: HandlerParts): Record<string, Handler> {
  const { store } = given.parts;
  const { execution } = finders(store);
  return {
    'events.stream': async ({ headers, query }) => {
      const given = headers['last-event-id'] ?? query.after;
      const types = query.types?.split(',');
      let after = given === undefined ? await store.lastSequence() : placeIn(given);
      return new Stream(async (send, signal) => {
        while (!signal.aborted) {
          const rung = ring(store.bell, 'events', query.execution, signal, types);
          const events = await store.events(after, mostAtOnce, query.execution);
          const wanted = types ? events.filter(({ body }) => types.includes(String(body.type))) : events;
          for (const { sequence, kind, aggregate, body } of await asHappened(store, wanted))
            send({ id: String(sequence), event: kind, data: withoutSeals({ id: aggregate, ...body }) });
          after = events.at(-1)?.sequence ?? after;
          if (events.length < mostAtOnce) await rung;
        }
      });
    },
    'logs.get': async ({ params, query }) =>
      store.readLog(streamOf(await execution(params.id!), query), placeIn(query.from)),
    'logs.stream': async ({ params, query, headers }) => {
      const found = await execution(params.id!);
      let from = placeIn(headers['last-event-id'] ?? query.from);
      return new Stream(async (send, signal) => {
        const stream = streamOf(found, query);
        while (!signal.aborted) {
          const rung = ring(store.bell, 'log', stream, signal);
          const { text, size } = await store.readLog(stream, from);
          if (text) send({ id: String(size), event: 'log', data: { text } });
          from = size;
          await rung;
        }
      });
    },
  };
}

/** Where somebody wants to read on: a whole number, 0 where none is given. */
function placeIn(given = '0'): number {
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new MillraceError('request.invalid', { message: `"${given}" is no place to read on from: a whole number is.` });
}

/** Each attempt has a log of its own; the newest where none is named. */
function streamOf({ plan, tasks }: Execution, { task = '', attempt }: Record<string, string>): string {
  const state = Object.hasOwn(tasks, task) ? tasks[task] : undefined;
  return `${plan.execution}/${task}/${attempt ?? (state && 'attempt' in state ? state.attempt : 1)}`;
}

/**
 * Resolves when there may be something new (of this run or log, where one is named, and of these types), when the client goes, or after
 * a while in case a ring was missed.
 */
function ring(
  bell: Bell,
  what: 'events' | 'log',
  name: string | undefined,
  signal: AbortSignal,
  types?: readonly string[],
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      bell.off(what, heard);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const heard = (rung?: string | readonly string[], told?: readonly string[]) => {
      const isIts = typeof rung === 'string' ? rung === name : rung?.includes(name ?? '');
      const isOfThese = !types || !told || told.some((type) => types.includes(type));
      if (isOfThese && (name === undefined || rung === undefined || isIts)) done();
    };
    const timer = setTimeout(done, 5000);
    bell.on(what, heard);
    signal.addEventListener('abort', done);
  });
}
