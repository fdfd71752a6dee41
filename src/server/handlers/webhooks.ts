import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { syncPushed } from '../../engine/content-sources.ts';
import { ensureHook, removeHook } from '../../engine/hooks.ts';
import { receiveWebhook } from '../../engine/triggers.ts';
import type { TriggerDefinition } from '../../sdk/parts.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { flagOf } from '../kinds/kind.ts';
import type { Handler } from '../request.ts';
import { definitionHandlers } from './definitions.ts';
import { finders } from './find.ts';
import { eventHandlers } from './trigger-events.ts';

/** What every kind of trigger has beside its definitions: a listener, and the records of what it heard. */
export function webhookHandlers(given: HandlerParts): Record<string, Handler> {
  return Object.assign({}, ...given.parts.catalogue.triggers.map((trigger) => handlersOf(given, trigger)));
}

function handlersOf(given: HandlerParts, trigger: TriggerDefinition): Record<string, Handler> {
  const { parts, engine, kinds } = given;
  const { store, moment } = parts;
  const { byId, byName } = finders(store);
  const { kind, path, listeners } = trigger.words;
  const events = eventHandlers(given, trigger);
  const definitions = definitionHandlers(given, kinds[kind]!);

  const urlOf = (id: string) => `${parts.url()}/codestream/api/${listeners}/${id}`;

  /** After what is done with every definition, the hook at the far side is made to fit. */
  const withHook =
    (name: string): Handler =>
    async (request) => {
      const { id } = (await definitions[name]!(request)) as JsonObject;
      return kinds[kind]!.show(await ensureHook(parts, trigger, await byId(kind, String(id)), urlOf(String(id))));
    };
  const withoutHook =
    (name: string, find: (params: Record<string, string>) => Promise<Document>): Handler =>
    async (request) => {
      const document = await find(request.params);
      const shown = await definitions[name]!(request);
      await removeHook(parts, trigger, document, urlOf(document.id));
      return shown;
    };
  const hooked: Record<string, Handler> = {
    ...Object.fromEntries(
      ['create', 'replace', 'replaceByName'].map((what) => [`${path}.${what}`, withHook(`${path}.${what}`)]),
    ),
    [`${path}.delete`]: withoutHook(`${path}.delete`, ({ id }) => byId(kind, id!)),
    [`${path}.deleteByName`]: withoutHook(`${path}.deleteByName`, (params) => byName(kind, params)),
  };

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

  return {
    [`${path}.patch`]: async ({ params, body, user }) => enable(await byId(kind, params.id!), body, user!.name),
    [`${path}.patchByName`]: async ({ params, body, user }) => enable(await byName(kind, params), body, user!.name),
    [`${listeners}.receive`]: async ({ params, query, headers, raw }) => {
      // Some senders can add nothing to a request but what stands in its address.
      const known = query.secret ? { ...headers, 'x-millrace-secret': query.secret } : headers;
      const webhook = await byId(kind, params.id!);
      const event = await receiveWebhook(parts, engine, { trigger, webhook }, known, raw);
      await syncPushed(parts, event);
      return events.asWritten(event);
    },
    ...events.handlers,
    ...(trigger.hooks ? hooked : {}),
  };
}
