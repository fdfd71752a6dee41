import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { receiveWebhook, rerunEvent } from '../../engine/triggers.ts';
import type { Execution } from '../../pipeline/execution.ts';
import { mayReopen } from '../../pipeline/reopen.ts';
import type { TriggerDefinition } from '../../sdk/parts.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { common, flagOf } from '../kinds/kind.ts';
import { envelope, type Handler } from '../request.ts';
import { finders } from './find.ts';

/** What every kind of trigger has beside its definitions: a listener, and the records of what it heard. */
export function webhookHandlers(given: HandlerParts): Record<string, Handler> {
  return Object.assign({}, ...given.parts.catalogue.triggers.map((trigger) => handlersOf(given, trigger)));
}

function handlersOf({ parts, engine, kinds }: HandlerParts, trigger: TriggerDefinition): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId, byName } = finders(store);
  const { kind, path, listeners, event, events } = trigger.words;

  function asWritten(document: Document): JsonObject {
    const { fire: _, ...body } = document.body;
    return { ...body, ...common(document, events) };
  }

  const show = async (document: Document): Promise<JsonObject> => ({
    ...asWritten(document),
    executionStatus: await statusOf(document),
  });

  /** The state of the run as it is now, since the record was written when it began. */
  async function statusOf({ body }: Document): Promise<string> {
    const run = String(body.executionLink ?? '')
      .split('/')
      .at(-1);
    const loaded = run ? await store.load('execution', run) : undefined;
    return loaded ? (loaded.state as unknown as Execution).status : String(body.executionStatus ?? '');
  }

  async function enable(document: Document, wanted: JsonObject, by: string): Promise<JsonObject> {
    const enabled = flagOf(wanted.enabled);
    if (enabled === undefined)
      throw new MillraceError('request.invalid', {
        message: 'Only `enabled` can be changed so.',
        hint: 'PUT changes all else.',
      });
    const changed = { ...document, body: { ...document.body, enabled, updatedBy: by }, updatedAt: moment.now() };
    await store.put(changed);
    return kinds[kind]!.show(changed);
  }

  async function act(document: Document, action: string | undefined, by: string): Promise<JsonObject> {
    if (action === 'rerun') return show(await rerunEvent(parts, engine, trigger, document));
    if (action !== 'resume')
      throw new MillraceError('request.invalid', {
        message: `The action ${action ?? '(none)'} is unknown.`,
        hint: 'Known: rerun, resume.',
      });
    const run = String(document.body.executionLink ?? '')
      .split('/')
      .at(-1);
    const loaded = run ? await store.load('execution', run) : undefined;
    const state = loaded?.state as unknown as Execution | undefined;
    if (!state || !(state.endedAt === null || mayReopen(state)))
      throw new MillraceError('request.invalid', {
        message: `The event ${document.id} has no run that could go on.`,
        hint: 'With action=rerun it starts a new one.',
      });
    await engine.resume(state.plan.execution, by, '');
    return show(document);
  }

  return {
    [`${path}.patch`]: async ({ params, body, user }) => enable(await byId(kind, params.id!), body, user!.name),
    [`${path}.patchByName`]: async ({ params, body, user }) => enable(await byName(kind, params), body, user!.name),
    [`${listeners}.receive`]: async ({ params, query, headers, raw }) => {
      // Some senders can add nothing to a request but what stands in its address.
      const known = query.secret ? { ...headers, 'x-millrace-secret': query.secret } : headers;
      const webhook = await byId(kind, params.id!);
      return asWritten(await receiveWebhook(parts, engine, { trigger, webhook }, known, raw));
    },
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
}
