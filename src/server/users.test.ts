import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestServer } from '../../test/server.ts';

const ann = { name: 'Ann', password: 'first', role: 'viewer', email: 'ann@example.com', groups: ['ops'] };

test('users are made, listed, changed and removed by administrators', async (t) => {
  const server = await TestServer.start(t);
  const { password: _, ...shown } = ann;

  assert.deepEqual((await server.call('POST', '/api/users', ann)).body, shown);
  assert.deepEqual((await server.call('GET', '/api/users/ann')).body, shown);
  assert.equal((await server.call('GET', '/api/users')).body.totalElements, 2);
  const changed = await server.call('PATCH', '/api/users/ann', { role: 'executor', groups: [] });
  assert.deepEqual(changed.body, { ...shown, role: 'executor', groups: [] });
  assert.equal((await server.call('DELETE', '/api/users/Ann')).status, 200);
  assert.equal((await server.call('GET', '/api/users/ann')).body.code, 'not.found');
});

test('tokens end with the user and with the password, also for somebody of the same name who comes later', async (t) => {
  const server = await TestServer.start(t);
  const canRead = async (token: string) =>
    (await server.call('GET', '/codestream/api/pipelines', undefined, token)).status === 200;
  await server.call('POST', '/api/users', ann);
  const first = await server.signIn('ann', 'first');
  assert.ok(await canRead(first));

  await server.call('PATCH', '/api/users/ann', { password: 'second' });
  assert.ok(!(await canRead(first)));
  const second = await server.signIn('ann', 'second');
  await server.call('DELETE', '/api/users/ann');
  await server.call('POST', '/api/users', ann);
  assert.ok(!(await canRead(second)));
});

test('the last administrator stays one', async (t) => {
  const server = await TestServer.start(t);
  const errors = [
    await server.call('DELETE', '/api/users/admin'),
    await server.call('PATCH', '/api/users/admin', { role: 'viewer' }),
  ].map(({ status, body }) => [status, body.message]);

  assert.deepEqual(errors, [
    [400, 'admin is the only administrator and cannot be removed.'],
    [400, 'admin is the only administrator and cannot get another role.'],
  ]);
  await server.call('POST', '/api/users', { ...ann, role: 'administrator' });
  assert.equal((await server.call('DELETE', '/api/users/admin')).status, 200);
});

test('a name that is taken, a role that nobody knows and an address that is none are refused', async (t) => {
  const server = await TestServer.start(t);
  await server.call('POST', '/api/users', ann);
  const refused = async (body: object) => {
    const answer = await server.call('POST', '/api/users', { ...ann, ...body });
    return [answer.status, answer.body.code];
  };

  assert.deepEqual(await refused({ name: 'ANN' }), [409, 'name.taken']);
  assert.deepEqual(await refused({ name: 'bob', role: 'king' }), [400, 'request.invalid']);
  assert.deepEqual(await refused({ name: 'bob', email: 'nowhere' }), [400, 'request.invalid']);
});
