import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { newBell, ringFor } from '../bell.ts';
import { closedError } from '../closed.ts';
import type { Applied, Node, Store, Transition } from '../store.ts';
import { openCounters } from './counters.ts';
import { documentMemory } from './document-memory.ts';
import { documentsOf } from './documents.ts';
import { type Flush, noFlush, openFlush } from './flush.ts';
import { commandOf, stateOf } from './rows.ts';
import { migrate } from './schema.ts';
import { openWriter, prepareStatements, Refusal } from './write.ts';

interface Waiting {
  transition: Transition;
  resolve: (applied: Applied) => void;
  reject: (error: unknown) => void;
}

interface Options {
  /** A file that reached so many pages (of 4096 bytes) is as good as a full disk. */
  mostPages?: number;
  flush?: Flush;
  /** Told when nobody knows any more what is on the disk, since it failed to say so: only who opens the file anew finds out. */
  lost?: (reason: string) => void;
}

/**
 * The store in one file (or `:memory:`), for one process. Transitions that arrive while others are being brought to the disk share
 * one commit, each behind a savepoint of its own, so that a refused one takes nothing with it. What is answered is on the disk; the
 * process goes on while it is brought there (so `synchronous` need not be FULL), and may read it an instant earlier.
 */
export function openSqlite(
  path: string,
  node: Node,
  { mostPages, flush, lost = () => undefined }: Options = {},
): Store {
  const database = new DatabaseSync(path);
  if (mostPages !== undefined) database.exec(`PRAGMA max_page_count = ${Math.trunc(mostPages)}`);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;',
  );
  try {
    migrate(database);
  } catch (thrown) {
    database.close();
    throw storageError(thrown);
  }
  const statements = prepareStatements(database);
  const { run, all, one } = statements;
  const memory = documentMemory();
  const counters = openCounters(statements);
  const writer = openWriter(statements, node, memory.forget);
  const bell = newBell();
  const since = Date.now();
  const log = flush ?? (path === ':memory:' ? noFlush : openFlush(`${path}-wal`));
  let waiting: Waiting[] = [];
  let isUnderWay = false;
  let closed = false;

  return {
    isShared: false,
    bell,

    now: Date.now,

    apply: (transition) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(closedError());
        waiting.push({ transition, resolve, reject });
        pump();
      }),

    async load(kind, id) {
      const row = one('SELECT fixed, state, version FROM aggregates WHERE kind = ? AND id = ?', kind, id);
      return row && { state: stateOf(row), version: row.version };
    },

    async summaries(kind, { skip, limit } = { skip: 0, limit: -1 }) {
      return all(
        'SELECT summary FROM aggregates WHERE kind = ? ORDER BY position DESC LIMIT ? OFFSET ?',
        kind,
        limit,
        skip,
      ).map(({ summary }) => JSON.parse(summary) as JsonObject);
    },

    async count(kind) {
      return one('SELECT count(*) AS value FROM aggregates WHERE kind = ?', kind)!.value;
    },

    // One process, one file: nobody else does its work.
    confirmTenure: () => undefined,

    async claim(now, limit, { perProject, crowded } = { perProject: limit, crowded: [] }) {
      const rows = all(
        `UPDATE commands SET fence = fence + 1, tries = tries + 1, node = ? WHERE id IN (
           SELECT id FROM (
             SELECT id, due, row_number() OVER (PARTITION BY project ORDER BY due, id) AS turn FROM (
               SELECT id, due, project, host FROM commands WHERE node IS NULL AND due <= ? AND lane = ''
               UNION ALL
               SELECT id, due, project, host FROM commands WHERE node IS NULL AND due <= ?
                 AND id IN (SELECT min(id) FROM commands WHERE lane <> '' GROUP BY lane))
             WHERE host IN ('', ?) AND project NOT IN (SELECT value FROM json_each(?)))
           WHERE turn <= ? ORDER BY turn, due, id LIMIT ?) RETURNING *`,
        node.name,
        now,
        now,
        node.host,
        JSON.stringify(crowded),
        perProject,
        limit,
      );
      const next = one(
        "SELECT min(due) AS due FROM commands WHERE node IS NULL AND due > ? AND host IN ('', ?)",
        now,
        node.host,
      );
      return {
        commands: rows.map(commandOf).sort((a, b) => a.due - b.due || a.id - b.id),
        next: next?.due ?? undefined,
      };
    },

    async nodes() {
      return [{ ...node, since }];
    },

    async erase(kind, id) {
      void commitWaiting();
      if (one('SELECT 1 FROM commands WHERE kind = ? AND aggregate = ? LIMIT 1', kind, id)) return false;
      database.exec('BEGIN IMMEDIATE');
      try {
        const { changes } = run('DELETE FROM aggregates WHERE kind = ? AND id = ?', kind, id);
        run('DELETE FROM events WHERE kind = ? AND aggregate = ?', kind, id);
        run('DELETE FROM logs WHERE stream >= ? AND stream < ?', `${id}/`, `${id}0`);
        database.exec('COMMIT');
        await onDisk();
        return changes === 1;
      } catch (thrown) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw storageError(thrown);
      }
    },

    async release(name) {
      run('UPDATE commands SET node = NULL WHERE node = ?', name);
    },

    async hasten(keyPrefix, now) {
      run(
        'UPDATE commands SET due = ? WHERE node IS NULL AND due > ? AND key >= ? AND key < ?',
        now,
        now,
        keyPrefix,
        `${keyPrefix}\uffff`,
      );
      bell.emit('work', now);
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

    ...documentsOf(statements, writer, { memory, counters }, () => onDisk()),

    next: async (counter) => counters.next(counter),

    async appendLog(stream, offset, text) {
      writer.append(stream, offset, text);
      await onDisk();
    },

    async readLog(stream, from) {
      const rows = all(
        'SELECT start, text FROM logs WHERE stream = ? AND start + size > ? ORDER BY start',
        stream,
        from,
      );
      const bytes = Buffer.concat(rows.map(({ start, text }) => Buffer.from(text).subarray(Math.max(0, from - start))));
      return { text: bytes.toString('utf8'), size: writer.sizeOf(stream) };
    },

    async logSize(stream) {
      return writer.sizeOf(stream);
    },

    async close() {
      if (closed) return;
      closed = true;
      await commitWaiting();
      await log.flushed();
      log.close();
      database.close();
    },
  };

  /** One batch is under way at a time. */
  function pump(): void {
    if (isUnderWay || waiting.length === 0) return;
    isUnderWay = true;
    setImmediate(async () => {
      await commitWaiting();
      isUnderWay = false;
      pump();
    });
  }

  async function onDisk(isAlone = false): Promise<void> {
    try {
      await log.flushed(isAlone);
    } catch (cause) {
      const message = 'The disk did not take what was written to the database.';
      lost(message);
      throw new MillraceError('storage.failed', { message, hint: 'Look at the disk.', cause });
    }
  }

  /** What waits is written at once, and answered when it is on the disk. */
  async function commitWaiting(): Promise<void> {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const answers: (() => void)[] = [];
    try {
      database.exec('BEGIN IMMEDIATE');
      counters.write();
      for (const { transition, resolve, reject } of batch) {
        database.exec('SAVEPOINT one');
        try {
          const claimed = writer.write(transition);
          database.exec('RELEASE one');
          answers.push(() => {
            resolve({ result: 'applied', claimed });
            ringFor(bell, transition, claimed);
          });
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
      counters.written();
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      for (const { reject } of batch) reject(storageError(thrown));
      return;
    }
    try {
      await onDisk(batch.length === 1 && waiting.length === 0);
    } catch (thrown) {
      for (const { reject } of batch) reject(thrown);
      return;
    }
    for (const answer of answers) answer();
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
