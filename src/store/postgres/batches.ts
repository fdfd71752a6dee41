import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { MillraceError } from '../../core/error.ts';
import type { Instant } from '../../core/instant.ts';
import { closedError } from '../closed.ts';
import type { Applied, Command, NewCommand, Node, Transition } from '../store.ts';
import { isAway, storageError } from './connection.ts';

/** What `claim` of the store is asked, in the order of the function's parameters. */
export type Claim = [at: Instant, crowded: string[], mostOfOne: number, most: number];

/** One call of a function that writes, and who waits for what it answers. */
interface Call {
  text: string;
  values: unknown[];
  answered(answer: never): void;
  failed(error: unknown): void;
}

interface Waiting {
  transition: Transition;
  resolve: (applied: Applied) => void;
  reject: (error: unknown) => void;
}

type Answer =
  /** `handed`: next of a lane; tables that were made by an older version hand over nothing, and a sweep finds it. */
  | { result: 'applied'; claimed: { id: number; key: string }[]; handed?: Command[] }
  | { result: 'fenced' | 'conflict' }
  | { result: 'failed'; message: string };

/** Transitions that wait while another call is on its way go together in the next: as many as this. */
const mostTogether = 64;
const askAgainAfter = 200;

/**
 * The writer of one node. One call is on its way at a time; transitions that come meanwhile share the next trip and the next
 * commit. A call whose connection broke is neither repeated nor given up: the node asks what became of it, and bars it from
 * coming late.
 */
export function openBatches(pool: pg.Pool, url: string, node: Node) {
  const waiting: Waiting[] = [];
  const claims: Call[] = [];
  let isUnderWay = false;
  let closed = false;
  /** The last call of this node that the database knows of. */
  let last = '';

  return {
    apply: (transition: Transition): Promise<Applied> =>
      new Promise((resolve, reject) => {
        if (closed) return reject(closedError());
        waiting.push({ transition, resolve, reject });
        if (waiting.length === 1) setImmediate(pump);
      }),

    claim: (values: Claim): Promise<Command[]> =>
      new Promise((answered, failed) => {
        if (closed) return answered([]);
        claims.push({ text: 'SELECT claim($1, $2, $3, $4, $5, $6, $7, $8) AS answer', values, answered, failed });
        pump();
      }),

    /** Writes what waits, and takes nothing more. */
    async close(): Promise<void> {
      closed = true;
      while (isUnderWay || waiting.length > 0) {
        pump();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };

  function pump(): void {
    if (isUnderWay) return;
    // Of claims there is one at a time: going first, it holds up nobody; going last, it would wait for a quiet moment.
    const call = claims.shift() ?? (waiting.length > 0 ? batch() : undefined);
    if (!call) return;
    isUnderWay = true;
    void send(call)
      .then(call.answered, (thrown) => call.failed(storageError(thrown, url)))
      .finally(() => {
        isUnderWay = false;
        pump();
      });
  }

  function batch(): Call {
    const together = waiting.splice(0, mostTogether);
    return {
      text: 'SELECT apply($1, $2, $3, $4, $5) AS answer',
      values: [JSON.stringify(together.map(({ transition }) => rowOf(transition)))],
      answered(answers: Answer[]) {
        for (const [index, { transition, resolve, reject }] of together.entries()) {
          const answer = answers[index]!;
          if (answer.result === 'failed') reject(new Error(answer.message));
          else if (answer.result === 'applied')
            resolve({
              result: 'applied',
              claimed: [...claimedOf(transition.commands, answer.claimed), ...(answer.handed ?? [])],
            });
          else resolve({ result: answer.result });
        }
      },
      failed(error) {
        for (const { reject } of together) reject(error);
      },
    };
  }

  async function send({ text, values }: Call): Promise<never> {
    const id = randomUUID();
    const client = await pool.connect();
    try {
      const { rows } = await client.query({ name: text, text, values: [node.name, node.host, last, id, ...values] });
      client.release();
      // A claim that took nothing has left nothing behind, not even its number.
      if (rows[0].answer.length > 0) last = id;
      return rows[0].answer as never;
    } catch (thrown) {
      client.release(true);
      if (isExpelled(thrown)) throw notMember(node);
      if (!isAway(thrown)) throw thrown;
      return (await outcomeOf(id, thrown)) as never;
    }
  }

  /** Until the database answers: it alone knows. Had it not come, the call is barred by another number in its place. */
  async function outcomeOf(id: string, reason: unknown): Promise<unknown> {
    for (;;) {
      try {
        const bar = randomUUID();
        const { rows } = await pool.query('SELECT outcome_of($1, $2, $3) AS answer', [node.name, id, bar]);
        const { answer } = rows[0] as { answer: unknown };
        last = answer ? id : bar;
        if (answer) return answer;
        throw new MillraceError('storage.unreachable', {
          message: 'The connection to the database broke before this change was written; nothing of it was.',
          hint: 'Try it again.',
          cause: reason,
        });
      } catch (thrown) {
        if (isExpelled(thrown)) throw notMember(node);
        if (!isAway(thrown) || closed) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, askAgainAfter));
      }
    }
  }
}

const isExpelled = (thrown: unknown): boolean => (thrown as { code?: string }).code === 'MR003';

const notMember = (node: Node): MillraceError =>
  new MillraceError('storage.unreachable', {
    message: `Other servers took node ${node.name} for dead and have taken over its work; nothing of this change was written.`,
    hint: 'It begins anew by itself; try it again in a second.',
  });

/** A transition in the words of the function `apply`. */
const rowOf = ({ settles, aggregates, commands, documents = [], log = [] }: Transition) => ({
  ...(settles
    ? {
        command: settles.command,
        fence: settles.fence,
        ...(settles.again
          ? { due: settles.again.due, body: settles.again.body, keep: settles.again.keepTries ?? false }
          : {}),
      }
    : {}),
  aggregates,
  ...(documents.length > 0
    ? {
        documents: documents.map(({ createdAt, updatedAt, ...rest }) => ({
          ...rest,
          created_at: createdAt,
          updated_at: updatedAt,
        })),
      }
    : {}),
  ...(log.length > 0
    ? {
        log: log.map(({ stream, offset, text }) => ({
          stream,
          at: offset,
          bytes: Buffer.from(text).toString('base64'),
        })),
      }
    : {}),
  ...(commands.length > 0 ? { commands } : {}),
});

function claimedOf(asked: NewCommand[], claimed: { id: number; key: string }[]): Command[] {
  return claimed.map(({ id, key }) => ({ ...asked.find((command) => command.key === key)!, id, fence: 1, tries: 1 }));
}
