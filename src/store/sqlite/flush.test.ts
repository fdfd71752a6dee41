import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/directory.ts';
import { MillraceError } from '../../core/error.ts';
import { openFlush } from './flush.ts';
import { openSqlite } from './store.ts';

const run = (id: string) => ({
  aggregates: [{ kind: 'execution' as const, id, version: 0, state: {}, summary: {}, events: [] }],
  commands: [],
});

test('those who come while a file is flushed share the next flush, which begins after they came', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, 'text');
  const flush = openFlush(path);
  t.after(flush.close);
  const first = flush.flushed();
  const [second, third] = [flush.flushed(), flush.flushed()];

  assert.notEqual(first, second);
  assert.equal(second, third);
  await Promise.all([first, second]);
  assert.notEqual(flush.flushed(), second);
});

test('what cannot be flushed is said, to each who asks', async (t) => {
  const flush = openFlush('/dev/null');
  t.after(flush.close);
  await assert.rejects(flush.flushed(), { code: 'EINVAL' });
  const [second, third] = [flush.flushed(), flush.flushed()];
  await assert.rejects(second, { code: 'EINVAL' });
  await assert.rejects(third, { code: 'EINVAL' });
});

test('the process waits for a quick disk where nobody else does, and never for a slow one twice', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, 'text');
  let [time, takes] = [0, 0.3];
  const how: string[] = [];
  const disk = (name: string) => () => {
    how.push(name);
    time += takes;
  };
  const flush = openFlush(path, { sync: async () => disk('beside')(), syncNow: disk('waits') }, () => time);
  t.after(flush.close);
  const one = async (isAlone: boolean, milliseconds: number) => {
    takes = milliseconds;
    await flush.flushed(isAlone);
  };
  await one(true, 0.3);
  await one(true, 0.3);
  await one(false, 0.3);
  await one(true, 40);
  await one(true, 40);
  await one(true, 0.3);
  await one(true, 0.3);

  assert.deepEqual(how, ['beside', 'waits', 'beside', 'waits', 'beside', 'beside', 'waits']);
});

test('a disk that the process waits for says what it did not take', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, 'text');
  const syncNow = () => {
    throw new Error('EIO');
  };
  const flush = openFlush(path, { sync: () => Promise.resolve(), syncNow }, () => 0);
  t.after(flush.close);
  await flush.flushed();

  await assert.rejects(flush.flushed(true), /EIO/);
});

test('nothing is answered before it is on the disk, and what comes meanwhile goes together', async (t) => {
  let release!: () => void;
  let flushes = 0;
  const flush = {
    flushed() {
      flushes++;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    },
    close: () => undefined,
  };
  const store = openSqlite(join(temporaryDirectory(t), 'millrace.db'), { name: 'here', host: 'here' }, { flush });
  const answered: string[] = [];
  const apply = (id: string) => store.apply(run(id)).then(() => void answered.push(id));
  const first = apply('a');
  while (flushes === 0) await new Promise((resolve) => setImmediate(resolve));
  const later = ['b', 'c'].map(apply);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([answered, flushes], [[], 1]);

  release();
  await first;
  while (flushes === 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(answered, ['a']);
  release();
  await Promise.all(later);
  assert.equal(flushes, 2);
  const closed = store.close();
  while (flushes === 2) await new Promise((resolve) => setImmediate(resolve));
  release();
  await closed;
});

test('a disk that fails to say what it took is a failure of the change, and of the store', async (t) => {
  const lost: string[] = [];
  const path = join(temporaryDirectory(t), 'millrace.db');
  const flush = { flushed: () => Promise.reject(new Error('EIO')), close: () => undefined };
  const store = openSqlite(path, { name: 'here', host: 'here' }, { flush, lost: (reason) => void lost.push(reason) });
  const refused = (thrown: unknown) => thrown instanceof MillraceError && thrown.code === 'storage.failed';

  await assert.rejects(store.apply(run('a')), refused);
  assert.deepEqual(lost, ['The disk did not take what was written to the database.']);
});
