import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject, type JsonObject } from '../src/core/json.ts';
import { farSide } from './far-side.ts';
import { TestServer } from './server.ts';

const api = '/codestream/api';
/** A pipeline as clients that build them send it. */
const body = (name: string, tasks: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...{ project: 'Demo', kind: 'PIPELINE', name, icon: 'organization,left, is-info', enabled: true, state: 'ENABLED' },
  ...{
    concurrency: 10,
    input: { colour: 'green' },
    _inputMeta: { colour: { mandatory: true, description: 'of the face' } },
  },
  stageOrder: ['Build'],
  stages: { Build: { taskOrder: [Object.keys(tasks).join(',')], tasks } },
  workspace: { type: 'DOCKER', endpoint: '', image: '', limits: { cpu: 1, memory: 512 } },
  ...more,
});
const condition = (text: string): JsonObject => ({
  type: 'Condition',
  input: { condition: text },
  endpoints: {},
  _configured: true,
});
const demo = async (server: TestServer): Promise<void> => {
  await server.call('POST', '/iaas/api/projects', { name: 'Demo' });
};

test('a client signs in, makes a pipeline, enables it, runs it, approves, exports it and imports it again', async (t) => {
  const server = await TestServer.start(t);
  const login = await server.call(
    'POST',
    '/csp/gateway/am/api/login?access_token',
    { username: 'admin', password: 'admin password' },
    '',
  );
  const { token } = (await server.call('POST', '/iaas/api/login', { refreshToken: login.body.refresh_token }, '')).body;
  const call = (method: string, path: string, given?: unknown) => server.call(method, path, given, token);
  await call('POST', '/project-service/api/projects', { name: 'Demo' });
  const { content } = (await call('GET', `/iaas/api/projects?$filter=${encodeURIComponent("name eq 'Demo'")}`)).body;
  assert.equal(content.length, 1);

  const ask = {
    type: 'UserOperation',
    input: { approvers: ['admin'], summary: 'Go on with ${input.colour}?', sendemail: 'false' },
  };
  const made = (await call('POST', `${api}/pipelines`, body('My pipeline 1', { Ask: ask }))).body;
  assert.deepEqual([made.enabled, made.state, made._projectId], [false, 'DISABLED', content[0].id]);
  const address = `/pipeline/api/pipelines/Demo/${encodeURIComponent('My pipeline 1')}`;
  assert.equal((await call('POST', `${address}/executions`, { input: {} })).status, 409);
  const enabled = (await call('PUT', address, { ...made, enabled: true })).body;
  assert.deepEqual([enabled.enabled, enabled.state, enabled.id], [true, 'ENABLED', made.id]);

  const started = await call('POST', `${address}/executions`, { comments: 'by a client', input: { colour: 'blue' } });
  assert.equal(started.status, 202);
  const id = started.body.executionLink.split('/').at(-1);
  await server.until(id, ({ type }) => type === 'task-waiting');
  const waiting = (await call('GET', `${api}/executions/${id}?expand=PIPELINE_STAGE_TASK`)).body;
  assert.deepEqual([waiting.status, waiting.stages.Build.tasks.Ask.status], ['WAITING', 'WAITING']);
  const open = (
    await call(
      'GET',
      `${api}/user-operations?$filter=${encodeURIComponent("status eq 'ACTIVE' and pipelineName eq 'My pipeline 1'")}&expand=true`,
    )
  ).body;
  const question = open.documents[open.links[0]];
  assert.equal(question.summary, 'Go on with blue?');
  assert.match(question.index, /^[0-9a-f]{6}$/);
  const answered = (
    await call('POST', `${api}/batch-user-operations`, {
      ids: [question.id, 'none'],
      status: 'Approved',
      responseMessage: 'fine',
    })
  ).body;
  assert.deepEqual([answered.success, answered.failure, answered.errors[0].id], [1, 1, 'none']);
  const ended = await server.ended(id);
  assert.deepEqual(
    [ended.status, ended.statusMessage, ended.comments],
    ['COMPLETED', 'Execution Completed.', 'by a client'],
  );

  const text = (await call('GET', `${api}/export?project=Demo&pipeline=${encodeURIComponent('My pipeline 1')}`)).text;
  assert.match(text, /^---\n(project: Demo\n)?/);
  assert.equal((await call('DELETE', address)).body.name, 'My pipeline 1');
  assert.match((await call('POST', `${api}/import?action=create`, text)).text, /status: CREATED/);
  assert.match(
    (await call('POST', `${api}/import?action=create`, text)).text,
    /status: FAILED\nstatusMessage: "My pipeline 1 exists already/,
  );
  assert.match((await call('POST', `${api}/import?action=apply`, text)).text, /status: UPDATED/);
  const again = (await call('GET', address)).body;
  assert.deepEqual([again.enabled, again.stages], [true, enabled.stages]);
  assert.equal(
    (await call('GET', `${api}/export?project=Demo&pipelines=${encodeURIComponent('My pipeline 1')}`)).text,
    text,
  );
});

test('a change over the API leaves the text of a file as it was, but for what it changes', async (t) => {
  const server = await TestServer.start(t);
  const text =
    'project: Demo\nkind: PIPELINE\nname: "P"   # the name\nenabled: true\n\n# How it runs\nstages:\n  S: {taskOrder: [A], tasks: {A: {type: Condition, input: {condition: "true"}}}}\n';
  await server.call('POST', `${api}/import`, text);
  const path = `${api}/pipelines/Demo/P`;
  const shown = (await server.call('GET', path)).body;
  const exported = async (name = 'P') =>
    (await server.call('GET', `${api}/export?project=Demo&pipeline=${name}`)).text.replace(/^---\n/, '');

  await server.call('PUT', path, shown);
  assert.equal(await exported(), text);
  await server.call('PATCH', path, { state: 'DISABLED' });
  assert.equal(await exported(), text.replace('enabled: true', 'enabled: false'));
  await server.call('PATCH', path, { enabled: 'true', name: 'Q' });
  assert.equal(await exported('Q'), text.replace('"P"', '"Q"'));
  await server.call('PUT', `${api}/pipelines/Demo/Q`, { ...shown, name: 'Q', concurrency: 3 });
  assert.match(await exported('Q'), /concurrency: 3/);
});

test('a pipeline is released only after it was enabled, and is copied disabled', async (t) => {
  const server = await TestServer.start(t);
  await demo(server);
  const made = (await server.call('POST', `${api}/pipelines`, body('P', { A: condition('true') }))).body;
  const patch = (state: string) => server.call('PATCH', `${api}/pipelines/${made.id}`, { state });

  assert.deepEqual([(await patch('RELEASED')).status, (await patch('ODD')).status], [400, 400]);
  assert.equal((await patch('ENABLED')).body.state, 'ENABLED');
  assert.equal((await patch('RELEASED')).body.state, 'RELEASED');
  const copy = await server.call('POST', `${api}/pipelines/Demo/P`, { name: 'Copy of P', requestType: 'CLONE' });
  assert.deepEqual([copy.body.name, copy.body.state, copy.body.stages], ['Copy of P', 'DISABLED', made.stages]);
  assert.equal((await server.call('POST', `${api}/pipelines/${made.id}`, { requestType: 'CLONE' })).status, 400);
  assert.equal((await server.call('PATCH', `${api}/pipelines/Demo/P/global`, { global: true })).body.global, true);
});

test('executions are found by filters and order, and those that have ended can be deleted', async (t) => {
  const server = await TestServer.start(t);
  await demo(server);
  await server.call(
    'POST',
    `${api}/import`,
    `project: Demo\nkind: PIPELINE\nname: P\ninput: {a: "1"}\nstages:\n  S: {tasks: {A: {type: Condition, input: {condition: '\${input.a} == 1'}}}}\n`,
  );
  const run = async (a: string) => {
    const { executionId } = (await server.call('POST', `${api}/pipelines/Demo/P/executions`, { input: { a } })).body;
    return server.ended(executionId);
  };
  const [good, bad] = [await run('1'), await run('2')];
  const find = async (query: string) => (await server.call('GET', `${api}/executions?${query}`)).body;
  const filter = (text: string) => `$filter=${encodeURIComponent(text)}`;

  assert.deepEqual((await find(filter("((project eq 'Demo') and (status eq 'FAILED'))"))).links, [bad._link]);
  assert.deepEqual((await find('$orderby=_requestTimeInMicros%20asc&$top=1')).links, [good._link]);
  assert.deepEqual((await find(`${filter('index ge 1')}&${filter("input.a eq '2'")}`)).links, [bad._link]);
  const odd = await server.call('GET', `${api}/executions?$filter=status%20is%20'x'`);
  assert.deepEqual([odd.status, /at character 8: it has `is`/.test(odd.body.message)], [400, true]);
  assert.equal((await server.call('GET', `${api}/executions?$top=many`)).status, 400);
  assert.equal((await server.call('GET', `${api}/pipelines/Demo/P/executions/2`)).body.id, bad.id);

  assert.equal((await server.call('DELETE', `${api}/executions`)).status, 400);
  const deleted = await server.call('DELETE', `${api}/executions?${filter("status eq 'FAILED'")}`);
  assert.deepEqual([deleted.status, deleted.body.links], [202, [bad._link]]);
  assert.equal((await server.call('DELETE', `${api}/executions/${good.id}`)).body.id, good.id);
  assert.equal((await server.call('GET', `${api}/executions/${good.id}`)).status, 404);
  assert.equal((await find('')).totalCount, 0);
});

test('an execution that runs is not deleted, and neither is its question', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    'project: Tito\nkind: PIPELINE\nname: P\nstages:\n  S: {tasks: {A: {type: UserOperation, input: {approvers: [admin], summary: s}}}}\n',
  );
  const id = await server.begin('P');
  const { question } = (await server.until(id, ({ type }) => type === 'task-waiting')) as { question: { id: string } };

  assert.deepEqual(
    [
      (await server.call('DELETE', `${api}/executions/${id}`)).status,
      (await server.call('DELETE', `${api}/user-operations/${question.id}`)).status,
    ],
    [409, 409],
  );
  await server.call('PATCH', `${api}/user-operations/${question.id}`, { status: 'Rejected' });
  await server.ended(id);
  assert.equal((await server.call('DELETE', `${api}/user-operations/${question.id}`)).body.status, 'REJECTED');
});

test('an unknown project, id or name is a 404 that says so', async (t) => {
  const server = await TestServer.start(t);
  const made = await server.call('POST', `${api}/variables`, {
    project: 'None',
    name: 'v',
    type: 'REGULAR',
    value: '',
  });
  assert.deepEqual([made.status, made.body.message], [404, 'There is no project None.']);
  for (const path of [
    'pipelines/None/P',
    'pipelines/none',
    'endpoints/Tito/none',
    'variables/none',
    'git-webhooks/none',
    'registry-events/none',
    'endpoint-tiles/none',
  ])
    assert.equal((await server.call('GET', `${api}/${path}`)).status, 404, path);
  assert.equal((await server.call('GET', `${api}/export?pipelines=none`)).status, 404);
});

test('an endpoint is tried before it is saved: what is wrong is said, and no secret goes to another address', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, ({ headers }) =>
    headers.authorization === `Basic ${Buffer.from('ann:right').toString('base64')}`
      ? { body: { displayName: 'Ann' } }
      : { status: 401, body: '<p>no</p>' },
  );
  const jira = (properties: JsonObject) => ({ project: 'Tito', name: 'jira', type: 'jira', properties });
  const validate = async (given: JsonObject) => server.call('POST', `${api}/endpoint-validation`, given);

  const good = await validate(jira({ url: far.url, username: 'ann', password: 'right' }));
  assert.deepEqual(
    [good.status, good.body.isValid, good.body.validationOutput],
    [200, true, 'Jira answers, and knows us as Ann.'],
  );
  const bad = await validate(jira({ url: far.url, username: 'ann', password: 'wrong' }));
  assert.match(
    bad.body.validationOutput,
    /Endpoint jira: GET \/rest\/api\/2\/myself answered 401 \(the user name, password or token is wrong\): no\./,
  );
  assert.match(
    (await validate(jira({ url: 'http://127.0.0.1:1' }))).body.validationOutput,
    /the connection was refused/,
  );
  assert.match(
    (await validate(jira({ url: 'jira' }))).body.validationOutput,
    /has the `url` jira, which is no address of the Web/,
  );

  await server.call('POST', `${api}/endpoints`, jira({ url: far.url, username: 'ann', password: 'right' }));
  assert.equal((await validate({ project: 'Tito', name: 'jira' })).body.isValid, true, 'as it is saved');
  const shown = (await server.call('GET', `${api}/endpoints/Tito/jira`)).body;
  const elsewhere = await farSide(t, () => ({}));
  const moved = await validate({ ...shown, properties: { ...shown.properties, url: elsewhere.url } });
  assert.deepEqual([moved.status, elsewhere.calls.length], [400, 0]);
});

test('tiles name every type of task and endpoint with its properties', async (t) => {
  const server = await TestServer.start(t);
  const tiles = (await server.call('GET', `${api}/pipeline-tiles?$top=100`)).body;
  const types = [
    'REST',
    'POLL',
    'CI',
    'SSH',
    'PowerShell',
    'K8S',
    'Blueprint',
    'UserOperation',
    'Pipeline',
    'Custom',
    'Condition',
    'Jenkins',
    'vRO',
    'Bamboo',
    'TFS',
  ];
  const known = tiles.links.map((link: string) => tiles.documents[link].tileId);
  assert.deepEqual([...types].sort(), [...known].sort());
  const git = (await server.call('GET', `${api}/endpoint-tiles/git`)).body;
  assert.equal(git.inputProperties.repoURL.type, 'String');
  assert.ok(isObject(git.inputProperties));
});

test('clients that are refused at the door read the fields of the service that they called', async (t) => {
  const server = await TestServer.start(t);
  const csp = (await server.call('POST', '/csp/gateway/am/api/login', { username: 'admin', password: 'x' }, '')).body;
  const iaas = (await server.call('POST', '/iaas/api/login', { refreshToken: 'x' }, '')).body;
  const codestream = (await server.call('GET', '/pipeline/api/user-preferences', undefined, 'x')).body;

  assert.deepEqual([csp.status, csp.serverMessage], [401, 'User name or password is wrong.']);
  assert.deepEqual([iaas.statusCode, typeof iaas.serverErrorId], [401, 'string']);
  assert.deepEqual([codestream.status, codestream.error], [401, 'Unauthorized']);
});

test('figures of pipelines are those of the dashboards', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    "project: Demo\nkind: PIPELINE\nname: P\nworkspace: {type: PROCESS}\ninput: {a: \"1\"}\nstages:\n  S:\n    tasks:\n      C: {type: CI, input: {steps: ['true']}}\n      A: {type: Condition, input: {condition: '${input.a} == 1'}}\n",
  );
  for (const a of ['1', '2', '1'])
    await server.ended(
      (await server.call('POST', `${api}/pipelines/Demo/P/executions`, { input: { a } })).body.executionId,
    );
  const { content } = (await server.call('GET', '/api/statistics?project=Demo&days=1')).body;

  assert.deepEqual([content[0].name, content[0].runs, content[0].counts], ['P', 3, { COMPLETED: 2, FAILED: 1 }]);
  for (const key of ['averageCi', 'mttd', 'mtbd', 'mttf', 'mttr']) assert.ok(content[0][key] >= 0, key);
  assert.equal(content[0].latestSuccess.index, 3);
  assert.equal((await server.call('GET', '/api/statistics?days=never')).status, 400);
});
