import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/directory.ts';
import { storeConformance } from '../../../test/store-conformance.ts';
import { MillraceError } from '../../core/error.ts';
import { firstSchema } from './schema.ts';
import { openSqlite } from './store.ts';

storeConformance(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  return {
    open: async (node) => openSqlite(join(directory, 'millrace.db'), node),
    close: async () => rmSync(directory, { recursive: true }),
  };
});

test('what a promise said was written is there after the process was killed', (t) => {
  const path = join(temporaryDirectory(t), 'millrace.db');
  const program = `
    import { openSqlite } from '${import.meta.dirname}/store.ts';
    const store = openSqlite(${JSON.stringify(path)}, { name: 'here', host: 'here' });
    for (let n = 0; ; n++) {
      await store.apply({ aggregates: [{ kind: 'execution', id: 'run-' + n, version: 0, state: {}, summary: {}, events: [{ n }] }], commands: [] });
      if (n === 20) process.kill(process.pid, 'SIGKILL');
    }`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program]);
  assert.equal(signal, 'SIGKILL');

  const database = new DatabaseSync(path);
  const { count } = database.prepare('SELECT count(*) AS count FROM events').get() as { count: number };
  database.close();
  assert.equal(count, 21);
});

test('a number that is used by anything on the disk is not given again after the process was killed', async (t) => {
  const path = join(temporaryDirectory(t), 'millrace.db');
  const program = `
    import { openSqlite } from '${import.meta.dirname}/store.ts';
    const store = openSqlite(${JSON.stringify(path)}, { name: 'here', host: 'here' });
    const numbers = await Promise.all(['run', 'run', 'run', 'record', 'record', 'none'].map((counter) => store.next(counter)));
    const run = { kind: 'execution', id: 'r' + numbers[2], version: 0, state: {}, summary: {}, events: [] };
    await store.apply({ aggregates: [run], commands: [] });
    const number = await store.next('record');
    await store.put({ kind: 'record', id: 'r' + number, project: '', name: 'r', body: {}, createdAt: 1, updatedAt: 1 });
    await store.next('none');
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program]);
  assert.equal(signal, 'SIGKILL');
  const store = openSqlite(path, { name: 'here', host: 'here' });

  assert.deepEqual(await Promise.all(['run', 'record', 'none'].map((counter) => store.next(counter))), [4, 4, 2]);
  await store.close();
});

test('a run that an older version has begun goes on with what it was', async (t) => {
  const path = join(temporaryDirectory(t), 'millrace.db');
  const old = new DatabaseSync(path);
  old.exec(firstSchema);
  old.exec('PRAGMA user_version = 1');
  const state = {
    plan: { execution: 'r', input: { text: 'Größe "1"' }, tags: ['good'] },
    status: 'RUNNING',
    notices: 3,
  };
  old.prepare("INSERT INTO aggregates VALUES ('execution', 'r', 7, ?, '{}', 1)").run(JSON.stringify(state));
  old.close();
  const store = openSqlite(path, { name: 'here', host: 'here' });

  assert.deepEqual(await store.load('execution', 'r'), { state: { ...state, tags: ['good'] }, version: 7 });
  await store.close();
});

test('an upgrade for which the disk has no room is refused in one sentence, and nothing of it is written', async (t) => {
  const path = join(temporaryDirectory(t), 'millrace.db');
  const old = new DatabaseSync(path);
  old.exec(firstSchema);
  old.exec('PRAGMA user_version = 1');
  const state = JSON.stringify({ plan: { tags: [] }, text: 'x'.repeat(50_000) });
  old.prepare("INSERT INTO aggregates VALUES ('execution', 'r', 7, ?, '{}', 1)").run(state);
  const { page_count: pages } = old.prepare('PRAGMA page_count').get() as { page_count: number };
  old.close();

  const here = { name: 'here', host: 'here' };
  assert.throws(() => openSqlite(path, here, { mostPages: pages + 2 }), /disk that holds the database is full/);
  const store = openSqlite(path, here);
  assert.equal((await store.load('execution', 'r'))?.version, 7);
  await store.close();
});

test('a database that a newer version wrote is left alone, with a hint', (t) => {
  const path = join(temporaryDirectory(t), 'millrace.db');
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  database.close();

  assert.throws(
    () => openSqlite(path, { name: 'here', host: 'here' }),
    (thrown) =>
      thrown instanceof MillraceError && thrown.code === 'storage.failed' && /newer Millrace/.test(thrown.message),
  );
});

test('a full disk refuses the whole change in one sentence, and the next one goes through', async (t) => {
  const path = join(temporaryDirectory(t), 'millrace.db');
  const writes = (id: string, text: string) => ({
    aggregates: [{ kind: 'execution' as const, id, version: 0, state: { text }, summary: {}, events: [] }],
    commands: [],
  });
  const full = openSqlite(path, { name: 'here', host: 'here' }, { mostPages: 30 });
  await full.apply(writes('small', 'x'));

  await assert.rejects(full.apply(writes('big', 'x'.repeat(100_000))), /disk that holds the database is full/);
  assert.equal(await full.load('execution', 'big'), undefined);
  await full.close();
  const roomy = openSqlite(path, { name: 'here', host: 'here' });
  t.after(() => roomy.close());
  assert.equal((await roomy.apply(writes('big', 'x'.repeat(100_000)))).result, 'applied');
});
