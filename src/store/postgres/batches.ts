import { randomUUID } from 'node:crypto';
import { MillraceError } from '../../core/error.ts';
import type { Instant } from '../../core/instant.ts';
import { closedError } from '../closed.ts';
import type { Applied, Command, Document, Node, Transition, Wanted } from '../store.ts';
import { isAway, storageError } from './connection.ts';
import { documentColumns } from './rows.ts';
import type { Writer } from './writer.ts';

/** What `claim` of the store is asked, in the order of the function's parameters. */
export type Claim = [at: Instant, crowded: string[], mostOfOne: number, most: number];

/** One call of a function that writes, and who waits for what it answers. */
interface Call {
  name: string;
  text: string;
  values: unknown[];
  /** @param listed what was asked along with it; null where the connection broke before that was answered */
  answered(answer: never, listed: Document[] | null): void;
  failed(error: unknown): void;
}

interface Waiting {
  transition: Transition;
  resolve: (applied: Applied) => void;
  reject: (error: unknown) => void;
}

/** Of a batch. Where there is a reason, nothing of it was written. */
type Answer =
  | { claimed: { id: number; key: string }[]; handed: (Command & { t: number })[] }
  | { reason: string; refused: { t: number; result: 'fenced' | 'conflict' }[] };

/** What is due depends on the time: a plan for all times would take it for a third of all that waits. */
const claim = `SELECT claim($1, $2, $3, $4, $5, $6, $7, $8) AS answer FROM set_config('plan_cache_mode', 'auto', true)`;
const writeColumns = Array.from({ length: 13 }, (_, index) => `$${index + 1}`);
const write = `SELECT write_batch(${writeColumns}) AS answer`;
/** As many as this of each are brought along. The limit also keeps any plan from reading the whole table for the few that there are. */
const mostListed = 200;
/** What some transitions want, as it is when the call arrives: it does not see what they write. */
export const writeAndList = `${write}, (
  SELECT coalesce(json_agg(json_build_object('kind', kind, 'id', id, 'project', project, 'name', name, 'body', body,
    'createdAt', created_at, 'updatedAt', updated_at) ORDER BY name), '[]')
  FROM unnest($14::text[], $15::text[]) AS wanted (of, whose) CROSS JOIN LATERAL (
    SELECT ${documentColumns} FROM documents WHERE kind = wanted.of AND project = wanted.whose
    ORDER BY name LIMIT ${mostListed}) AS found) AS listed`;

/** Transitions that wait while another call is on its way go together in the next: as many as this. */
const mostTogether = 64;
const askAgainAfter = 200;

/**
 * The writer of one node. One call is on its way at a time; transitions that come meanwhile share the next trip and the next
 * commit. A call whose connection broke is neither repeated nor given up: the node asks what became of it, and bars it from
 * coming late.
 */
export function openBatches(writer: Writer, url: string, node: Node) {
  const waiting: Waiting[] = [];
  /** Batches of which something was refused, without that: they go before what came later. */
  const remaining: Waiting[][] = [];
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
        claims.push({
          name: 'claim',
          text: claim,
          values,
          answered,
          failed,
        });
        pump();
      }),

    /** Writes what waits, and takes nothing more. */
    async close(): Promise<void> {
      closed = true;
      while (isUnderWay || remaining.length > 0 || waiting.length > 0) {
        pump();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };

  function pump(): void {
    if (isUnderWay) return;
    // Of claims there is one at a time: going first, it holds up nobody; going last, it would wait for a quiet moment.
    const together = claims.length > 0 ? undefined : (remaining.shift() ?? waiting.splice(0, mostTogether));
    const call = together ? together.length > 0 && callFor(together) : claims.shift();
    if (!call) return;
    isUnderWay = true;
    void send(call)
      .then(
        ({ answer, listed }) => call.answered(answer, listed),
        (thrown) => call.failed(storageError(thrown, url)),
      )
      .finally(() => {
        isUnderWay = false;
        // Whoever was answered may have more to write, which shall go along.
        setImmediate(pump);
      });
  }

  function callFor(together: Waiting[]): Call {
    const values = columnsOf(together.map(({ transition }) => transition));
    const wanted = together.flatMap(({ transition }) => transition.wants ?? []);
    return {
      ...(wanted.length > 0
        ? { name: 'write and list', text: writeAndList, values: [...values, ...pairsOf(wanted)] }
        : { name: 'write', text: write, values }),
      answered: (answer: Answer, listed) =>
        'reason' in answer ? refused(together, answer) : applied(together, answer, listed),
      failed(error) {
        for (const { reject } of together) reject(error);
      },
    };
  }

  function applied(
    together: Waiting[],
    { claimed, handed }: Extract<Answer, { handed: unknown }>,
    listed: Document[] | null,
  ): void {
    const ids = new Map(claimed.map(({ id, key }) => [key, id]));
    const found = listed && Map.groupBy(listed, wantedKey);
    for (const [t, { transition, resolve }] of together.entries()) {
      const mine = transition.commands.flatMap((command): Command[] => {
        const id = ids.get(command.key);
        return id !== undefined && ids.delete(command.key) ? [{ ...command, id, fence: 1, tries: 1 }] : [];
      });
      const next = handed.flatMap(({ t: by, ...command }) => (by === t ? [command] : []));
      const wanted = transition.wants && found ? (found.get(wantedKey(transition.wants)) ?? []) : undefined;
      resolve({
        ...{ result: 'applied', claimed: [...mine, ...next] },
        ...(wanted && wanted.length < mostListed ? { listed: wanted } : {}),
      });
    }
  }

  /** What was refused is told; the others go again without it. Where nobody knows what it was, each half is tried alone. */
  function refused(together: Waiting[], { reason, refused: those }: Extract<Answer, { reason: string }>): void {
    for (const { t, result } of those) together[t]!.resolve({ result });
    const told = new Set(those.map(({ t }) => t));
    const others = together.filter((_, t) => !told.has(t));
    if (told.size === 0 && others.length === 1) return others[0]!.reject(new Error(reason));
    const middle = told.size > 0 ? others.length : Math.ceil(others.length / 2);
    remaining.unshift(...[others.slice(0, middle), others.slice(middle)].filter(({ length }) => length > 0));
  }

  async function send({ name, text, values }: Call): Promise<{ answer: never; listed: Document[] | null }> {
    const id = randomUUID();
    await writer.connect();
    try {
      const row = await writer.call({ name, text, values: [node.name, node.host, last, id, ...values] });
      const { answer, listed = null } = row as { answer: object; listed?: Document[] };
      // A claim that took nothing, a batch that was refused: they have left nothing behind, not even their number.
      if (Array.isArray(answer) ? answer.length > 0 : 'claimed' in answer) last = id;
      return { answer: answer as never, listed };
    } catch (thrown) {
      if (isExpelled(thrown)) throw notMember(node);
      if (!isAway(thrown)) throw thrown;
      const answer = await outcomeOf(id);
      if (answer) return { answer: answer as never, listed: null };
      throw new MillraceError('storage.unreachable', {
        message: 'The connection to the database broke before this change was written; nothing of it was.',
        hint: 'Try it again.',
        cause: thrown,
      });
    }
  }

  /**
   * Asks until the database answers: it alone knows what became of a call. Null: it had not come, and is barred by another number in
   * its place.
   */
  async function outcomeOf(id: string): Promise<unknown> {
    for (;;) {
      try {
        const bar = randomUUID();
        const text = 'SELECT outcome_of($1, $2, $3) AS answer';
        const { answer } = await writer.call({ text, values: [node.name, id, bar] });
        last = answer ? id : bar;
        return answer;
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

const wantedKey = ({ kind, project }: Wanted): string => JSON.stringify([kind, project]);

/** What is wanted, each once, as `writeAndList` takes it. */
function pairsOf(wanted: Wanted[]): [kinds: string[], projects: string[]] {
  const pairs = [...new Map(wanted.map((pair) => [wantedKey(pair), pair])).values()];
  return [pairs.map(({ kind }) => kind), pairs.map(({ project }) => project)];
}

/** The transitions as `write_batch` takes them: each part of all of them together. */
function columnsOf(transitions: Transition[]): unknown[] {
  const each = <T>(read: (transition: Transition, t: number) => T[] | undefined): T[] =>
    transitions.flatMap((transition, t) => read(transition, t) ?? []);
  const settled = each(({ settles }, t) => (settles ? [{ t, ...settles }] : []));
  const ended = [
    ...settled.filter(({ again }) => !again).map(({ t, command, fence }) => ({ t, command, fence })),
    ...each(({ alsoSettles }, t) => alsoSettles?.map(({ command, fence }) => ({ t, command, fence }))),
  ];
  const again = settled.flatMap(({ t, command, fence, again: later }) =>
    later ? [{ t, command, fence, due: later.due, body: later.body, keep: later.keepTries ?? false }] : [],
  );
  const aggregates = each(({ aggregates }, t) =>
    aggregates.map(({ events: _, ...aggregate }) => ({ t, ...aggregate })),
  );
  const made = aggregates.filter(({ version }) => version === 0);
  const changed = aggregates.filter(({ version }) => version > 0).map(({ fixed: _, ...aggregate }) => aggregate);
  const happened = each(({ aggregates }) =>
    aggregates.flatMap(({ kind, id, events }) => events.map((body) => ({ kind, aggregate: id, body }))),
  );
  const documents = each((transition) =>
    transition.documents?.map(({ createdAt, updatedAt, ...rest }) => ({
      ...rest,
      created_at: createdAt,
      updated_at: updatedAt,
    })),
  );
  const log = each((transition) =>
    transition.log?.map(({ stream, offset, text }) => ({
      stream,
      at: offset,
      bytes: Buffer.from(text).toString('base64'),
    })),
  );
  const asked = each(({ commands }) => commands);
  return [
    [ended, again, made, changed, happened].map(({ length }) => length),
    ...[ended, again, made, changed, happened, documents, log, asked].map((part) =>
      part.length > 0 ? JSON.stringify(part) : null,
    ),
  ];
}
