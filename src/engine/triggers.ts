import { MillraceError } from '../core/error.ts';
import { idOfKey } from '../core/key-id.ts';
import type { TriggerEvent } from '../sdk/parts.ts';
import type { Document } from '../store/store.ts';
import { opened } from './definitions.ts';
import type { Engine } from './engine.ts';
import type { EngineParts } from './parts.ts';

/**
 * A webhook has arrived: verified, matched, and recorded either way: fired, or ignored and why. The same delivery twice is one
 * run.
 */
export async function receiveWebhook(
  parts: EngineParts,
  engine: Engine,
  webhook: Document,
  headers: Record<string, string>,
  body: Buffer,
): Promise<Document> {
  const { store, catalogue, moment } = parts;
  const trigger = catalogue.triggers.find(({ type }) => type === 'git');
  if (!trigger) throw new MillraceError('not.found', { message: 'This server has no Git trigger.' });
  if (!trigger.isGenuine(headers, body, opened(parts, webhook.body.secretToken))) {
    throw new MillraceError('webhook.signature', {
      message: `The signature of the request does not fit the secret of webhook ${webhook.name}.`,
      hint: 'Use the same secret on both sides; the header is X-Hub-Signature-256.',
    });
  }
  const event = trigger.read(headers, body);
  const id = idOfKey(`${webhook.id}/${event.delivery}`);
  const known = await store.get('git-event', id);
  if (known) return known;
  const verdict =
    webhook.body.enabled === false
      ? { ignore: `Webhook ${webhook.name} is disabled.` }
      : trigger.match(event, trigger.config.parse(webhook.body));
  if ('ignore' in verdict) {
    const record = eventRecord(webhook, id, event, moment.now(), {
      message: verdict.ignore,
      executionStatus: 'IGNORED',
    });
    await store.put(record);
    return record;
  }
  const pipeline = await store.find('pipeline', webhook.project, String(webhook.body.pipeline));
  if (!pipeline)
    return recordRefusal(`There is no pipeline ${String(webhook.body.pipeline)} in project ${webhook.project}.`);
  const { input, author, tags } = verdict.fire;
  try {
    await engine.startExecution({
      pipeline,
      input: { ...(webhook.body.input as Record<string, string>), ...input },
      comments: 'Git commit triggered execution',
      tags,
      requestedBy: String(webhook.body.owner ?? webhook.body.createdBy ?? 'system'),
      triggeredBy: author,
      source: webhook.id,
      id: idOfKey(`${id}/execution`),
      cause: { push: id, ...traceparentOf(headers) },
      documents: (execution, index) => [
        eventRecord(webhook, id, event, moment.now(), {
          message: 'Execution started.',
          executionStatus: 'STARTED',
          executionLink: `/codestream/api/executions/${execution}`,
          executionIndex: index,
        }),
      ],
    });
    return (await store.get('git-event', id))!;
  } catch (thrown) {
    if (thrown instanceof MillraceError) return recordRefusal(thrown.message);
    throw thrown;
  }

  async function recordRefusal(message: string): Promise<Document> {
    const record = eventRecord(webhook, id, event, moment.now(), { message, executionStatus: 'REFUSED' });
    await store.put(record);
    return record;
  }
}

/** The trace that a caller says its request belongs to (W3C Trace Context). */
export const traceparentOf = (headers: Record<string, string | undefined>): { traceparent?: string } =>
  headers.traceparent ? { traceparent: headers.traceparent.slice(0, 100) } : {};

function eventRecord(
  webhook: Document,
  id: string,
  event: TriggerEvent,
  now: number,
  outcome: Record<string, string | number>,
): Document {
  return {
    kind: 'git-event',
    id,
    project: webhook.project,
    name: id,
    body: {
      webhook: webhook.name,
      pipeline: String(webhook.body.pipeline ?? ''),
      commitId: event.commitId,
      subject: event.subject,
      owner: event.owner,
      repo: event.repo,
      targetBranch: event.branch,
      httpURL: event.httpUrl,
      serverURL: event.serverUrl,
      eventType: event.kind,
      timeStampInMicros: now * 1000,
      ...outcome,
    },
    createdAt: now,
    updatedAt: now,
  };
}
