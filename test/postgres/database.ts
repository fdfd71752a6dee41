import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../src/store/postgres/migrate.ts';

const template = 'millrace_template';

/** Why there is no PostgreSQL for tests here; undefined: there is one. `npm test` starts it where it is installed. */
export const withoutPostgres: string | undefined = process.env.MILLRACE_TEST_POSTGRES
  ? undefined
  : "no PostgreSQL: install Debian's postgresql, and run `npm test`";

/** A database of one test, empty or with our tables, dropped by `drop`. */
export async function newDatabase({ empty = false } = {}): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(async (client) => {
    if (!empty) await makeTemplate(client);
    await client.query(`CREATE DATABASE ${name}${empty ? '' : ` TEMPLATE ${template}`}`);
  });
  return {
    url: urlOf(name),
    drop: () => administer(async (client) => void (await client.query(`DROP DATABASE ${name} WITH (FORCE)`))),
  };
}

/** A database with our tables whose files lie in a directory that its server's user may have. */
export async function databaseOn(directory: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const { url, drop } = await newDatabase();
  const name = new URL(url).pathname.slice(1);
  execFileSync('chown', ['postgres', directory]);
  await administer(async (client) => {
    await client.query(`CREATE TABLESPACE ${name} LOCATION '${directory}'`);
    await client.query(`ALTER DATABASE ${name} SET TABLESPACE ${name}`);
  });
  return {
    url,
    async drop() {
      await drop();
      await administer(async (client) => void (await client.query(`DROP TABLESPACE ${name}`)));
    },
  };
}

/** Made once for all tests that run at the same time, by whoever comes first. */
async function makeTemplate(client: pg.Client): Promise<void> {
  await client.query("SELECT pg_advisory_lock(hashtext('template'))");
  const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
  if (rowCount === 0) {
    await client.query(`CREATE DATABASE ${template}_new`);
    const fresh = new pg.Client(urlOf(`${template}_new`));
    await fresh.connect();
    await migrate(fresh);
    await fresh.end();
    await client.query(`ALTER DATABASE ${template}_new RENAME TO ${template}`);
  }
  await client.query("SELECT pg_advisory_unlock(hashtext('template'))");
}

async function administer(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(urlOf('postgres'));
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const urlOf = (database: string): string => `${process.env.MILLRACE_TEST_POSTGRES}/${database}`;
