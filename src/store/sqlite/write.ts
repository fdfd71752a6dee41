import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Command, Document, NewCommand, Node, Transition } from '../store.ts';
import { columnsOf, commandOf, type Row } from './rows.ts';

type Value = string | number | null;

export type Statements = ReturnType<typeof prepareStatements>;

/** Statements are prepared once and found again by their text. */
export function prepareStatements(database: DatabaseSync) {
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  };
  const all = (text: string, ...values: Value[]) => sql(text).all(...values) as unknown as Row[];
  return {
    run: (text: string, ...values: Value[]) => sql(text).run(...values),
    all,
    one: (text: string, ...values: Value[]) => sql(text).get(...values) as unknown as Row | undefined,
  };
}

/** Refuses a transition inside of its savepoint. */
export class Refusal extends Error {
  readonly result: 'fenced' | 'conflict';
  constructor(result: 'fenced' | 'conflict') {
    super(result);
    this.result = result;
  }
}

export type Writer = ReturnType<typeof openWriter>;

/**
 * Writes the parts of a transition, inside of a transaction that somebody else begins and ends.
 * @param kept told the kind of each document that is written
 */
export function openWriter({ run, all, one }: Statements, node: Node, kept: (kind: string) => void) {
  return { write, keep, append, sizeOf };

  function write({ settles, alsoSettles = [], aggregates, commands, documents = [], log = [] }: Transition): Command[] {
    const lanes = new Set([...(settles ? [settles] : []), ...alsoSettles].map(settle));
    for (const { kind, id, version, fixed, state, summary, events } of aggregates) {
      const [stateText, summaryText] = [JSON.stringify(state), JSON.stringify(summary)];
      const done =
        version === 0
          ? run(
              `INSERT OR IGNORE INTO aggregates (kind, id, version, fixed, state, summary, position)
               SELECT ?, ?, 1, ?, ?, ?, coalesce(max(position), 0) + 1 FROM aggregates WHERE kind = ?`,
              kind,
              id,
              fixed ? JSON.stringify(fixed) : null,
              stateText,
              summaryText,
              kind,
            )
          : run(
              'UPDATE aggregates SET version = version + 1, state = ?, summary = ? WHERE kind = ? AND id = ? AND version = ?',
              stateText,
              summaryText,
              kind,
              id,
              version,
            );
      if (done.changes !== 1) throw new Refusal('conflict');
      for (const event of events)
        run('INSERT INTO events (kind, aggregate, body) VALUES (?, ?, ?)', kind, id, JSON.stringify(event));
    }
    for (const document of documents) keep(document);
    for (const { stream, offset, text } of log) append(stream, offset, text);
    const asked = commands.flatMap(ask);
    lanes.delete('');
    return [...asked, ...[...lanes].flatMap(nextInLane)];
  }

  /** Answers the lane in which another may go now. */
  function settle({ command, fence, again }: NonNullable<Transition['settles']>): string {
    const rows = again
      ? all(
          "UPDATE commands SET due = ?, body = ?, node = NULL, tries = tries * ? WHERE id = ? AND fence = ? RETURNING '' AS lane",
          again.due,
          JSON.stringify(again.body),
          again.keepTries ? 1 : 0,
          command,
          fence,
        )
      : all('DELETE FROM commands WHERE id = ? AND fence = ? RETURNING lane', command, fence);
    const [settled] = rows;
    if (!settled) throw new Refusal('fenced');
    return settled.lane;
  }

  /** Whoever settled the one before is handed the next, where that is due at once: no second trip. */
  function nextInLane(lane: string): Command[] {
    const rows = all(
      `UPDATE commands SET fence = fence + 1, tries = tries + 1, node = ?
       WHERE id = (SELECT min(id) FROM commands WHERE lane = ? AND lane <> '') AND node IS NULL AND due = 0 AND host IN ('', ?) RETURNING *`,
      node.name,
      lane,
      node.host,
    );
    return rows.map(commandOf);
  }

  /** What is due at once, waits for nobody in its lane and can be performed here is claimed with the commit that asks for it: no second trip. */
  function ask({ key, kind, aggregate, lane, project, host, body, due }: NewCommand): Command[] {
    const isFree = lane === '' || !one('SELECT 1 FROM commands WHERE lane = ? LIMIT 1', lane);
    const mine = due === 0 && isFree && (host === '' || host === node.host);
    const rows = all(
      'INSERT OR IGNORE INTO commands (key, kind, aggregate, lane, project, host, body, due, fence, tries, node) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *',
      key,
      kind,
      aggregate,
      lane,
      project,
      host,
      JSON.stringify(body),
      due,
      mine ? 1 : 0,
      mine ? 1 : 0,
      mine ? node.name : null,
    );
    return mine ? rows.map(commandOf) : [];
  }

  function keep(document: Document): void {
    kept(document.kind);
    run(
      `INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (kind, id) DO UPDATE SET project = excluded.project, name = excluded.name, body = excluded.body, updated_at = excluded.updated_at`,
      ...columnsOf(document),
    );
  }

  function append(stream: string, offset: number, text: string): void {
    const bytes = Buffer.from(text);
    const size = sizeOf(stream);
    const fresh = bytes.subarray(Math.max(0, size - offset));
    if (fresh.length === 0) return;
    run('INSERT INTO logs VALUES (?, ?, ?, ?)', stream, Math.max(size, offset), fresh.length, fresh.toString('utf8'));
  }

  function sizeOf(stream: string): number {
    return one('SELECT start + size AS size FROM logs WHERE stream = ? ORDER BY start DESC LIMIT 1', stream)?.size ?? 0;
  }
}
