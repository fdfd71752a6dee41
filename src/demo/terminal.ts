import { createInterface } from 'node:readline';

/** Who sits in front of the demo, where somebody was asked to. */
export interface Terminal {
  /** Asks and waits for a line. Whoever has closed the input says no. */
  agrees(question: string): Promise<boolean>;
}

/** One reader for all questions, so that answers typed ahead are not lost. */
export function openTerminal(): Terminal {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  return {
    async agrees(question) {
      process.stderr.write(`      ${question} [y/n] `);
      const { value, done } = await lines.next();
      return !done && /^\s*y/i.test(value);
    },
  };
}
