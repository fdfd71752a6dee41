import assert from 'node:assert/strict';
import { test } from 'node:test';
import { farSide } from '../../test/far-side.ts';
import { pipelineAround, TestServer } from '../../test/server.ts';

const act = (server: TestServer, id: string, action: string, body: object = {}) =>
  server.call('POST', `/codestream/api/executions/${id}?action=${action}`, body);
const two = (url: string) =>
  `One: {type: REST, input: {action: post, url: "${url}/one"}}
Two: {type: REST, input: {action: post, url: "${url}/two", payload: "\${S.One.output.responseJson.id}"}}`;

/** A far side whose second call is refused until it is mended. */
async function fragile(t: Parameters<typeof farSide>[0]) {
  let isMended = false;
  const far = await farSide(t, ({ path }) => (path === '/one' || isMended ? { body: { id: 7 } } : { status: 500 }));
  return {
    ...far,
    mend: () => {
      isMended = true;
    },
    paths: () => far.calls.map(({ path }) => path),
  };
}

test('a run that failed goes on from there, does nothing again that succeeded, and gives its turn back at the end', async (t) => {
  const server = await TestServer.start(t);
  const far = await fragile(t);
  await server.import(pipelineAround(two(far.url), 'concurrency: 1'));
  const failed = await server.run('P');
  assert.equal(failed.status, 'FAILED');

  far.mend();
  const resumed = await act(server, failed.id, 'resume', { reason: 'Mended.' });
  assert.equal(resumed.status, 200, resumed.text);
  await server.until(failed.id, ({ type, status }) => type === 'execution-ended' && status === 'COMPLETED');
  const { body } = await server.call('GET', `/codestream/api/executions/${failed.id}`);

  assert.deepEqual([body.status, body.resumeCount, body.index], ['COMPLETED', 1, 1]);
  assert.deepEqual(far.paths(), ['/one', '/two', '/two']);
  assert.equal(far.calls[2]?.body, '7');
  assert.equal((await server.run('P')).status, 'COMPLETED');
});

test('a re-run from where a run failed is a new run that takes over what succeeded', async (t) => {
  const server = await TestServer.start(t);
  const far = await fragile(t);
  const failed = await server.runTasks(two(far.url));
  far.mend();
  const again = await act(server, failed.id, 'rerun&fromFailed=true');
  const run = await server.ended(again.body.executionId);

  assert.deepEqual([run.status, run.index, run.comments], ['COMPLETED', 2, 'Re-run of #1 from where it failed']);
  assert.deepEqual(far.paths(), ['/one', '/two', '/two']);
  assert.equal(run.stages.S.tasks.One.output.responseJson.id, 7);
});

test('a paused run goes on after the server was stopped and started again', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, () => ({}));
  await server.import(
    pipelineAround(
      `Ask: {type: UserOperation, input: {approvers: [admin]}}\nCall: {type: REST, input: {action: get, url: "${far.url}"}}`,
    ),
  );
  const id = await server.begin('P');
  const { question } = await server.until(id, ({ type }) => type === 'task-waiting');
  assert.equal((await act(server, id, 'pause', { reason: 'Lunch.' })).body.status, 'PAUSING');
  await server.call('PATCH', `/codestream/api/user-operations/${(question as { id: string }).id}`, {
    status: 'APPROVED',
  });
  await server.until(id, ({ type }) => type === 'execution-paused');
  await server.stop();
  await server.start();
  const { body } = await server.call('GET', `/codestream/api/executions/${id}`);
  assert.deepEqual([body.status, body.reason, far.calls.length], ['PAUSED', 'Lunch.', 0]);

  await act(server, id, 'resume');
  assert.equal((await server.ended(id)).status, 'COMPLETED');
  assert.equal(far.calls.length, 1);
});

test('what does not fit the state of a run is refused with that state', async (t) => {
  const server = await TestServer.start(t);
  const done = await server.runTasks('A: {type: Condition, input: {condition: "true"}}');
  const refused = async (action: string) => {
    const { status, body } = await act(server, done.id, action);
    return [status, body.message];
  };

  for (const action of ['cancel', 'pause', 'resume', 'rerun&fromFailed=true'])
    assert.deepEqual(await refused(action), [409, 'P #1 has ended: COMPLETED.'], action);
  assert.match(String((await refused('dance'))[1]), /The action dance is unknown/);
  assert.deepEqual((await act(server, done.id, 'tag', { tags: ['good'] })).body.tags, ['good']);
});
