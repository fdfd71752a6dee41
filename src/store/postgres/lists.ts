import type { Document } from '../store.ts';

interface Waiting {
  resolve(documents: Document[]): void;
  reject(error: unknown): void;
}

/**
 * Documents by kind. What is asked for in the same turn is read in one trip: a server at rest asks for all that starts by the clock.
 * @param read answers the documents of some kinds, in the order of a list
 */
export function openLists(read: (kinds: string[]) => Promise<Document[]>): (kind: string) => Promise<Document[]> {
  let asked = new Map<string, Waiting[]>();

  return (kind) =>
    new Promise((resolve, reject) => {
      if (asked.size === 0) setImmediate(() => void answer());
      asked.set(kind, [...(asked.get(kind) ?? []), { resolve, reject }]);
    });

  async function answer(): Promise<void> {
    const mine = asked;
    asked = new Map();
    try {
      const found = Map.groupBy(await read([...mine.keys()]), ({ kind }) => kind);
      for (const [kind, all] of mine) for (const { resolve } of all) resolve([...(found.get(kind) ?? [])]);
    } catch (thrown) {
      for (const { reject } of [...mine.values()].flat()) reject(thrown);
    }
  }
}
