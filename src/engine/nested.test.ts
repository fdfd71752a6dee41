import assert from 'node:assert/strict';
import { test } from 'node:test';
import { farSide } from '../../test/far-side.ts';
import { type Answer, TestServer } from '../../test/server.ts';

const outer = (task: string, around = '') =>
  `project: Tito\nkind: PIPELINE\nname: Outer\n${around}\nstages:\n  First: {tasks: {Zero: {type: Condition, input: {condition: "true"}}}}\n  S:\n    taskOrder: ['A,Call']\n    tasks:\n      A: {type: Condition, input: {condition: "true"}}\n      Call: ${task}\n`;
const inner = (tasks: string, around = '') =>
  `project: Tito\nkind: PIPELINE\nname: Inner\n${around}\nstages: {T: {tasks: {${tasks}}}}\n`;
const call = (inputs = '{}', more = '') =>
  `{type: Pipeline, input: {pipeline: Inner, inputProperties: ${inputs}}${more}}`;
const runsOf = async (server: TestServer, name: string): Promise<Answer['body'][]> => {
  const { body } = await server.call('GET', '/codestream/api/executions?$top=100');
  const all = body.links.map((link: string) => body.documents[link]);
  return all.filter((run: Answer['body']) => run.name === name);
};

test('a nested run gets inputs, gives outputs, and says who asked for it as the original does', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, ({ body }) => ({ body: { said: body } }));
  await server.import(
    inner(
      `Say: {type: REST, input: {action: post, url: "${far.url}", payload: "\${input.word}"}}`,
      'input: {word: none}\noutput: {said: "${T.Say.output.responseJson.said}"}',
    ),
  );
  await server.import(
    outer(
      call('{word: "hi ${input.who}"}'),
      'input: {who: Ann}\noutput: {got: "${S.Call.output.outputProperties.said}"}',
    ),
  );
  const run = await server.run('Outer');
  const [nested] = await runsOf(server, 'Inner');

  assert.equal(run.status, 'COMPLETED', run.statusMessage);
  assert.deepEqual(run.output, { got: 'hi Ann' });
  assert.deepEqual(run.stages.S.tasks.Call.output, {
    status: 'COMPLETED',
    executionStatus: 'COMPLETED',
    executionIndex: 1,
    pipelineExecutionLink: `/codestream/api/executions/${nested.id}`,
    outputProperties: { said: 'hi Ann' },
    inputProperties: { word: 'hi Ann' },
  });
  assert.deepEqual(
    [nested._nested, nested.comments, nested.tags, run._nested],
    [true, 'Executed by Outer#1', [`Executed by ${run.id}~1.0.1#1`], false],
  );
});

test('a nested run that fails fails its task with its own message, and shows how far it came', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    inner('No: {type: Condition, input: {condition: "1 == 2"}}', 'output: {x: "${input.y}"}\ninput: {y: "1"}'),
  );
  await server.import(outer(call()));
  const run = await server.run('Outer');

  assert.equal(run.statusMessage, 'S.Call: T.No: The condition is not met: 1 == 2');
  assert.equal(run.stages.S.tasks.Call.output.executionStatus, 'FAILED');
});

test('a secret that goes into a nested run is used there and seen nowhere', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, ({ body }) => ({ body: { echo: body } }));
  await server.import('{project: Tito, kind: VARIABLE, name: token, type: SECRET, value: abc123xyz}');
  await server.import(
    inner(
      `Say: {type: REST, input: {action: post, url: "${far.url}", payload: "\${input.word}"}}`,
      'input: {word: none}\noutput: {word: "${input.word}"}',
    ),
  );
  await server.import(outer(call('{word: "Bearer ${var.token}"}')));
  const run = await server.run('Outer');
  const [nested] = await runsOf(server, 'Inner');
  const { text } = await server.call('GET', `/codestream/api/executions/${nested.id}`);

  assert.equal(run.status, 'COMPLETED', run.statusMessage);
  assert.equal(far.calls[0]?.body, 'Bearer abc123xyz');
  for (const shown of [text, JSON.stringify(run)]) {
    assert.doesNotMatch(shown, /abc123xyz/);
    assert.doesNotMatch(shown, /secret:v1/);
  }
});

test('cancelling a run cancels what is nested in it', async (t) => {
  const server = await TestServer.start(t);
  await server.import(inner('Ask: {type: UserOperation, input: {approvers: [admin]}}'));
  await server.import(outer(call()));
  const id = await server.begin('Outer');
  await server.until(id, ({ type, task }) => type === 'task-running' && task === 'Call');
  const [nested] = await runsOf(server, 'Inner');
  await server.until(nested.id, ({ type }) => type === 'task-waiting');
  await server.call('POST', `/codestream/api/executions/${id}?action=cancel`, {});

  assert.equal((await server.ended(id)).status, 'CANCELED');
  const ended = await server.ended(nested.id);
  assert.deepEqual([ended.status, ended.statusMessage], ['CANCELED', 'Execution canceled by Outer#1.']);
});

test('a pipeline that runs itself needs no second turn, and one that does so without end is stopped', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    inner(
      'Call: {type: Pipeline, preCondition: \'"${input.left}" != "0"\', input: {pipeline: Inner, inputProperties: {left: "0"}}}',
      'concurrency: 1\ninput: {left: "1"}',
    ),
  );
  assert.equal((await server.run('Inner')).status, 'COMPLETED');

  await server.import(inner('Call: {type: Pipeline, input: {pipeline: Inner}}', 'concurrency: 1'));
  const endless = await server.run('Inner');
  assert.match(endless.statusMessage, /Pipeline Inner would be nested deeper than 20 runs\.$/);
  assert.equal((await runsOf(server, 'Inner')).length, 2 + 1 + 20);
});

test('a pipeline of another project is found where it is shared, and nothing else of it is', async (t) => {
  const server = await TestServer.start(t);
  await server.import(outer(call()));
  const theirs = inner('Yes: {type: Condition, input: {condition: "true"}}').replace(
    'project: Tito',
    'project: Theirs',
  );
  await server.import(theirs);
  const refused = await server.call('POST', '/codestream/api/pipelines/Tito/Outer/executions', {});
  assert.match(refused.body.message, /11:48: Task S.Call names the pipeline Inner, which the project does not have/);

  await server.import(`${theirs}global: true\n`);
  assert.equal((await server.run('Outer')).status, 'COMPLETED');
});

test('what is nested is not done twice when the server is stopped under it', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, () => ({}));
  await server.import(
    inner(
      `Say: {type: REST, input: {action: post, url: "${far.url}"}}, Ask: {type: UserOperation, input: {approvers: [admin]}}`,
    ),
  );
  await server.import(outer(call()));
  const id = await server.begin('Outer');
  await server.until(id, ({ type, task }) => type === 'task-running' && task === 'Call');
  const [nested] = await runsOf(server, 'Inner');
  const { question } = await server.until(nested.id, ({ type }) => type === 'task-waiting');
  await server.stop();
  await server.start();
  const answer = { status: 'APPROVED' };
  await server.call('PATCH', `/codestream/api/user-operations/${(question as { id: string }).id}`, answer);

  assert.equal((await server.ended(id)).status, 'COMPLETED');
  assert.deepEqual([far.calls.length, (await runsOf(server, 'Inner')).length], [1, 1]);
});

test('a failure runs the pipelines that roll it back, with inputs of the failed run, and shows what came of them', async (t) => {
  const server = await TestServer.start(t);
  const far = await farSide(t, () => ({ body: { ok: true } }));
  await server.import(
    inner(
      `Undo: {type: REST, input: {action: post, url: "${far.url}", payload: "\${input.what}"}}`,
      'input: {what: ""}\noutput: {undone: "${input.what}"}',
    ),
  );
  await server.import(
    outer(
      '{type: Condition, input: {condition: "1 == 2"}}',
      'rollbacks: [{name: Inner, stage: S, inputs: {what: "run ${executionIndex}"}}]',
    ),
  );
  const run = await server.run('Outer');
  const [rolledBack] = await runsOf(server, 'Inner');

  assert.equal(run.status, 'ROLLBACK_COMPLETED');
  assert.equal(run.statusMessage, 'S.Call: The condition is not met: 1 == 2');
  assert.deepEqual(
    far.calls.map(({ body }) => body),
    ['run 1'],
  );
  assert.deepEqual(
    [rolledBack._rollback, rolledBack._nested, rolledBack.comments],
    [true, false, 'Executed by Outer#1'],
  );
  assert.deepEqual(run.stages.S.rollbackResponse, {
    name: 'Inner',
    index: 1,
    status: 'COMPLETED',
    statusMessage: 'Execution Completed.',
    output: { undone: 'run 1' },
    _link: `/codestream/api/executions/${rolledBack.id}`,
  });
});

test('a rollback that cannot start has failed, and says why', async (t) => {
  const server = await TestServer.start(t);
  const failing = outer(
    '{type: Condition, input: {condition: "1 == 2"}}',
    'rollbacks: [{name: "${input.undo}", stage: S}]\ninput: {undo: Nothing}',
  );
  await server.import(failing);
  const run = await server.run('Outer');

  assert.equal(run.status, 'ROLLBACK_FAILED');
  assert.match(
    run.stages.S.rollbackResponse.statusMessage,
    /could not start: There is no pipeline Nothing in project Tito/,
  );
});
