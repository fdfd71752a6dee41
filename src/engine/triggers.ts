import { MillraceError } from '../core/error.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import type { TriggerDefinition } from '../sdk/parts.ts';
import type { Document } from '../store/store.ts';
import { opened, openedWith, readVariables, variablesIn } from './definitions.ts';
import { delayEvent } from './delayed-events.ts';
import type { Engine } from './engine.ts';
import { keep, type Source, startFor } from './fire-event.ts';
import type { EngineParts } from './parts.ts';

/**
 * A webhook has arrived: verified, matched, and recorded either way: fired, or ignored and why. The same delivery twice is one
 * run.
 */
export async function receiveWebhook(
  parts: EngineParts,
  engine: Engine,
  { trigger, webhook }: { trigger: TriggerDefinition; webhook: Document },
  headers: Record<string, string>,
  body: Buffer,
): Promise<Document> {
  const { store, moment } = parts;
  if (!trigger.isGenuine(headers, body, await secretOf(parts, webhook))) {
    throw new MillraceError('webhook.signature', {
      message: `The signature of the request does not fit the secret of webhook ${webhook.name}.`,
      hint: 'Use the same secret on both sides.',
    });
  }
  const event = trigger.read(headers, body);
  const id = idOfKey(`${webhook.id}/${event.delivery}`);
  const known = () => store.get(trigger.words.event, id);
  const verdict =
    webhook.body.enabled === false
      ? { ignore: `Webhook ${webhook.name} is disabled.` }
      : trigger.match(event, trigger.config.parse(webhook.body));
  const now = moment.now();
  const record: Document = {
    kind: trigger.words.event,
    id,
    project: webhook.project,
    name: id,
    body: {
      webhook: webhook.name,
      webhookId: webhook.id,
      pipeline: String(webhook.body.pipeline ?? ''),
      eventType: event.kind,
      timeStampInMicros: now * 1000,
      ...trigger.record(event),
    },
    createdAt: now,
    updatedAt: now,
  };
  if ('ignore' in verdict)
    return (await known()) ?? keep(parts, record, { message: verdict.ignore, executionStatus: 'IGNORED' });
  const fire = { ...verdict.fire, input: { ...(webhook.body.input as JsonObject), ...verdict.fire.input } };
  const requestedBy = await runsAs(parts, webhook, webhook.body.refreshToken);
  const fired = { ...record, body: { ...record.body, fire: { ...fire, requestedBy } } };
  const delay = Number(webhook.body.delayTimeInMins ?? 0) * 60_000;
  if (delay > 0) return (await known()) ?? delayEvent(parts, webhook, fired, delay);
  return startFor(parts, engine, trigger, fired, { run: idOfKey(`${id}/execution`), once: true, headers });
}

/** Whose runs a trigger starts: those of the token that it holds, where that is one of this server; else its maker's. */
export async function runsAs(parts: EngineParts, { project, body }: Document, kept: unknown): Promise<string> {
  const maker = String(body.owner ?? body.createdBy ?? 'system');
  if (!kept) return maker;
  const { values, restricted } = await readVariables(parts, project);
  // What is restricted serves administrators only, also where nobody would see it.
  const isForbidden = variablesIn(String(kept)).some((name) => restricted.includes(name));
  if (isForbidden && !(await parts.people.isAdministrator(maker))) return maker;
  const token = openedWith(parts, kept, values);
  return (token && (await parts.people.ownerOf(token))) || maker;
}

/** The secret that both sides know: kept with the webhook, or in a variable. */
async function secretOf(parts: EngineParts, { project, body }: Document): Promise<string> {
  const kept = opened(parts, body.secretToken);
  return kept.includes('${') ? openedWith(parts, kept, (await readVariables(parts, project)).values) : kept;
}

/**
 * Starts the pipeline of an event that fired, once more: with the inputs it had. The pipeline may have been changed or made since.
 * @throws MillraceError where the event was ignored.
 */
export async function rerunEvent(
  parts: EngineParts,
  engine: Engine,
  source: Source,
  event: Document,
): Promise<Document> {
  if (!isObject(event.body.fire))
    throw new MillraceError('request.invalid', {
      message: `The event ${event.id} was ignored, so there is nothing to run again: ${String(event.body.message)}`,
    });
  return startFor(parts, engine, source, { ...event, updatedAt: parts.moment.now() }, { run: undefined, headers: {} });
}
