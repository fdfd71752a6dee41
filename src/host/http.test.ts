import assert from 'node:assert/strict';
import { test } from 'node:test';
import { farSide } from '../../test/far-side.ts';
import { openHttp } from './http.ts';

const http = openHttp(() => undefined);

test('a redirect is followed, and a circle of them is not followed for ever', async (t) => {
  const far = await farSide(t, ({ path }) =>
    path === '/a'
      ? { status: 302, headers: { location: '/b' } }
      : path === '/b'
        ? { body: 'here' }
        : { status: 302, headers: { location: '/circle' } },
  );

  assert.deepEqual([(await http({ method: 'get', url: `${far.url}/a` })).body, far.calls.length], ['here', 2]);
  await assert.rejects(http({ method: 'get', url: `${far.url}/circle` }), /Redirect loop detected/);
});

test('an answer that is too long is cut', async (t) => {
  const far = await farSide(t, () => ({ body: 'x'.repeat(6 * 1024 * 1024) }));

  assert.equal((await http({ method: 'get', url: far.url })).body.length, 5 * 1024 * 1024);
});

test('a call is given up after its time-out, with the address and without its query', async (t) => {
  const far = await farSide(t, () => ({ hold: true }));

  await assert.rejects(http({ method: 'get', url: `${far.url}/slow?token=abc`, timeout: 50 }), {
    message: `GET ${far.url}/slow failed: no answer within 0.05 s.`,
  });
});

test('a call says in words why nobody answered', async (t) => {
  const far = await farSide(t, () => ({ cut: true }));
  const reason = (url: string) =>
    http({ method: 'get', url }).then(
      () => '',
      (error: Error) => error.message,
    );

  assert.match(await reason(far.url), /the connection was cut/);
  assert.match(await reason('http://127.0.0.1:1/'), /the connection was refused/);
  assert.match(await reason('http://nowhere.invalid/'), /the name is unknown|EAI_AGAIN/);
  assert.match(await reason('not an address'), /not one that HTTP knows/);
  assert.match(await reason('ftp://example/'), /not one that HTTP knows/);
});

test('a call that may not go out any more does not, nor over a connection that was asked for before', async (t) => {
  const far = await farSide(t, () => ({ body: 'heard' }));
  const refuseFrom = (turn: number) => {
    let asked = 0;
    return openHttp(() => {
      if (++asked >= turn) throw new Error('not ours any more');
    });
  };

  await assert.rejects(refuseFrom(1)({ method: 'post', url: far.url }), /not ours any more/);
  await assert.rejects(refuseFrom(2)({ method: 'post', url: far.url }), /not ours any more/);
  assert.equal((await refuseFrom(3)({ method: 'post', url: far.url })).body, 'heard');
  assert.equal(far.calls.length, 1);
});
