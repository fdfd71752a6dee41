import { isObject } from '../core/json.ts';
import type { Document } from '../store/store.ts';
import { isSyncOver, syncRequest } from './content-sources.ts';
import type { EngineParts } from './parts.ts';

const [hour, day] = [3_600_000, 24 * 3_600_000];

/** Records that nobody asks for after some time: what they are about stands elsewhere. In milliseconds since they were last written. */
const kept: { kind: string; for: number; isOver(document: Document): boolean }[] = [
  { kind: 'blueprint-request', for: day, isOver: ({ body }) => isObject(body.planned) },
  { kind: 'blueprint-request', for: 30 * day, isOver: () => true },
  { kind: 'request-tracker', for: 7 * day, isOver: () => true },
  { kind: syncRequest, for: 7 * day, isOver: isSyncOver },
];

/** Forgets them, once an hour on each node. */
export function housekeeper({ store, moment }: EngineParts): () => Promise<void> {
  let last = 0;
  return async () => {
    const now = moment.now();
    if (now - last < hour) return;
    last = now;
    for (const { kind, for: age, isOver } of kept)
      for (const document of await store.list(kind))
        if (now - document.updatedAt > age && isOver(document)) await store.remove(kind, document.id);
  };
}
