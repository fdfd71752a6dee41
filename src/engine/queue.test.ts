import assert from 'node:assert/strict';
import { test } from 'node:test';
import { farSide } from '../../test/far-side.ts';
import { pipelineAround, TestServer } from '../../test/server.ts';

const ask = 'Ask: {type: UserOperation, input: {approvers: [admin]}}';
const statusOf = async (server: TestServer, id: string): Promise<string> =>
  (await server.call('GET', `/codestream/api/executions/${id}`)).body.status;
const cancel = (server: TestServer, id: string) =>
  server.call('POST', `/codestream/api/executions/${id}?action=cancel`, {});

test('a newer run of the same branch takes the place of older ones, and leaves those of other branches alone', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    pipelineAround(ask, "concurrency: 2\ninput: {branch: ''}\nmillrace: {supersede: '${input.branch}'}"),
  );
  const first = await server.begin('P', { branch: 'main' });
  const other = await server.begin('P', { branch: 'topic' });
  for (const id of [first, other]) await server.until(id, ({ type }) => type === 'task-waiting');
  const waiting = await server.begin('P', { branch: 'main' });
  await server.until(waiting, ({ type }) => type === 'task-waiting');
  const ended = await server.ended(first);

  assert.deepEqual([ended.status, ended.statusMessage], ['CANCELED', 'Execution canceled: #3 takes its place.']);
  assert.equal(await statusOf(server, other), 'WAITING');
});

test('a run that switches traffic is not cut by a newer one, which waits for its turn', async (t) => {
  const server = await TestServer.start(t);
  const pipeline = pipelineAround(ask, 'concurrency: 1\nmillrace: {supersede: true}');
  await server.import(pipeline.replace('  S:\n', '  S:\n    millrace: {protect: true}\n'));
  const first = await server.begin('P');
  const { question } = await server.until(first, ({ type }) => type === 'task-waiting');
  const second = await server.begin('P');
  await server.until(second, ({ type }) => type === 'execution-queued');
  await server.call('PATCH', `/codestream/api/user-operations/${(question as { id: string }).id}`, {
    status: 'APPROVED',
  });

  assert.equal((await server.ended(first)).status, 'COMPLETED');
  await server.until(second, ({ type }) => type === 'task-waiting');
});

test('of many runs that come at the same moment each gets its turn, once', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround('Tell: {type: Condition, input: {condition: "true"}}', 'concurrency: 3'));
  const start = () => server.call('POST', '/codestream/api/pipelines/Tito/P/executions', { input: {} });
  const started = await Promise.all(Array.from({ length: 60 }, start));

  for (const { body } of started) assert.equal((await server.ended(body.executionId)).status, 'COMPLETED');
  const { totalCount } = (await server.call('GET', '/codestream/api/executions')).body;
  assert.equal(totalCount, 60);
});

test('among many that come at the same moment a newer one of its branch takes the place of older ones', async (t) => {
  const server = await TestServer.start(t);
  const around = "concurrency: 100\ninput: {branch: ''}\nmillrace: {supersede: '${input.branch}'}";
  await server.import(pipelineAround(ask, around));
  const start = (_: unknown, index: number) =>
    server.call('POST', '/codestream/api/pipelines/Tito/P/executions', { input: { branch: `b${index % 4}` } });
  const started = await Promise.all(Array.from({ length: 24 }, start));
  const left = new Map<string, number>();
  for (const [index, { body }] of started.entries())
    left.set(`b${index % 4}`, Math.max(left.get(`b${index % 4}`) ?? 0, body.executionIndex));

  for (const [index, { body }] of started.entries()) {
    const isNewest = left.get(`b${index % 4}`) === body.executionIndex;
    if (isNewest) await server.until(body.executionId, ({ type }) => type === 'task-waiting');
    else assert.equal((await server.ended(body.executionId)).status, 'CANCELED');
  }
});

test('an urgent run passes those that wait', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(ask, 'concurrency: 1'));
  const first = await server.begin('P');
  await server.until(first, ({ type }) => type === 'task-waiting');
  const second = await server.begin('P');
  await server.until(second, ({ type }) => type === 'execution-queued');
  const urgent = await server.call('POST', '/codestream/api/pipelines/Tito/P/executions', { priority: 5 });
  await server.until(urgent.body.executionId, ({ type }) => type === 'execution-queued');
  await cancel(server, first);
  await server.until(urgent.body.executionId, ({ type }) => type === 'task-waiting');

  assert.equal(await statusOf(server, second), 'QUEUED');
});

test('a project whose far sides hang does not hold up another', async (t) => {
  const far = await farSide(t, () => ({ hold: true }));
  const server = await TestServer.start(t);
  const tasks = Array.from({ length: 70 }, (_, index) => `T${index}`);
  const hanging = tasks.map((name) => `${name}: {type: REST, input: {action: get, url: "${far.url}"}}`).join('\n');
  await server.import(
    pipelineAround(hanging).replace('    tasks:', `    taskOrder: ['${tasks.join(',')}']\n    tasks:`),
  );
  const stuck = await server.begin('P');
  while (far.calls.length < 48) await far.nextCall();
  await server.import(
    pipelineAround('Call: {type: Condition, input: {condition: "true"}}').replace('project: Tito', 'project: Other'),
  );
  const { body } = await server.call('POST', '/codestream/api/pipelines/Other/P/executions', {});

  assert.equal((await server.ended(body.executionId)).status, 'COMPLETED');
  assert.deepEqual([far.calls.length, await statusOf(server, stuck)], [48, 'RUNNING']);
});
