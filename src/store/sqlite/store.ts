import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { MillraceError } from '../../core/error.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Applied, Command, Document, NewCommand, Store, Transition } from '../store.ts';
import { commandOf, documentOf, type Row } from './rows.ts';
import { migrate } from './schema.ts';

interface Waiting {
  transition: Transition;
  resolve: (applied: Applied) => void;
  reject: (error: unknown) => void;
}

/** Refuses a transition inside of its savepoint. */
class Refusal extends Error {
  readonly result: 'fenced' | 'conflict';
  constructor(result: 'fenced' | 'conflict') {
    super(result);
    this.result = result;
  }
}

/**
 * The store in one file (or `:memory:`), for one process. Transitions that arrive in the same turn of the event loop share one
 * commit, each behind a savepoint of its own, so that a refused one takes nothing with it. A file that reached `mostPages` (of
 * 4096 bytes) is as good as a full disk.
 */
export function openSqlite(path: string, node: string, { mostPages }: { mostPages?: number } = {}): Store {
  const database = new DatabaseSync(path);
  if (mostPages !== undefined) database.exec(`PRAGMA max_page_count = ${Math.trunc(mostPages)}`);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;',
  );
  migrate(database);
  const prepared = new Map<string, StatementSync>();
  let waiting: Waiting[] = [];
  let closed = false;

  const sql = (text: string): StatementSync => {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  };
  const run = (text: string, ...values: (string | number | null)[]) => sql(text).run(...values);
  const all = (text: string, ...values: (string | number | null)[]) => sql(text).all(...values) as unknown as Row[];
  const one = (text: string, ...values: (string | number | null)[]) => all(text, ...values)[0];

  return {
    apply: (transition) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('The store is closed.'));
        waiting.push({ transition, resolve, reject });
        if (waiting.length === 1) setImmediate(commitWaiting);
      }),

    async load(kind, id) {
      const row = one('SELECT state, version FROM aggregates WHERE kind = ? AND id = ?', kind, id);
      return row && { state: JSON.parse(row.state) as Json, version: row.version };
    },

    async summaries(kind) {
      return all('SELECT summary FROM aggregates WHERE kind = ? ORDER BY position DESC', kind).map(
        ({ summary }) => JSON.parse(summary) as JsonObject,
      );
    },

    async claim(claimer, now, limit) {
      const rows = all(
        `UPDATE commands SET fence = fence + 1, tries = tries + 1, node = ? WHERE id IN (
           SELECT id FROM commands AS mine WHERE node IS NULL AND due <= ? AND (lane = '' OR NOT EXISTS (
             SELECT 1 FROM commands AS earlier WHERE earlier.lane = mine.lane AND earlier.id < mine.id))
           ORDER BY due, id LIMIT ?) RETURNING *`,
        claimer,
        now,
        limit,
      );
      return rows.map(commandOf).sort((a, b) => a.due - b.due || a.id - b.id);
    },

    async release(claimer) {
      run('UPDATE commands SET node = NULL WHERE node = ?', claimer);
    },

    async nextDue() {
      return one('SELECT min(due) AS due FROM commands WHERE node IS NULL')?.due ?? undefined;
    },

    async hasten(keyPrefix, now) {
      run(
        'UPDATE commands SET due = ? WHERE node IS NULL AND due > ? AND key >= ? AND key < ?',
        now,
        now,
        keyPrefix,
        `${keyPrefix}\uffff`,
      );
    },

    async events(after, limit, aggregate) {
      const rows = aggregate
        ? all(
            'SELECT * FROM events WHERE sequence > ? AND aggregate = ? ORDER BY sequence LIMIT ?',
            after,
            aggregate,
            limit,
          )
        : all('SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?', after, limit);
      return rows.map(({ sequence, kind, aggregate: id, body }) => ({
        sequence: sequence,
        kind: kind as never,
        aggregate: id,
        body: JSON.parse(body),
      }));
    },

    async lastSequence() {
      return one('SELECT max(sequence) AS last FROM events')?.last ?? 0;
    },

    async put(document) {
      write(document);
    },

    async insert(document) {
      const { kind, id, project, name, body, createdAt, updatedAt } = document;
      const done = run(
        'INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)',
        kind,
        id,
        project,
        name,
        JSON.stringify(body),
        createdAt,
        updatedAt,
      );
      return done.changes === 1;
    },

    async get(kind, id) {
      return documentOf(one('SELECT * FROM documents WHERE kind = ? AND id = ?', kind, id));
    },

    async find(kind, project, name) {
      return documentOf(
        one('SELECT * FROM documents WHERE kind = ? AND project = ? AND name = ?', kind, project, name),
      );
    },

    async list(kind) {
      return all('SELECT * FROM documents WHERE kind = ? ORDER BY name, project', kind).map((row) => documentOf(row)!);
    },

    async remove(kind, id) {
      run('DELETE FROM documents WHERE kind = ? AND id = ?', kind, id);
    },

    async next(counter) {
      const row = one(
        'INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value',
        counter,
      );
      return row!.value!;
    },

    async appendLog(stream, offset, text) {
      append(stream, offset, text);
    },

    async readLog(stream, from) {
      const rows = all(
        'SELECT start, text FROM logs WHERE stream = ? AND start + size > ? ORDER BY start',
        stream,
        from,
      );
      const bytes = Buffer.concat(rows.map(({ start, text }) => Buffer.from(text).subarray(Math.max(0, from - start))));
      return { text: bytes.toString('utf8'), size: sizeOf(stream) };
    },

    async logSize(stream) {
      return sizeOf(stream);
    },

    async close() {
      if (closed) return;
      commitWaiting();
      closed = true;
      database.close();
    },
  };

  function commitWaiting(): void {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const answers: (() => void)[] = [];
    try {
      database.exec('BEGIN IMMEDIATE');
      for (const { transition, resolve, reject } of batch) {
        database.exec('SAVEPOINT one');
        try {
          const claimed = write1(transition);
          database.exec('RELEASE one');
          answers.push(() => resolve({ result: 'applied', claimed }));
        } catch (thrown) {
          // A full disk rolls back the whole transaction, savepoints and all.
          if (!database.isTransaction) throw thrown;
          database.exec('ROLLBACK TO one; RELEASE one');
          answers.push(() =>
            thrown instanceof Refusal ? resolve({ result: thrown.result }) : reject(storageError(thrown)),
          );
        }
      }
      database.exec('COMMIT');
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      for (const { reject } of batch) reject(storageError(thrown));
      return;
    }
    for (const answer of answers) answer();
  }

  function write1({ settles, aggregates, commands, documents = [], log = [] }: Transition): Command[] {
    if (settles) settle(settles);
    for (const { kind, id, version, state, summary, events } of aggregates) {
      const [stateText, summaryText] = [JSON.stringify(state), JSON.stringify(summary)];
      const done =
        version === 0
          ? run(
              'INSERT OR IGNORE INTO aggregates SELECT ?, ?, 1, ?, ?, coalesce(max(position), 0) + 1 FROM aggregates WHERE kind = ?',
              kind,
              id,
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
    for (const document of documents) write(document);
    for (const { stream, offset, text } of log) append(stream, offset, text);
    return commands.flatMap(ask);
  }

  function settle({ command, fence, again }: NonNullable<Transition['settles']>): void {
    const done = again
      ? run(
          'UPDATE commands SET due = ?, body = ?, node = NULL, tries = tries * ? WHERE id = ? AND fence = ?',
          again.due,
          JSON.stringify(again.body),
          again.keepTries ? 1 : 0,
          command,
          fence,
        )
      : run('DELETE FROM commands WHERE id = ? AND fence = ?', command, fence);
    if (done.changes !== 1) throw new Refusal('fenced');
  }

  /** What is due at once and has no lane is claimed with the commit that asks for it: no second trip. */
  function ask({ key, kind, aggregate, lane, body, due }: NewCommand): Command[] {
    const mine = due === 0 && lane === '';
    const rows = all(
      'INSERT OR IGNORE INTO commands (key, kind, aggregate, lane, body, due, fence, tries, node) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *',
      key,
      kind,
      aggregate,
      lane,
      JSON.stringify(body),
      due,
      mine ? 1 : 0,
      mine ? 1 : 0,
      mine ? node : null,
    );
    return mine ? rows.map(commandOf) : [];
  }

  function write({ kind, id, project, name, body, createdAt, updatedAt }: Document): void {
    run(
      `INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (kind, id) DO UPDATE SET project = excluded.project, name = excluded.name, body = excluded.body, updated_at = excluded.updated_at`,
      kind,
      id,
      project,
      name,
      JSON.stringify(body),
      createdAt,
      updatedAt,
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

function storageError(thrown: unknown): unknown {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (/disk is full|database or disk is full|ENOSPC/i.test(text)) {
    return new MillraceError('storage.failed', {
      message: 'The disk that holds the database is full; nothing of this change was written.',
      hint: 'Make room; runs go on by themselves.',
      cause: thrown,
    });
  }
  return thrown;
}
