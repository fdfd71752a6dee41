import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqlite } from '../store/sqlite/store.ts';
import { openAuth } from './auth.ts';
import { openUsers } from './users.ts';

test('a token is valid for its life, and is forgotten then', async (t) => {
  const store = openSqlite(':memory:', { name: 'here', host: 'here' });
  t.after(() => store.close());
  let now = 1000;
  const users = openUsers(store, () => now);
  const auth = openAuth(store, users, () => now);
  const ann = await users.add('Ann', 'pw', 'viewer');
  const { access, refresh } = await auth.signIn('ann', 'pw');
  const short = await auth.issue('Ann', 'access', 5000);
  assert.deepEqual(await auth.userOfToken(short), ann);

  now += 5001;
  assert.equal(await auth.userOfToken(short), undefined);
  assert.ok(await auth.userOfToken(access));
  await auth.forgetExpired();
  assert.equal((await store.list('token')).length, 2);

  now += 100 * 86_400_000;
  await assert.rejects(auth.refresh(refresh), /not valid, or no longer/);
  await auth.forgetExpired();
  assert.deepEqual(await store.list('token'), []);
});

test('neither passwords nor tokens can be read back from the store', async (t) => {
  const store = openSqlite(':memory:', { name: 'here', host: 'here' });
  t.after(() => store.close());
  const users = openUsers(store, () => 1000);
  const auth = openAuth(store, users, () => 1000);
  await users.add('ann', 'correct horse', 'viewer');
  const { access } = await auth.signIn('ann', 'correct horse');
  const kept = JSON.stringify([await store.list('user'), await store.list('token')]);

  assert.ok(!kept.includes('correct horse'));
  assert.ok(!kept.includes(access));
});
