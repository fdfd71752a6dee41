import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../core/error.ts';
import type { Inventory } from '../inventory.ts';
import { migrate, newestSchema, schemaOf } from './schema.ts';

/**
 * Copies the database of a directory to a file while the server goes on: the copy is as of one moment. The key is not in it.
 * @throws MillraceError not.found without a database, name.taken where the file exists.
 */
export async function backUp(data: string, file: string): Promise<Inventory> {
  const database = databaseIn(data);
  if (!existsSync(database))
    throw new MillraceError('not.found', {
      message: `There is no database in ${data}.`,
      hint: 'Name the directory that the server was given with --data.',
    });
  if (existsSync(file))
    throw new MillraceError('name.taken', { message: `${file} exists already.`, hint: 'Name another file.' });
  mkdirSync(dirname(file), { recursive: true });
  const source = new DatabaseSync(database, { readOnly: true });
  try {
    await backup(source, `${file}.part`);
    const found = inspect(`${file}.part`);
    renameSync(`${file}.part`, file);
    return found;
  } finally {
    source.close();
    rmSync(`${file}.part`, { force: true });
  }
}

/**
 * Puts a backup in the place of the database of a directory, whose server does not run. What was there is kept beside it.
 * @throws MillraceError not.found without the file, storage.failed where it is no sound database of Millrace.
 */
export function restore(file: string, data: string): Inventory & { kept: string | null } {
  if (!existsSync(file)) throw new MillraceError('not.found', { message: `There is no file ${file}.` });
  const database = databaseIn(data);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const copy = `${database}.restoring`;
  try {
    copyFileSync(file, copy);
    const found = inspect(copy);
    const kept = existsSync(database) ? freeName(`${database}.before-restore`) : null;
    if (kept) {
      settle(database);
      renameSync(database, kept);
    }
    renameSync(copy, database);
    return { ...found, kept };
  } finally {
    rmSync(copy, { force: true });
  }
}

/** Sound, written by Millrace, and not by a newer one; brought to the present schema. */
function inspect(path: string): Inventory {
  const refuse = (message: string): never => {
    throw new MillraceError('storage.failed', { message, hint: 'Is it a file that `millrace backup` has written?' });
  };
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
    const [check] = database.prepare('PRAGMA integrity_check').all();
    if (check?.integrity_check !== 'ok') refuse(`${path} is damaged: ${String(check?.integrity_check)}.`);
  } catch (thrown) {
    if (thrown instanceof MillraceError) throw thrown;
    return refuse(`${path} is no database: ${(thrown as Error).message}.`);
  }
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE name IN ('aggregates', 'commands')").all();
    if (tables.length < 2) refuse(`${path} is a database of another program.`);
    migrate(database);
    const count = (sql: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.n);
    return {
      bytes: statSync(path).size,
      executions: count("aggregates WHERE kind = 'execution'"),
      deployments: count("aggregates WHERE kind = 'deployment'"),
      definitions: count("documents WHERE kind IN ('pipeline', 'blueprint', 'endpoint', 'variable', 'action')"),
    };
  } finally {
    database.close();
  }
}

/** A copy of a database whose schema is about to change, beside it; undefined where nothing will change. */
export async function keepBeforeUpgrade(path: string): Promise<string | undefined> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const made = schemaOf(database);
    if (made === 0 || made >= newestSchema) return undefined;
    const kept = freeName(`${path}.schema-${made}`);
    await backup(database, kept);
    return kept;
  } finally {
    database.close();
  }
}

/** Takes what still lies in the write-ahead log of a dead server into the file, so that one file is all of it. */
function settle(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

const databaseIn = (data: string): string => join(data, 'millrace.db');

function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? path : `${path}-${number}`;
    if (!existsSync(name)) return name;
  }
}
