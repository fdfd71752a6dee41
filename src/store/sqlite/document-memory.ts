/** So many answers are remembered, each of so many characters at most. */
const [most, largest] = [500, 20_000];

export type DocumentMemory = ReturnType<typeof documentMemory>;

/**
 * What was read of documents lately, by what was asked. Nobody else writes to the file, so an answer holds until a document of its kind
 * is written. Who was answered shares it with others: it cannot be changed.
 */
export function documentMemory() {
  const answers = new Map<string, Map<string, unknown>>();
  let count = 0;

  return {
    /** @param read answers what was asked, and how long its text is */
    ask<T>(kind: string, asked: string, read: () => [answer: T, length: number]): T {
      const ofKind = answers.get(kind);
      if (ofKind?.has(asked)) return ofKind.get(asked) as T;
      const [answer, length] = read();
      if (length > largest) return answer;
      if (count >= most) {
        answers.clear();
        count = 0;
      }
      frozen(answer);
      answers.set(kind, (answers.get(kind) ?? new Map<string, unknown>()).set(asked, answer));
      count++;
      return answer;
    },

    forget(kind: string): void {
      count -= answers.get(kind)?.size ?? 0;
      answers.delete(kind);
    },
  };
}

function frozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
}
