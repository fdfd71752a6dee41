import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { farSide } from '../../../test/far-side.ts';
import { TestServer } from '../../../test/server.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;

test('REST puts out status, headers and a tree of the answer, and fails from 400 on', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, ({ path }) =>
    path === '/good'
      ? { body: { a: 1 }, headers: { authorization: 'Bearer x', 'x-odd-name': 'y' } }
      : { status: 404, body: 'gone' },
  );
  const execution = await server.runTasks(
    `Good: {type: REST, input: {action: GET, url: "${far.url}/good"}}\nBad: {type: REST, input: {action: delete, url: "${far.url}/bad"}}`,
  );
  const { Good, Bad } = execution.stages.S.tasks;

  assert.deepEqual(
    [Good.output.responseCode, Good.output.responseJson, Good.output.responseBody],
    [200, { a: 1 }, { a: 1 }],
  );
  assert.deepEqual(
    [Good.output.responseHeaders.Authorization, Good.output.responseHeaders['X-Odd-Name']],
    ['Bearer x', 'y'],
  );
  assert.deepEqual(
    [Bad.status, Bad.output.responseCode, Bad.output.responseBody, Bad.output.responseJson],
    ['FAILED', 404, 'gone', null],
  );
  assert.equal(execution.statusMessage, 'S.Bad: Request failed with status code : 404');
});

test('REST sends the key of its task, so that a far side can tell a repeated call', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, () => ({}));
  const execution = await server.runTasks(
    `Call: {type: REST, input: {action: post, url: "${far.url}", payload: hello}}`,
  );

  assert.equal(far.calls[0]?.headers['idempotency-key'], `${execution.id}/S.Call/1`);
  assert.equal(far.calls[0]?.body, 'hello');
});

test('REST names the address and the reason when nobody answers, and keeps what may be secret in it to itself', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(
    'Call: {type: REST, input: {action: get, url: "http://127.0.0.1:1/x?token=abc"}}',
  );

  assert.equal(execution.statusMessage, 'S.Call: GET http://127.0.0.1:1/x failed: the connection was refused.');
});

test('a task that fails is tried again as often as its author says, and each attempt has a key and a log of its own', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, (_, count) => (count < 3 ? { status: 503 } : {}));
  const execution = await server.runTasks(
    `Call: {type: REST, input: {action: get, url: "${far.url}"}, millrace: {retry: {attempts: 3, delay: 10ms}}}`,
  );

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.equal(execution.stages.S.tasks.Call.attempt, 3);
  assert.deepEqual(
    far.calls.map(({ headers }) => headers['idempotency-key']),
    [1, 2, 3].map((attempt) => `${execution.id}/S.Call/${attempt}`),
  );
});

test('POLL asks until its success criterion holds', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, (_, count) => ({ body: { state: count < 3 ? 'BUSY' : 'DONE' } }));
  const execution = await server.runTasks(
    `Wait: {type: POLL, input: {url: "${far.url}", pollCount: 10, pollIntervalSeconds: 0.01, exitCriteria: {success: 'state == "DONE"', failure: 'state == "BROKEN"'}}}`,
  );

  assert.deepEqual(
    [execution.status, far.calls.length, execution.stages.S.tasks.Wait.output.iterationCount],
    ['COMPLETED', 3, 3],
  );
});

test('POLL fails when its failure criterion holds, when its calls are used up, or when a call fails', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, ({ path }) => ({ status: path === '/broken' ? 503 : 200, body: { state: 'BROKEN' } }));
  const run = (input: string) =>
    server
      .runTasks(`Wait: {type: POLL, input: {pollIntervalSeconds: 0.01, ${input}}}`)
      .then(({ statusMessage }) => statusMessage);

  assert.match(
    await run(`url: "${far.url}", exitCriteria: {success: 'state == "DONE"', failure: 'state == "BROKEN"'}`),
    /failure criterion was met: state == "BROKEN"/,
  );
  assert.match(
    await run(`url: "${far.url}", pollCount: 2, exitCriteria: {success: 'state == "DONE"'}`),
    /not met in 2 calls: state == "DONE"; the last answer had status 200/,
  );
  assert.match(await run(`url: "${far.url}/broken", exitCriteria: {success: 'state == "DONE"'}`), /status code : 503/);
});

test('POLL goes on over failing calls when it is told to', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, (_, count) => (count === 1 ? { cut: true } : count === 2 ? { status: 503 } : {}));
  const execution = await server.runTasks(
    `Wait: {type: POLL, input: {url: "${far.url}", ignoreFailure: true, pollIntervalSeconds: 0.01, exitCriteria: {success: '\${responseCode} == 200'}}}`,
  );

  assert.deepEqual([execution.status, far.calls.length], ['COMPLETED', 3]);
});

test('Condition goes on where it holds and says what did not', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(
    "Yes: {type: Condition, input: {condition: '1 < 2'}}\nNo: {type: Condition, input: {condition: '2 < 1'}}",
  );

  assert.deepEqual(
    [execution.stages.S.tasks.Yes.output.response, execution.stages.S.tasks.No.status],
    [true, 'FAILED'],
  );
  assert.equal(execution.statusMessage, 'S.No: The condition is not met: 2 < 1');
});

test('a job that takes more memory than it may is stopped and says so', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    integration(
      'hungry',
      'nodejs',
      'const all = []; setInterval(() => { for (let i = 0; i < 20; i++) all.push(Buffer.alloc(10_000_000, 1)); }, 1);',
    ),
  );
  const execution = await server.runTasks('Run: {type: Custom, input: {name: hungry, version: draft}}');

  assert.match(execution.statusMessage, /used more than 512 MB of memory/);
});

test('a custom integration in Node.js reads its inputs and sets its outputs', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    integration(
      'greet',
      'nodejs',
      "const { getInput, setOutput } = require('./context.js'); console.log('hi ' + getInput('who')); setOutput('said', 'hello ' + getInput('who')); setOutput('list', [1]);",
    ),
  );
  const execution = await server.runTasks(
    'Run: {type: Custom, input: {name: greet, version: draft, properties: {who: ann}}}',
  );

  assert.deepEqual(execution.stages.S.tasks.Run.output.properties, { said: 'hello ann', list: [1] });
  assert.match(await server.log(execution.id, 'S.Run'), /hi ann/);
});

test('a custom integration in the shell gets variables and puts out what it exports', async (t) => {
  const server = await TestServer.start(t);
  await server.import(integration('greet', 'shell', 'export said="hello $who"', ['said']));
  const execution = await server.runTasks(
    `Run: {type: Custom, input: {name: greet, version: draft, properties: {who: "a'b"}}}`,
  );

  assert.deepEqual(execution.stages.S.tasks.Run.output.properties, { said: "hello a'b" });
});

test('a custom integration in Python reads its inputs and sets its outputs', {
  skip: !hasPython && 'python3 is not installed',
}, async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    integration(
      'greet',
      'python3',
      "from context import getInput, setOutput\nprint('hi', getInput('who'))\nsetOutput('said', 'hello ' + getInput('who'))",
    ),
  );
  const execution = await server.runTasks(
    'Run: {type: Custom, input: {name: greet, version: draft, properties: {who: ann}}}',
  );

  assert.deepEqual(execution.stages.S.tasks.Run.output.properties, { said: 'hello ann' });
});

test('a custom integration that fails, or is not there, is named', async (t) => {
  const server = await TestServer.start(t);
  await server.import(integration('bad', 'nodejs', 'process.exit(3)'));

  assert.match(
    (await server.runTasks('Run: {type: Custom, input: {name: bad, version: draft}}')).statusMessage,
    /ended with exit code 3/,
  );
  assert.match(
    (await server.runTasks('Run: {type: Custom, input: {name: none, version: 1.0}}')).statusMessage,
    /no custom integration none in a released version 1/,
  );
});

test('a version of a custom integration stays as it was frozen, and is used only while it is released', async (t) => {
  const server = await TestServer.start(t);
  const code = (said: string) => `require('./context.js').setOutput('said', '${said}');`;
  await server.import(integration('greet', 'nodejs', code('one')));
  const { body: made } = await server.call('GET', '/codestream/api/custom-integrations/Tito/greet');
  const versions = `/codestream/api/custom-integrations/${made.id}/versions`;
  const run = () => server.runTasks('Run: {type: Custom, input: {name: greet, version: 1.0.0}}');
  const frozen = await server.call('POST', versions, { version: '1.0.0', changeLog: 'First.' });
  assert.deepEqual([frozen.body.version, frozen.body.status, frozen.body.changeLog], ['1.0.0', 'NONE', 'First.']);
  assert.match((await run()).statusMessage, /no custom integration greet in a released version 1.0.0/);

  assert.equal((await server.call('POST', `${versions}/1.0.0/release`)).body.status, 'RELEASED');
  await server.import(integration('greet', 'nodejs', code('two')));
  assert.equal((await run()).stages.S.tasks.Run.output.properties.said, 'one');
  await server.call('POST', `${versions}/1.0.0/restore`);
  const draft = await server.runTasks('Run: {type: Custom, input: {name: greet, version: draft}}');
  assert.equal(draft.stages.S.tasks.Run.output.properties.said, 'one');

  await server.import(integration('greet', 'nodejs', code('three')));
  const unnamed = async () =>
    (await server.runTasks('Run: {type: Custom, input: {name: greet}}')).stages.S.tasks.Run.output.properties.said;
  assert.equal(await unnamed(), 'three', 'the draft');
  await server.call('PATCH', `${versions}/1.0.0`, { setLatest: true });
  assert.equal(await unnamed(), 'one', 'the version that was called the latest');

  await server.call('POST', `${versions}/1.0.0/withdraw`);
  assert.equal((await run()).status, 'FAILED');
  assert.equal((await server.call('POST', versions, { version: '1.0.0' })).body.code, 'name.taken');
  assert.equal((await server.call('DELETE', `${versions}/1.0.0`)).body.version, '1.0.0');
  assert.equal((await server.call('GET', versions)).body.count, 0);
});

const integration = (name: string, runtime: string, code: string, outputs: string[] = []): string =>
  `kind: CUSTOM_INTEGRATION\nname: ${name}\nruntime: ${runtime}\ncode: ${JSON.stringify(code)}\ninputProperties: []\noutputProperties: ${JSON.stringify(outputs.map((output) => ({ name: output })))}\n`;
