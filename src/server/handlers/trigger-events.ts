import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Source } from '../../engine/fire-event.ts';
import { rerunEvent } from '../../engine/triggers.ts';
import type { Execution } from '../../pipeline/execution.ts';
import { mayReopen } from '../../pipeline/reopen.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { common } from '../kinds/kind.ts';
import { envelope, type Handler } from '../request.ts';
import { finders } from './find.ts';

/** The records of what one kind of trigger heard: fired, or ignored and why. */
export function eventHandlers(
  { parts, engine }: HandlerParts,
  source: Source & { words: { events: string } },
): { handlers: Record<string, Handler>; asWritten(document: Document): JsonObject } {
  const { store } = parts;
  const { byId } = finders(store);
  const { event, events } = source.words;

  function asWritten(document: Document): JsonObject {
    const { fire: _, report: __, ...body } = document.body;
    return { ...body, ...common(document, events) };
  }

  const show = async (document: Document): Promise<JsonObject> => ({
    ...asWritten(document),
    executionStatus: await statusOf(document),
  });

  const runOf = async ({ body }: Document): Promise<Execution | undefined> => {
    const id = String(body.executionLink ?? '')
      .split('/')
      .at(-1);
    return id ? ((await store.load('execution', id))?.state as unknown as Execution | undefined) : undefined;
  };

  /** The state of the run as it is now, since the record was written when it began. */
  const statusOf = async (document: Document): Promise<string> =>
    (await runOf(document))?.status ?? String(document.body.executionStatus ?? '');

  async function act(document: Document, action: string | undefined, by: string): Promise<JsonObject> {
    if (action === 'rerun') return show(await rerunEvent(parts, engine, source, document));
    if (action !== 'resume')
      throw new MillraceError('request.invalid', {
        message: `The action ${action ?? '(none)'} is unknown.`,
        hint: 'Known: rerun, resume.',
      });
    const state = await runOf(document);
    if (!state || !(state.endedAt === null || mayReopen(state)))
      throw new MillraceError('request.invalid', {
        message: `The event ${document.id} has no run that could go on.`,
        hint: 'With action=rerun it starts a new one.',
      });
    await engine.resume(state.plan.execution, by, '');
    return show(document);
  }

  const handlers: Record<string, Handler> = {
    [`${events}.list`]: async ({ query }) => {
      const newestFirst = (await store.list(event)).sort((a, b) => b.createdAt - a.createdAt);
      return envelope(await Promise.all(newestFirst.map(show)), query);
    },
    [`${events}.get`]: async ({ params }) => show(await byId(event, params.id!)),
    [`${events}.act`]: async ({ params, query, user }) => act(await byId(event, params.id!), query.action, user!.name),
    [`${events}.delete`]: async ({ params }) => {
      const document = await byId(event, params.id!);
      const shown = await show(document);
      await store.remove(event, document.id);
      return shown;
    },
  };
  return { handlers, asWritten };
}
