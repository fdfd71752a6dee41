import assert from 'node:assert/strict';
import { test } from 'node:test';
import { farSide } from '../../test/far-side.ts';
import { pipelineAround, TestServer } from '../../test/server.ts';

const ask = (more = '') => `Ask: {type: UserOperation, input: {approvers: [ann], summary: Go on?${more}}}`;
const question = (server: TestServer) =>
  server.call('GET', '/codestream/api/user-operations').then(({ body }) => body.documents[body.links[0]]);
const waiting = async (server: TestServer, name = 'P', input = {}) => {
  const id = await server.begin(name, input);
  await server.until(id, ({ type }) => type === 'task-waiting');
  return id;
};

test('tasks see inputs, variables and what came before them', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, () => ({ body: { id: 7, list: ['a', 'b'] } }));
  await server.import('{project: Tito, kind: VARIABLE, name: greeting, type: REGULAR, value: hello}');
  const execution = await server.runTasks(
    `Call: {type: REST, input: {action: post, url: "${far.url}/x?y=\${input.who}", headers: {X-Greeting: "\${var.greeting}"}, payload: "{\\"n\\": \\"\${executionIndex}\\"}"}}
Check: {type: Condition, input: {condition: '\${S.Call.output.responseJson.id} == 7 && "\${S.Call.output.responseBody.list[1]}" == "b"'}}`,
    'input: {who: ann}\noutput: {id: "${S.Call.output.responseJson.id}"}',
  );

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual(
    [far.calls[0]?.path, far.calls[0]?.headers['x-greeting'], far.calls[0]?.body],
    ['/x?y=ann', 'hello', '{"n": "1"}'],
  );
  assert.deepEqual(execution.output, { id: 7 });
});

test('secrets are used and never seen: not in inputs, outputs, messages, events or logs', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, ({ headers }) => ({ body: { echo: headers.authorization } }));
  await server.import('{project: Tito, kind: VARIABLE, name: token, type: SECRET, value: abc123xyz}');
  const execution = await server.runTasks(
    `Call: {type: REST, input: {action: get, url: "${far.url}", headers: {Authorization: "Bearer \${var.token}"}}}
Build: {type: CI, input: {steps: ['echo token is \${var.token}', 'export T=\${var.token}'], export: [T]}}
Check: {type: Condition, input: {condition: '"\${var.token}" == "nothing"'}}`,
    'workspace: {type: PROCESS, endpoint: "", image: ""}',
  );

  assert.equal(far.calls[0]?.headers.authorization, 'Bearer abc123xyz');
  assert.equal(execution.stages.S.tasks.Call.output.responseJson.echo, 'Bearer ********');
  assert.match(await server.log(execution.id, 'S.Build'), /token is \*{8}/);
  const shown = JSON.stringify(execution);
  assert.ok(!shown.includes('abc123xyz'));
  for await (const { data } of server.events(`/api/events?execution=${execution.id}`, '0')) {
    assert.ok(!JSON.stringify(data).includes('abc123xyz'));
    if (data.type === 'execution-ended') break;
  }
});

test('a restricted variable is used only in runs of administrators', async (t) => {
  const server = await TestServer.start(t);
  await server.import('{project: Tito, kind: VARIABLE, name: key, type: RESTRICTED, value: topsecret}');
  await server.import(pipelineAround('Check: {type: Condition, input: {condition: \'"${var.key}" == "topsecret"\'}}'));
  assert.equal((await server.run('P')).status, 'COMPLETED');

  const token = await server.user('executor');
  const { body } = await server.call('POST', '/codestream/api/pipelines/Tito/P/executions', {}, token);
  const execution = await server.ended(body.executionId);
  assert.equal(execution.status, 'FAILED');
  assert.match(execution.statusMessage, /Variable key is restricted/);
});

test('at most as many runs of a pipeline as it allows are under way, and the others follow in order', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(ask(), 'concurrency: 1'));
  const first = await waiting(server);
  const second = await server.begin('P');
  const third = await server.begin('P');
  await server.until(third, ({ type }) => type === 'execution-queued');
  const statusOf = async (id: string) => (await server.call('GET', `/codestream/api/executions/${id}`)).body.status;
  assert.deepEqual([await statusOf(second), await statusOf(third)], ['QUEUED', 'QUEUED']);

  await server.call('POST', `/codestream/api/executions/${first}?action=cancel`, {});
  await server.until(second, ({ type }) => type === 'task-waiting');
  assert.equal(await statusOf(third), 'QUEUED');
  await server.call('POST', `/codestream/api/executions/${second}?action=cancel`, {});
  await server.until(third, ({ type }) => type === 'task-waiting');
});

test('a user operation is answered by its approvers and administrators, and by nobody else', async (t) => {
  const server = await TestServer.start(t);
  const [ann, viewer] = [await server.user('user'), await server.user('viewer')];
  await server.import(pipelineAround('Ask: {type: UserOperation, input: {approvers: [USER], summary: Go on?}}'));
  const id = await waiting(server);
  const { id: op, summary, status, index } = await question(server);
  assert.deepEqual([summary, status, index.length], ['Go on?', 'ACTIVE', 6]);
  const answer = (token: string, body: object) =>
    server.call('PATCH', `/codestream/api/user-operations/${op}`, body, token);

  assert.equal((await answer(viewer, { status: 'APPROVED' })).body.code, 'approval.not-approver');
  assert.equal((await answer(ann, { status: 'PERHAPS' })).body.code, 'request.invalid');
  assert.equal((await answer(ann, { status: 'APPROVED', responseMessage: 'Fine.' })).status, 200);
  const execution = await server.ended(id);
  assert.deepEqual(
    [execution.status, execution.stages.S.tasks.Ask.output.respondedBy, execution.stages.S.tasks.Ask.output.comments],
    ['COMPLETED', 'user', 'Fine.'],
  );
  assert.equal((await answer(ann, { status: 'REJECTED' })).body.code, 'approval.closed');
});

test('a rejection fails the run and says who said no', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(ask()));
  const id = await waiting(server);
  await server.call('POST', '/codestream/api/batch-user-operations', {
    ids: [(await question(server)).id],
    status: 'REJECTED',
    responseMessage: 'Too late.',
  });
  const execution = await server.ended(id);

  assert.equal(execution.status, 'FAILED');
  assert.match(execution.statusMessage, /rejected by admin. Too late./);
});

test('a user operation that nobody answers expires', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(ask(', expiration: 0.002, expirationUnit: MINUTES'));

  assert.match(execution.statusMessage, /expired: nobody answered in time/);
  assert.equal((await question(server)).status, 'EXPIRED');
});

test('a cancelled run stops what it started and tells who cancelled it', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, () => ({ hold: true }));
  await server.import(pipelineAround(`Call: {type: REST, input: {action: get, url: "${far.url}"}}`));
  const called = far.nextCall();
  const id = await server.begin('P');
  await called;
  await server.call('POST', `/codestream/api/executions/${id}?action=cancel`, { reason: 'Wrong branch.' });
  const execution = await server.ended(id);

  assert.deepEqual(
    [execution.status, execution.statusMessage],
    ['CANCELED', 'Execution canceled by admin. Wrong branch.'],
  );
  assert.equal(
    (await server.call('POST', `/codestream/api/executions/${id}?action=cancel`, {})).body.code,
    'execution.ended',
  );
});

test('a task that takes longer than its time-out is stopped and named', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(
    'Build: {type: CI, millrace: {timeout: 300ms}, input: {steps: ["sleep 60"]}}',
    'workspace: {type: PROCESS, endpoint: "", image: ""}',
  );

  assert.equal(execution.statusMessage, 'S.Build: The task took longer than its time-out of 0.3 s.');
});

test('a run is run again with the same inputs', async (t) => {
  const server = await TestServer.start(t);
  const first = await server.runTasks(
    'Check: {type: Condition, input: {condition: \'"${input.who}" == "ann"\'}}',
    'input: {who: ""}',
  );
  assert.equal(first.status, 'FAILED');
  const good = await server.run('P', { who: 'ann' });
  const again = await server.call('POST', `/codestream/api/executions/${good.id}?action=rerun`, {});
  const execution = await server.ended(again.body.executionId);

  assert.deepEqual(
    [execution.status, execution.input, execution.comments],
    ['COMPLETED', { who: 'ann' }, 'Re-run of #2'],
  );
});

test('editing a pipeline does not change a run that has begun', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(ask()));
  const id = await waiting(server);
  await server.import(pipelineAround('Other: {type: Condition, input: {condition: "false"}}'));
  await server.call('PATCH', `/codestream/api/user-operations/${(await question(server)).id}`, { status: 'APPROVED' });
  const execution = await server.ended(id);

  assert.deepEqual([execution.status, Object.keys(execution.stages.S.tasks)], ['COMPLETED', ['Ask']]);
});

test('a waiting run goes on after the server was stopped and started', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(`${ask()}\nTell: {type: Condition, input: {condition: "true"}}`));
  const id = await waiting(server);
  await server.stop();
  await server.start();
  await server.call('PATCH', `/codestream/api/user-operations/${(await question(server)).id}`, { status: 'APPROVED' });

  assert.equal((await server.ended(id)).status, 'COMPLETED');
});

test('a job goes on while the server is away, and is found again with everything it printed', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    pipelineAround(
      'Build: {type: CI, input: {steps: ["echo before", "echo $$ > pid; while [ ! -e ../../go ]; do sleep 0.02; done", "echo after"]}}',
      'workspace: {type: PROCESS, endpoint: "", image: ""}',
    ),
  );
  const id = await server.begin('P');
  await server.until(id, ({ type }) => type === 'task-running');
  await server.stop();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${server.directory}/jobs/go`, '');
  await server.start();
  const execution = await server.ended(id);

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  const log = await server.log(id, 'S.Build');
  assert.match(log, /before[\s\S]*after/);
  assert.equal(log.match(/^before$/gm)?.length, 1);
});

test('the workspace of a run is removed when the run has ended', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(
    'Build: {type: CI, input: {steps: [pwd, "export HERE=$(pwd)"], export: [HERE]}}',
    'workspace: {type: PROCESS, endpoint: "", image: ""}',
  );
  const { existsSync } = await import('node:fs');
  const here = execution.stages.S.tasks.Build.output.exports.HERE;
  assert.ok(here.startsWith(server.directory));

  for (let wait = 0; existsSync(here) && wait < 500; wait++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(!existsSync(here));
});

const skip = process.env.MILLRACE_TEST_STORE === 'postgres' && 'only a file of SQLite can be kept from growing here';
test('a full disk stops nothing for good: what could not be written is tried again', { skip }, async (t) => {
  const server = await TestServer.start(t, { mostPages: 60 });
  await server.import(
    pipelineAround(
      'Build: {type: CI, input: {steps: ["head -c 400000 /dev/zero | tr \'\\\\0\' x"]}}',
      'workspace: {type: PROCESS, endpoint: "", image: ""}',
    ),
  );
  const id = await server.begin('P');
  for (let wait = 0; server.reports.length === 0 && wait < 1000; wait++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match(JSON.stringify(server.reports[0]), /disk that holds the database is full/);

  await server.stop();
  server.roomy();
  await server.start();
  assert.equal((await server.ended(id)).status, 'COMPLETED');
});

test('a newer question may withdraw the older ones of its pipeline, whose runs are cancelled', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(ask(', cancelPreviousPendingUserOp: true')));
  const first = await waiting(server);
  const second = await waiting(server);
  const execution = await server.ended(first);

  assert.deepEqual(
    [execution.status, execution.stages.S.tasks.Ask.status, execution.statusMessage],
    ['CANCELED', 'CANCELED', 'User Operation request has been canceled: run #2 of the pipeline asks now.'],
  );
  assert.equal((await server.call('GET', `/codestream/api/executions/${second}`)).body.status, 'WAITING');
});

test('a run that names a variable or an endpoint which is not there is refused before anything runs, with the place', async (t) => {
  const server = await TestServer.start(t);
  await server.import('{project: Tito, kind: VARIABLE, name: greeting, type: REGULAR, value: hello}');
  await server.import(
    pipelineAround(
      'Call:\n  type: REST\n  endpoints: {agent: far}\n  input: {action: get, url: "http://${var.greetin}/"}',
    ),
  );
  const { status, body } = await server.call('POST', '/codestream/api/pipelines/Tito/P/executions', {});

  assert.deepEqual([status, body.code], [400, 'definition.invalid']);
  assert.match(body.message, /11:28: Task S.Call names the endpoint far, which the project does not have/);
  assert.match(body.message, /12:43: Task S.Call: \$\{var.greetin\}: the project has no variable greetin/);
  assert.equal(body.diagnostics[1].hint, 'Did you mean ${var.greeting}?');
  assert.equal((await server.call('GET', '/codestream/api/executions')).body.count, 0);
});
