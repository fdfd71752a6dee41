import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type pg from 'pg';
import { placeOfDatabase } from '../core/database-address.ts';
import { MillraceError } from '../core/error.ts';
import { connected, refuseWhileUsed, takeStock } from './postgres/backup.ts';
import { checkSchema, readSchema } from './postgres/migrate.ts';
import { schemaName } from './postgres/schema.ts';
import { migrate as migrateSqlite } from './sqlite/schema.ts';

/** How each table goes over: the columns, in the order in which rows were made, so that numbers given anew keep their order. */
const tables = [
  { name: 'aggregates', columns: 'kind, id, version, fixed, state, summary', order: 'position' },
  { name: 'events', columns: 'sequence, kind, aggregate, body', order: 'sequence' },
  { name: 'commands', columns: 'key, kind, aggregate, lane, project, host, body, due, fence, tries', order: 'id' },
  { name: 'documents', columns: 'kind, id, project, name, body, created_at, updated_at', order: 'kind, id' },
  { name: 'counters', columns: 'name, value', order: 'name' },
  { name: 'logs', columns: 'stream, start, size, text', order: 'stream, start' },
] as const;

const rowsAtOnce = 500;

export interface Moved {
  /** Rows by table. */
  rows: Record<string, number>;
  /** What the file is called now, so that no server goes on with it by mistake. */
  file: string;
}

/**
 * Moves all that a file of SQLite holds into an empty PostgreSQL, in one transaction: all of it or nothing. No server may use
 * either. @throws MillraceError storage.failed, storage.outdated, not.found
 */
export async function moveToPostgres(
  directory: string,
  url: string,
  told: (table: string, rows: number) => void,
): Promise<Moved> {
  const path = join(directory, 'millrace.db');
  if (!existsSync(path))
    throw new MillraceError('not.found', {
      message: `There is no database in ${directory}.`,
      hint: 'Name the directory with --data.',
    });
  const source = new DatabaseSync(path);
  try {
    migrateSqlite(source);
    const rows = await connected(url, (client) => moveAll(source, client, url, told));
    source.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    source.close();
    renameSync(path, `${path}.moved`);
    return { rows, file: `${path}.moved` };
  } finally {
    if (source.isOpen) source.close();
  }
}

async function moveAll(
  source: DatabaseSync,
  client: pg.Client,
  url: string,
  told: (table: string, rows: number) => void,
): Promise<Record<string, number>> {
  checkSchema(await readSchema(client, url), url);
  await refuseWhileUsed(client, url);
  await client.query('BEGIN');
  const { rows: there } = await client.query(
    'SELECT EXISTS (SELECT FROM aggregates) OR EXISTS (SELECT FROM documents) AS used',
  );
  if (there[0].used)
    throw new MillraceError('storage.failed', {
      message: `The database ${placeOfDatabase(url)} holds something already; moving there would mix the two.`,
      hint: 'Name an empty one.',
    });
  await client.query('DELETE FROM counters');
  const moved: Record<string, number> = {};
  for (const table of tables) {
    moved[table.name] = await moveTable(source, client, table);
    told(table.name, moved[table.name]!);
  }
  await client.query("INSERT INTO counters SELECT 'events', coalesce(max(sequence), 0) FROM events");
  for (const { name } of tables) {
    const { rows } = await client.query(`SELECT count(*)::integer AS n FROM ${name}`);
    const expected = moved[name]! + (name === 'counters' ? 1 : 0);
    if (rows[0].n !== expected) throw new Error(`${rows[0].n} rows of ${name} arrived, where ${expected} were sent.`);
  }
  await client.query('COMMIT');
  await takeStock(client);
  return moved;
}

async function moveTable(source: DatabaseSync, client: pg.Client, table: (typeof tables)[number]): Promise<number> {
  const { name, columns, order } = table;
  const shape = await shapeOf(client, name, columns.split(', '));
  let moved = 0;
  let batch: Record<string, unknown>[] = [];
  for (const row of source.prepare(`SELECT ${columns} FROM ${name} ORDER BY ${order}`).iterate()) {
    batch.push(name === 'logs' ? { ...row, text: `\\x${Buffer.from(String(row.text)).toString('hex')}` } : row);
    if (batch.length === rowsAtOnce) await flush();
  }
  await flush();
  return moved;

  async function flush(): Promise<void> {
    const text = `INSERT INTO ${name} (${columns}) SELECT ${shape.map(({ column, type }) => `${column}::${type}`).join(', ')}
      FROM json_to_recordset($1) AS x (${shape.map(({ column, raw }) => `${column} ${raw}`).join(', ')})`;
    if (batch.length > 0) await client.query(text, [JSON.stringify(batch)]);
    moved += batch.length;
    batch = [];
  }
}

/** Types of the columns; JSON and bytes travel as text. */
async function shapeOf(client: pg.Client, table: string, columns: string[]) {
  const { rows } = await client.query(
    'SELECT column_name AS column, data_type AS type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2',
    [schemaName, table],
  );
  return columns.map((column) => {
    const { type } = rows.find((row) => row.column === column) as { type: string };
    return { column, type, raw: type === 'json' || type === 'bytea' ? 'text' : type };
  });
}
