import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { newDatabase, withoutPostgres } from '../../../test/postgres/database.ts';
import { newBell } from '../bell.ts';
import { openPool } from './connection.ts';
import { openNews } from './news.ts';

const skip = withoutPostgres;

test('who is alone tells nobody, until another one is heard', { skip }, async (t) => {
  const { url, drop } = await newDatabase();
  const pool = openPool(url, { most: 2, name: 'test' });
  let isAlone = true;
  const heard = (): void => {
    isAlone = false;
  };
  const one = openNews(pool, url, 'one', { isAlone: () => isAlone, heard });
  const other = openNews(pool, url, 'other', { isAlone: () => false, heard: () => undefined });
  t.after(async () => {
    await Promise.all([one.close(), other.close()]);
    await pool.end();
    await drop();
  });
  const logs: string[] = [];
  const bell = newBell();
  bell.on('log', (stream) => logs.push(stream));
  const rung = once(bell, 'log');
  one.connect(newBell());
  other.connect(bell);

  one.tell((all) => all.emit('log', 'to nobody'));
  while (isAlone) {
    await other.greet();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  one.tell((all) => all.emit('log', 'to the other'));
  await rung;
  assert.deepEqual(logs, ['to the other']);
});
