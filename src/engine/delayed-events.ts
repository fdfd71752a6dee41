import { idOfKey } from '../core/key-id.ts';
import type { Document } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { keep, startFor } from './fire-event.ts';
import type { EngineParts } from './parts.ts';

/** One for each webhook: its newest event, which waits for newer ones. */
const kind = 'delayed-event';

/** Puts an event off. A newer one within that time takes its place, so that a burst of pushes is one run. */
export async function delayEvent(
  parts: EngineParts,
  webhook: Document,
  event: Document,
  delay: number,
): Promise<Document> {
  const now = parts.moment.now();
  const record = await keep(parts, event, {
    message: `Waits for ${delay / 60_000} min, in case more comes.`,
    executionStatus: 'PENDING',
  });
  await parts.store.put({
    ...{ kind, id: webhook.id, project: webhook.project, name: webhook.id },
    body: { event: event.id, eventKind: event.kind, due: now + delay },
    createdAt: now,
    updatedAt: now,
  });
  return record;
}

/** Starts what has waited long enough, for all that came meanwhile. Every node looks; an event starts one run. */
export async function lookAtDelayedEvents(parts: EngineParts, engine: Pick<Engine, 'startExecution'>): Promise<void> {
  const { store, catalogue, moment } = parts;
  for (const waiting of await store.list(kind)) {
    const { event: id, eventKind, due } = waiting.body;
    if (Number(due) > moment.now()) continue;
    const event = await store.get(String(eventKind), String(id));
    const trigger = catalogue.triggers.find(({ words }) => words.event === eventKind);
    if (event && trigger) {
      await startFor(parts, engine, trigger, event, { run: idOfKey(`${event.id}/execution`), headers: {} });
      for (const older of await store.list(String(eventKind)))
        if (older.id !== id && older.body.webhookId === waiting.id && older.body.executionStatus === 'PENDING')
          await keep(parts, older, {
            message: `A newer event took its place: ${String(id)}.`,
            executionStatus: 'MERGED',
          });
    }
    const now = await store.get(kind, waiting.id);
    if (now?.body.event === id) await store.remove(kind, waiting.id);
  }
}
