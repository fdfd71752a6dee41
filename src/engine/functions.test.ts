import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { farSide } from '../../test/far-side.ts';
import { type Answer, TestServer } from '../../test/server.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;

async function action(server: TestServer, body: object): Promise<string> {
  const made = await server.call('POST', '/abx/api/resources/actions', {
    projectId: 'Tito',
    entrypoint: 'handler',
    runtime: 'nodejs',
    ...body,
  });
  assert.equal(made.status, 200, made.text);
  return made.body.id;
}

async function runOf(server: TestServer, id: string, inputs: object = {}): Promise<Answer['body']> {
  const started = await server.call('POST', `/abx/api/resources/actions/${id}/action-runs`, { inputs });
  return ended(server, started.body.id);
}

async function ended(server: TestServer, run: string): Promise<Answer['body']> {
  for (let wait = 0; wait < 1000; wait++) {
    const { body } = await server.call('GET', `/abx/api/resources/action-runs/${run}`);
    if (['COMPLETED', 'FAILED', 'CANCELLED'].includes(body.runState)) return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Run ${run} never ended.`);
}

test('a function in Node.js gets context and inputs over its defaults, and its result is its output', async (t) => {
  const server = await TestServer.start(t);
  const id = await action(server, {
    name: 'add',
    inputs: { a: 1, b: 2 },
    source:
      "exports.handler = function handler(context, inputs) { console.log('adding'); return { sum: inputs.a + inputs.b }; };",
  });
  const run = await runOf(server, id, { b: 5 });

  assert.deepEqual([run.runState, run.outputs, run.logs.trim()], ['COMPLETED', { sum: 6 }, 'adding']);
});

test('a function may be async, or answer by a callback', async (t) => {
  const server = await TestServer.start(t);
  const waits = await action(server, {
    name: 'waits',
    source: 'exports.handler = async (context, inputs) => ({ ok: true });',
  });
  const calls = await action(server, {
    name: 'calls',
    source: 'exports.handler = (context, inputs, callback) => setTimeout(() => callback(undefined, { ok: 2 }), 5);',
  });

  assert.deepEqual((await runOf(server, waits)).outputs, { ok: true });
  assert.deepEqual((await runOf(server, calls)).outputs, { ok: 2 });
});

test('a function in Python gets the same', { skip: !hasPython && 'python3 is not installed' }, async (t) => {
  const server = await TestServer.start(t);
  await server.import('{project: Tito, kind: VARIABLE, name: key, type: SECRET, value: hush-hush}');
  const id = await action(server, {
    name: 'add',
    runtime: 'python',
    inputs: { a: 1, 'secret:key': '' },
    source:
      "def handler(context, inputs):\n    print('adding', inputs['a'], context.getSecret(inputs['key']))\n    return {'sum': inputs['a'] + 1, 'known': context.getSecret(inputs['key']) == 'hush-hush'}\n",
  });
  const run = await runOf(server, id);

  assert.deepEqual([run.runState, run.outputs], ['COMPLETED', { sum: 2, known: true }]);
  assert.equal(run.logs.trim(), 'adding 1 ********');
});

test('a secret reaches the function opaque, and is opened by the context alone', async (t) => {
  const server = await TestServer.start(t);
  await server.import('{project: Tito, kind: VARIABLE, name: key, type: SECRET, value: hush-hush}');
  const id = await action(server, {
    name: 'tell',
    inputs: { 'secret:key': '' },
    source:
      "exports.handler = (context, inputs) => { console.log(context.getSecret(inputs.key)); return { seen: inputs.key, environment: JSON.stringify(process.env).includes('hush') }; };",
  });
  const run = await runOf(server, id);

  assert.deepEqual(run.outputs, { seen: 'secret:key', environment: false });
  assert.equal(run.logs.trim(), '********');
});

test('a function that throws, does not exist, or takes too long fails with the reason', async (t) => {
  const server = await TestServer.start(t);
  const throws = await action(server, {
    name: 'throws',
    source: "exports.handler = () => { throw new Error('no such zone'); };",
  });
  const lacks = await action(server, { name: 'lacks', source: 'exports.other = () => ({});' });
  const slow = await action(server, {
    name: 'slow',
    timeoutSeconds: 1,
    source: 'exports.handler = () => new Promise(() => setInterval(() => {}, 1000));',
  });

  assert.equal((await runOf(server, throws)).errorMessage, 'no such zone');
  assert.match((await runOf(server, lacks)).errorMessage, /exports no function handler/);
  assert.match((await runOf(server, slow)).errorMessage, /ran longer than 1 s/);
});

test('the same idempotency key twice is one run', async (t) => {
  const server = await TestServer.start(t);
  const id = await action(server, { name: 'once', source: 'exports.handler = () => ({});' });
  const ask = () =>
    fetch(`${server.url}/abx/api/resources/actions/${id}/action-runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'idempotency-key': 'k', 'content-type': 'application/json' },
      body: '{"inputs": {}}',
    }).then((answer) => answer.json() as Promise<{ id: string }>);

  assert.equal((await ask()).id, (await ask()).id);
  const { body } = await server.call('GET', '/abx/api/resources/action-runs');
  assert.equal(body.totalElements, 1);
});

test('a run that is cancelled stops', async (t) => {
  const server = await TestServer.start(t);
  const id = await action(server, {
    name: 'slow',
    source: 'exports.handler = () => new Promise(() => setInterval(() => {}, 1000));',
  });
  const started = await server.call('POST', `/abx/api/resources/actions/${id}/action-runs`, { inputs: {} });
  await server.call('PATCH', `/abx/api/resources/action-runs/${started.body.id}`, { runState: 'CANCELLED' });

  assert.equal((await ended(server, started.body.id)).runState, 'CANCELLED');
});

for (const runtime of ['nodejs', 'python']) {
  const skip = runtime === 'python' && !hasPython && 'python3 is not installed';

  test(`a function in ${runtime} calls this server with the rights of who started it, and others without them`, {
    skip,
  }, async (t) => {
    const server = await TestServer.start(t);
    const far = await farSide(t, () => ({ body: { far: true } }));
    const source = {
      nodejs: `exports.handler = async (context, inputs) => {
        const own = await context.request('/codestream/api/user-preferences', 'GET', '');
        const far = await context.request(inputs.far, 'POST', { a: 1 });
        return { user: JSON.parse(own.content).userName, status: own.status, far: JSON.parse(far.content).far };
      };`,
      python: `import json\ndef handler(context, inputs):\n    own = context.request('/codestream/api/user-preferences', 'GET', '')\n    far = context.request(inputs['far'], 'POST', {'a': 1})\n    return {'user': json.loads(own['content'])['userName'], 'status': own['status'], 'far': json.loads(far['content'])['far']}\n`,
    }[runtime]!;
    const run = await runOf(server, await action(server, { name: 'calls', runtime, source }), { far: far.url });

    assert.deepEqual(run.outputs, { user: 'admin', status: 200, far: true }, run.errorMessage);
    assert.deepEqual(
      [far.calls[0]?.headers.authorization, far.calls[0]?.body.replaceAll(' ', '')],
      [undefined, '{"a":1}'],
    );
  });
}
