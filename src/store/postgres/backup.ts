import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type pg from 'pg';
import { placeOfDatabase } from '../../core/database-address.ts';
import { MillraceError } from '../../core/error.ts';
import type { Inventory } from '../inventory.ts';
import { openClient, storageError } from './connection.ts';
import { bossSchema, schemaName } from './schema.ts';

const kept = `${schemaName}_before_restore`;

/**
 * Copies our schemas to a file by pg_dump while servers go on: the copy is as of one moment.
 * @throws MillraceError name.taken where the file exists, storage.failed where pg_dump fails or is missing.
 */
export async function backUp(url: string, file: string): Promise<Inventory> {
  if (existsSync(file))
    throw new MillraceError('name.taken', { message: `${file} exists already.`, hint: 'Name another file.' });
  mkdirSync(dirname(file), { recursive: true });
  try {
    const counts = await connected(url, count);
    const schemas = [`--schema=${schemaName}`, `--schema=${bossSchema}`];
    await run('pg_dump', ['--format=custom', '--no-owner', ...schemas, `--file=${file}.part`], url);
    renameSync(`${file}.part`, file);
    return { ...counts, bytes: statSync(file).size };
  } finally {
    rmSync(`${file}.part`, { force: true });
  }
}

/**
 * Puts a backup in the place of our schemas; what was there is kept under another name. No server may use them.
 * @throws MillraceError not.found without the file, storage.failed where it is no backup or a server runs.
 */
export async function restore(file: string, url: string): Promise<Inventory & { kept: string | null }> {
  if (!existsSync(file)) throw new MillraceError('not.found', { message: `There is no file ${file}.` });
  const contents = await run('pg_restore', ['--list', file], url);
  if (!contents.includes(`TABLE ${schemaName} aggregates`))
    throw new MillraceError('storage.failed', {
      message: `${file} is no backup of Millrace.`,
      hint: 'Is it a file that `millrace backup` has written from PostgreSQL?',
    });
  return connected(url, async (client) => {
    await refuseWhileUsed(client, url);
    const before = await setAside(client);
    try {
      await run('pg_restore', ['--no-owner', '--exit-on-error', '--single-transaction', file], url);
    } catch (thrown) {
      await client.query(`DROP SCHEMA IF EXISTS ${schemaName} CASCADE; DROP SCHEMA IF EXISTS ${bossSchema} CASCADE`);
      if (before)
        await client.query(
          `ALTER SCHEMA ${before} RENAME TO ${schemaName}; ALTER SCHEMA ${before}_boss RENAME TO ${bossSchema}`,
        );
      throw thrown;
    }
    // Those who held this work when the copy was made are not there any more.
    await client.query(
      `UPDATE ${schemaName}.commands SET node = NULL WHERE node IS NOT NULL; DELETE FROM ${schemaName}.nodes;
       DELETE FROM ${bossSchema}.job; DELETE FROM ${bossSchema}.queue WHERE name LIKE 'node.%'`,
    );
    if (before) await client.query(`DROP SCHEMA ${before}_boss CASCADE`);
    await takeStock(client);
    return { ...(await count(client)), bytes: statSync(file).size, kept: before && `the schema ${before}` };
  });
}

/**
 * Has the database count what its tables hold, after much has come into them at once. By itself it does so within a minute or so, and
 * until then plans as if they were empty: a look at what is due read all that waits.
 */
export async function takeStock(client: pg.Client): Promise<void> {
  const names = ['aggregates', 'events', 'commands', 'documents', 'logs'];
  await client.query(`ANALYZE ${names.map((name) => `${schemaName}.${name}`).join(', ')}`);
}

/** A server is there as long as its heart beats; one that has just died is waited for. @throws MillraceError storage.failed */
export async function refuseWhileUsed(client: pg.Client, url: string): Promise<void> {
  const { rows: known } = await client.query(`SELECT to_regclass('${bossSchema}.job') IS NOT NULL AS there`);
  if (!known[0].there) return;
  const { rows } = await client.query(
    `SELECT data ->> 'node' AS node FROM ${bossSchema}.job
     WHERE name LIKE 'node.%' AND state = 'active' AND heartbeat_on > now() - interval '12 seconds'`,
  );
  if (rows.length > 0)
    throw new MillraceError('storage.failed', {
      message: `Servers use the database ${placeOfDatabase(url)}: ${rows.map(({ node }) => node).join(', ')}.`,
      hint: 'Stop them first; one that was killed counts as living for 12 seconds.',
    });
}

/** Gives our schemas another name, which is answered; null where there are none. */
async function setAside(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query("SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE $1 || '%'", [
    schemaName,
  ]);
  const names = new Set(rows.map(({ name }) => String(name)));
  if (!names.has(schemaName)) return null;
  let free = kept;
  for (let number = 2; names.has(free); number++) free = `${kept}_${number}`;
  await client.query(`ALTER SCHEMA ${schemaName} RENAME TO ${free}; ALTER SCHEMA ${bossSchema} RENAME TO ${free}_boss`);
  return free;
}

async function count(client: pg.Client): Promise<Omit<Inventory, 'bytes'>> {
  const { rows } = await client.query(
    `SELECT (SELECT count(*) FROM ${schemaName}.aggregates WHERE kind = 'execution')::integer AS executions,
       (SELECT count(*) FROM ${schemaName}.aggregates WHERE kind = 'deployment')::integer AS deployments,
       (SELECT count(*) FROM ${schemaName}.documents WHERE kind IN ('pipeline', 'blueprint', 'endpoint', 'variable', 'action'))::integer AS definitions`,
  );
  return rows[0] as Omit<Inventory, 'bytes'>;
}

/** @throws MillraceError what the database says, in a sentence */
export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = openClient(url, 'millrace db');
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (thrown) {
    throw storageError(thrown, url);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A program of PostgreSQL; the password goes through its environment, never on its command line. */
function run(program: string, args: string[], url: string): Promise<string> {
  const address = new URL(url);
  const password = decodeURIComponent(address.password);
  address.password = '';
  const child = spawn(program, [...args, ...(args[0] === '--list' ? [] : [`--dbname=${address.href}`])], {
    env: { ...process.env, ...(password ? { PGPASSWORD: password } : {}) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', (cause) =>
      reject(
        new MillraceError('storage.failed', {
          message: `${program} could not be started: ${cause.message}.`,
          hint: "It comes with PostgreSQL's client programs (Debian: postgresql-client).",
          cause,
        }),
      ),
    );
    child.on('close', (code) =>
      code === 0
        ? resolve(out)
        : reject(
            new MillraceError('storage.failed', {
              message: `${program} failed: ${err.trim().split('\n').slice(-3).join(' ')}`,
            }),
          ),
    );
  });
}
