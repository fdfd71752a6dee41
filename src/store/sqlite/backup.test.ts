import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/directory.ts';
import { millrace } from '../../../test/millrace.ts';
import { ServeProcess } from '../../../test/serve-process.ts';
import { pipelineAround, TestServer } from '../../../test/server.ts';
import { openSqlite } from './store.ts';

const check = 'Check: {type: Condition, input: {condition: "true"}}';

test('a backup of a running server holds everything of one moment, and a restore brings it back', async (t) => {
  const server = await TestServer.start(t);
  await server.import('{project: Tito, kind: VARIABLE, name: token, type: SECRET, value: abc123xyz}');
  await server.import(
    pipelineAround('Check: {type: Condition, input: {condition: \'"${var.token}" == "abc123xyz"\'}}'),
  );
  await server.run('P');
  const file = join(temporaryDirectory(t), 'monday.db');
  const made = await millrace(['backup', file, '--data', server.directory, '-o', 'json']);
  assert.equal(made.code, 0, made.err);
  assert.deepEqual([JSON.parse(made.out).executions, JSON.parse(made.out).definitions], [1, 2]);

  await server.run('P');
  await server.stop();
  const restored = await millrace(['restore', file, '--data', server.directory]);
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.out, /1 executions.*\nWhat was there before is .*millrace\.db\.before-restore\.\n/);
  await server.start();
  assert.equal((await server.call('GET', '/codestream/api/executions')).body.totalCount, 1);
  assert.equal((await server.run('P')).status, 'COMPLETED');
});

test('a restore into an empty directory is a server, and what was kept beside an earlier one stays', async (t) => {
  const server = await TestServer.start(t);
  await server.runTasks(check);
  const [file, data] = [join(temporaryDirectory(t), 'b.db'), join(temporaryDirectory(t), 'new')];
  await millrace(['backup', file, '--data', server.directory]);
  for (let time = 0; time < 3; time++) assert.equal((await millrace(['restore', file, '--data', data])).code, 0);

  const kept = readdirSync(data).filter((name) => name.includes('before-restore'));
  assert.deepEqual(kept.sort(), ['millrace.db.before-restore', 'millrace.db.before-restore-2']);
});

test('what is no backup is refused, and the database stays as it was', async (t) => {
  const directory = temporaryDirectory(t);
  const data = join(directory, 'data');
  const path = (name: string) => join(directory, name);
  writeFileSync(path('text'), 'This is no database at all, whatever its name says.'.repeat(100));
  const other = new DatabaseSync(path('other'));
  other.exec('CREATE TABLE cats (name TEXT)');
  other.close();
  await openSqlite(path('newer'), { name: 'here', host: 'here' }).close();
  const newer = new DatabaseSync(path('newer'));
  newer.exec('PRAGMA user_version = 999');
  newer.close();
  const refused = async (name: string) => {
    const { code, err } = await millrace(['restore', path(name), '--data', data]);
    assert.ok(!existsSync(join(data, 'millrace.db')) && !existsSync(join(data, 'millrace.db.restoring')), name);
    return `${code}: ${err}`;
  };

  assert.match(await refused('nothing'), /^1: There is no file /);
  assert.match(await refused('text'), /^3: .* is no database: /);
  assert.match(await refused('other'), /^3: .* is a database of another program/);
  assert.match(await refused('newer'), /^3: The database was written by a newer Millrace/);
});

test('a backup overwrites nothing, and a restore does not touch what a server uses', async (t) => {
  const server = await TestServer.start(t);
  const file = join(temporaryDirectory(t), 'b.db');
  const backup = () => millrace(['backup', file, '--data', server.directory]);
  assert.equal((await backup()).code, 0);
  assert.match((await backup()).err, /b\.db exists already/);
  assert.match((await millrace(['backup', `${file}2`, '--data', '/nowhere'])).err, /There is no database in \/nowhere/);

  const running = await ServeProcess.start(t, '');
  const refused = await millrace(['restore', file, '--data', running.directory]);
  assert.match(`${refused.code}: ${refused.err}`, /^3: Another server \(process \d+\) uses /);
  assert.ok(await running.json('GET', '/codestream/api/pipelines'));
});
