import { DatabaseSync } from 'node:sqlite';
import { isAlive, type ProcessMark } from './processes.ts';

/** How a job is over: `lost` when its process ended while no runner was there to see how. */
export interface JobEnd {
  exitCode: number | null;
  stopped: string | null;
  lost?: boolean;
}

export interface RecordedJob {
  mark: ProcessMark;
  end: JobEnd | undefined;
}

export interface JobRecord {
  find(name: string): RecordedJob | undefined;
  /** Before its process is told what to do: whoever finds it without a process takes it for lost, never for not yet started. */
  begins(name: string, mark: ProcessMark): void;
  ended(name: string, end: JobEnd): void;
  /** Jobs whose end nobody has written down. */
  open(): { name: string; mark: ProcessMark }[];
  /** Forgets jobs that ended before a time, in milliseconds; returns their names. */
  forget(before: number): string[];
}

interface Row extends ProcessMark {
  ended: number | null;
  exit_code: number | null;
  stopped: string | null;
  lost: number | null;
}

/**
 * What the runner must know when another process is the runner. Survives the death of every process; what a loss of power takes
 * from its end is of jobs that died with it. Held by one process at a time. @throws where another holds it.
 */
export function openRecord(path: string): JobRecord {
  const database = new DatabaseSync(path, { timeout: 0 });
  database.exec(
    `PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
     CREATE TABLE IF NOT EXISTS jobs (
       name TEXT PRIMARY KEY, pid INTEGER NOT NULL, started TEXT NOT NULL,
       ended INTEGER, exit_code INTEGER, stopped TEXT, lost INTEGER) STRICT, WITHOUT ROWID`,
  );
  const find = database.prepare('SELECT * FROM jobs WHERE name = ?');
  const begins = database.prepare('INSERT INTO jobs (name, pid, started) VALUES (?, ?, ?)');
  const ended = database.prepare(
    'UPDATE jobs SET ended = ?, exit_code = ?, stopped = ?, lost = ? WHERE name = ? AND ended IS NULL',
  );
  const open = database.prepare('SELECT name, pid, started FROM jobs WHERE ended IS NULL');
  const forget = database.prepare('DELETE FROM jobs WHERE ended < ? RETURNING name');

  return {
    find(name) {
      const row = find.get(name) as Row | undefined;
      if (!row) return undefined;
      const { pid, started, ended, exit_code: exitCode, stopped, lost } = row;
      return { mark: { pid, started }, end: ended === null ? undefined : { exitCode, stopped, lost: lost === 1 } };
    },
    begins: (name, { pid, started }) => void begins.run(name, pid, started),
    ended: (name, { exitCode, stopped, lost = false }) =>
      void ended.run(Date.now(), exitCode, stopped, Number(lost), name),
    open: () =>
      (open.all() as unknown as ({ name: string } & ProcessMark)[]).map(({ name, ...mark }) => ({ name, mark })),
    forget: (before) => forget.all(before).map(({ name }) => String(name)),
  };
}

/**
 * Writes down as lost whatever has ended unseen. What this runner has started itself is none of it: its end may have come, and wait
 * to be told.
 */
export function settleLost(record: JobRecord, isWatched: (name: string) => boolean): void {
  for (const { name, mark } of record.open())
    if (!isWatched(name) && !isAlive(mark)) record.ended(name, { exitCode: null, stopped: null, lost: true });
}
