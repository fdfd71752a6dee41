import type pg from 'pg';
import { getConstructionPlans, getMigrationPlans } from 'pg-boss';
import { placeOfDatabase } from '../../core/database-address.ts';
import { MillraceError } from '../../core/error.ts';
import { bossSchema, migrations, schemaName } from './schema.ts';

/** How far the schema of a database is. `made` 0: there is none. */
export interface SchemaState {
  made: number;
  known: number;
  /** Programs that know fewer migrations than this cannot go on. */
  oldestReader: number;
  /** Whether that of pg-boss is older than what this program brings. */
  bossIsOld: boolean;
}

/** @throws MillraceError storage.failed where the schema belongs to another program. */
export async function readSchema(client: pg.ClientBase | pg.Pool, url: string): Promise<SchemaState> {
  const { rows } = await client.query(
    `SELECT to_regclass('${schemaName}.schema_versions') IS NOT NULL AS ours, to_regclass('${bossSchema}.version') IS NOT NULL AS boss,
       EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace('${schemaName}')) AS used`,
  );
  const { ours, boss, used } = rows[0] as { ours: boolean; boss: boolean; used: boolean };
  if (used && !ours)
    throw new MillraceError('storage.failed', {
      message: `The schema ${schemaName} of the database ${placeOfDatabase(url)} belongs to another program.`,
      hint: 'Name another database in DATABASE_URL.',
    });
  const read = async (text: string) => (await client.query(text)).rows[0] as Record<string, number> | undefined;
  const version = ours
    ? await read(`SELECT max(version) AS made, max(oldest_reader) AS oldest FROM ${schemaName}.schema_versions`)
    : undefined;
  const bossVersion = boss ? Number((await read(`SELECT version FROM ${bossSchema}.version`))?.version) : 0;
  return {
    made: version?.made ?? 0,
    known: migrations.length,
    oldestReader: version?.oldest ?? 0,
    bossIsOld: bossVersion < bossVersionKnown(),
  };
}

/** Servers never change the schema of a database that others may share: they say what is to be done. */
export function checkSchema(state: SchemaState, url: string): void {
  const place = placeOfDatabase(url);
  if (state.made === 0)
    throw new MillraceError('storage.outdated', {
      message: `The database ${place} has no tables of Millrace yet.`,
      hint: 'Make them once: millrace db migrate',
    });
  if (state.made < state.known || state.bossIsOld)
    throw new MillraceError('storage.outdated', {
      message: `The database ${place} has the schema ${state.made}; this version needs ${state.known}.`,
      hint: 'Run: millrace db migrate. Servers of the version before go on beside it.',
    });
  if (state.oldestReader > state.known)
    throw new MillraceError('storage.outdated', {
      message: `The database ${place} was written by a newer Millrace (schema ${state.made}; this one knows ${state.known}).`,
      hint: 'Start the newer version, or restore a backup made before the upgrade.',
    });
}

/** Brings the schema to the newest version, each step in one transaction, while servers go on. Twice does no harm. */
export async function migrate(client: pg.Client, given = migrations): Promise<{ from: number; to: number }> {
  await client.query(`SELECT pg_advisory_lock(hashtext('${schemaName} migration'))`);
  try {
    const before = await readSchema(client, '');
    if (before.oldestReader > given.length) checkSchema({ ...before, known: given.length, bossIsOld: false }, '');
    for (const [index, { sql, oldestReader }] of given.entries()) {
      if (index < before.made) continue;
      await inTransaction(client, async () => {
        if (index === 0)
          await client.query(
            `CREATE SCHEMA IF NOT EXISTS ${schemaName};
             CREATE TABLE ${schemaName}.schema_versions (version integer PRIMARY KEY, oldest_reader integer NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
          );
        await client.query(`SET LOCAL search_path = ${schemaName}; ${sql()}`);
        await client.query(`INSERT INTO ${schemaName}.schema_versions VALUES ($1, $2)`, [index + 1, oldestReader]);
      });
    }
    if (before.bossIsOld) await migrateBoss(client);
    return { from: before.made, to: Math.max(before.made, given.length) };
  } finally {
    await client.query(`SELECT pg_advisory_unlock(hashtext('${schemaName} migration'))`).catch(() => undefined);
  }
}

async function migrateBoss(client: pg.Client): Promise<void> {
  const { rows } = await client.query(`SELECT to_regclass('${bossSchema}.version') IS NOT NULL AS there`);
  if (!rows[0].there) return void (await client.query(getConstructionPlans(bossSchema)));
  const { rows: versions } = await client.query(`SELECT version FROM ${bossSchema}.version`);
  await client.query(getMigrationPlans(bossSchema, Number(versions[0].version)));
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await work();
    await client.query('COMMIT');
  } catch (thrown) {
    await client.query('ROLLBACK');
    throw thrown;
  }
}

/** The library does not export the number; the plan of a new schema ends with it. */
const bossVersionKnown = (): number =>
  Number(/version\(version\) VALUES \('(\d+)'\)/.exec(getConstructionPlans(bossSchema))?.[1]);
