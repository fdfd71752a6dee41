import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import { temporaryDirectory } from '../../../test/directory.ts';
import { millrace } from '../../../test/millrace.ts';
import { newDatabase, withoutPostgres } from '../../../test/postgres/database.ts';
import { ServeProcess } from '../../../test/serve-process.ts';
import { pipelineAround } from '../../../test/server.ts';
import { migrate } from './migrate.ts';
import { migrations } from './schema.ts';

const skip = withoutPostgres;
const check = pipelineAround('Check: {type: Condition, input: {condition: \'"${var.token}" == "abc123xyz"\'}}');
const secret = '{project: Tito, kind: VARIABLE, name: token, type: SECRET, value: abc123xyz}';
const workspace = 'workspace: {type: PROCESS, endpoint: "", image: ""}';

async function database(t: TestContext, empty = false) {
  const { url, drop } = await newDatabase({ empty });
  t.after(drop);
  const query = async (text: string) => {
    const client = new pg.Client(url);
    await client.connect();
    return client.query(text).finally(() => client.end());
  };
  return { url, environment: { DATABASE_URL: url }, query };
}

test('a server makes no tables in a database that others may share; `db migrate` does, once', { skip }, async (t) => {
  const { environment } = await database(t, true);
  const data = temporaryDirectory(t);
  const refused = await millrace(['serve', '--data', data, '--port', '0'], environment);
  assert.deepEqual([refused.code, refused.err.split('\n')[1]], [3, '  Make them once: millrace db migrate']);
  const made = await millrace(['db', 'migrate', '--data', data, '-o', 'json'], environment);
  assert.deepEqual(JSON.parse(made.out), { from: 0, to: migrations.length, backup: null });

  assert.match((await millrace(['db', 'migrate', '--data', data], environment)).out, /^Nothing to do/);
});

test('a database on the same machine is reached by its socket too, by a server and by its tools', {
  skip,
}, async (t) => {
  const { url, query } = await database(t, true);
  const { rows } = await query("SELECT current_setting('unix_socket_directories') AS socket");
  const { port, pathname, username } = new URL(url);
  const environment = { DATABASE_URL: `postgres://${username}@localhost:${port}${pathname}?host=${rows[0].socket}` };
  const made = await millrace(['db', 'migrate', '--data', temporaryDirectory(t)], environment);
  assert.equal(made.code, 0, made.err);
  const server = await ServeProcess.start(t, '', { environment });
  await server.import(`${secret}\n---\n${check}`);
  assert.equal((await server.until(await server.begin('P'), 'execution-ended')).status, 'COMPLETED');
  const clients = await query(
    "SELECT DISTINCT client_addr FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace%'",
  );
  assert.deepEqual(clients.rows, [{ client_addr: null }]);
  const file = join(temporaryDirectory(t), 'monday.dump');
  const kept = await millrace(['backup', file, '--data', server.directory], environment);

  assert.equal(kept.code, 0, kept.err);
});

test('a database of another program, or of a newer Millrace, is left alone', { skip }, async (t) => {
  const other = await database(t, true);
  await other.query('CREATE SCHEMA millrace; CREATE TABLE millrace.cats (name text)');
  const newer = await database(t);
  await newer.query('INSERT INTO millrace.schema_versions VALUES (99, 99)');
  const [data, refused] = [
    temporaryDirectory(t),
    async (args: string[], environment: Record<string, string>) => (await millrace(args, environment)).err,
  ];

  assert.match(await refused(['db', 'migrate', '--data', data], other.environment), /belongs to another program/);
  assert.match(
    await refused(['serve', '--data', data, '--port', '0'], other.environment),
    /belongs to another program/,
  );
  assert.match(
    await refused(['serve', '--data', data, '--port', '0'], newer.environment),
    /written by a newer Millrace \(schema 99/,
  );
  assert.match(await refused(['db', 'migrate', '--data', data], newer.environment), /written by a newer Millrace/);
});

test('an upgrade is made beside servers of the version before, which go on; a backup comes first', {
  skip,
}, async (t) => {
  const { url, environment, query } = await database(t);
  const server = await ServeProcess.start(t, '', { environment });
  await server.import(pipelineAround('Ask: {type: UserOperation, input: {approvers: [admin], summary: Go on?}}'));
  const waiting = await server.begin('P');
  await server.until(waiting, 'task-waiting');
  const client = new pg.Client(url);
  await client.connect();
  const next = {
    oldestReader: migrations.length,
    sql: () => "ALTER TABLE documents ADD COLUMN labels json NOT NULL DEFAULT '{}'",
  };
  assert.deepEqual(await migrate(client, [...migrations, next]), {
    from: migrations.length,
    to: migrations.length + 1,
  });
  await client.end();
  await server.import(secret);
  await server.import(check.replace('name: P', 'name: Q'));
  assert.equal((await server.until(await server.begin('Q'), 'execution-ended')).status, 'COMPLETED');
  server.signal('SIGTERM');
  await server.died;
  await server.start();
  const { id } = await server.openQuestion();
  await server.json('PATCH', `/codestream/api/user-operations/${String(id)}`, { status: 'APPROVED' });
  assert.equal((await server.until(waiting, 'execution-ended')).status, 'COMPLETED');

  await query(
    'DELETE FROM millrace.schema_versions; INSERT INTO millrace.schema_versions VALUES (1, 1); UPDATE millrace_boss.version SET version = 1',
  );
  const data = temporaryDirectory(t);
  await millrace(['db', 'migrate', '--data', data], environment);
  assert.equal(readdirSync(join(data, 'backups')).length, 1);
});

test('a backup of running servers is put back, secrets and all, and what it replaces is kept', { skip }, async (t) => {
  const { environment, query } = await database(t);
  const server = await ServeProcess.start(t, '', { environment });
  await server.import(`${secret}\n---\n${check}`);
  await server.until(await server.begin('P'), 'execution-ended');
  const file = join(temporaryDirectory(t), 'monday.dump');
  const made = await millrace(['backup', file, '--data', server.directory, '-o', 'json'], environment);
  assert.equal(made.code, 0, made.err);
  assert.deepEqual([JSON.parse(made.out).executions, JSON.parse(made.out).definitions], [1, 2]);
  await server.until(await server.begin('P'), 'execution-ended');
  const restore = () => millrace(['restore', file, '--data', server.directory], environment);
  assert.match((await restore()).err, /Servers use the database .*\n {2}Stop them first/);
  server.signal('SIGTERM');
  await server.died;
  const restored = await restore();
  assert.match(
    restored.out,
    /1 executions.*\nWhat was there before is the schema millrace_before_restore\./,
    restored.err,
  );
  await server.start();

  assert.equal((await server.json('GET', '/codestream/api/executions')).totalCount, 1);
  assert.equal((await server.until(await server.begin('P'), 'execution-ended')).status, 'COMPLETED');
  const counted = "SELECT DISTINCT tablename AS name FROM pg_stats WHERE schemaname = 'millrace' ORDER BY name";
  const names = (await query(counted)).rows.map(({ name }) => name);
  assert.ok(['aggregates', 'documents', 'events'].every((name) => names.includes(name)));
  assert.equal(
    (await query("SELECT count(*)::integer AS n FROM millrace_before_restore.aggregates WHERE kind = 'execution'"))
      .rows[0].n,
    2,
  );
});

test('all that a SQLite file holds goes on in PostgreSQL: waiting runs, logs, secrets, users', { skip }, async (t) => {
  const { environment } = await database(t);
  const server = await ServeProcess.start(t, '');
  const ask = 'Ask: {type: UserOperation, input: {approvers: [admin], summary: Größe ok?}}';
  await server.import(
    `${secret}\n---\n${check}\n---\n${pipelineAround(`Build: {type: CI, input: {steps: ["echo grün ✔"]}}\n${ask}`, workspace).replace('name: P', 'name: W')}`,
  );
  const done = await server.begin('P');
  await server.until(done, 'execution-ended');
  const waiting = await server.begin('W');
  await server.until(waiting, 'task-waiting');
  await server.until(waiting, 'task-ended');
  const events = await server.eventsUntil(waiting, 'task-ended');
  const log = await server.json('GET', `/api/executions/${waiting}/logs?task=S.Build`);
  const move = () => millrace(['db', 'move', '--data', server.directory, '-o', 'json'], environment);
  assert.match((await move()).err, /Another server \(process \d+\) uses/);
  server.signal('SIGTERM');
  await server.died;
  const { code, out, err } = await move();
  assert.equal(code, 0, err);
  assert.equal(JSON.parse(out).rows.aggregates > 2, true);
  assert.ok(!existsSync(join(server.directory, 'millrace.db')));
  server.environment = environment;
  await server.start();

  assert.deepEqual(await server.eventsUntil(waiting, 'task-ended'), events);
  assert.deepEqual(await server.json('GET', `/api/executions/${waiting}/logs?task=S.Build`), log);
  const { id } = await server.openQuestion();
  await server.json('PATCH', `/codestream/api/user-operations/${String(id)}`, { status: 'APPROVED' });
  assert.equal((await server.until(waiting, 'execution-ended')).status, 'COMPLETED');
  assert.equal((await server.until(await server.begin('P'), 'execution-ended')).status, 'COMPLETED');
  assert.equal((await server.json('GET', `/codestream/api/executions/${done}`)).status, 'COMPLETED');
});
