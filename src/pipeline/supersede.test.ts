import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rehearsal } from '../../test/pipelines.ts';

const pipeline = `
name: Release
input: {branch: main}
millrace: {supersede: '\${input.branch}', priority: 3}
stages:
  Build: {tasks: {A: {type: REST}}}
  Switch: {millrace: {protect: true}, tasks: {B: {type: REST}}}
  Verify: {tasks: {C: {type: REST}}}
  Undo: {millrace: {runs: on-failure}, tasks: {U: {type: REST}}}
`;
const newer = { type: 'supersede', by: 8 } as const;

test('a run that a newer one takes the place of is cancelled, and cleans up', () => {
  const run = new Rehearsal(pipeline);
  run.run('Build.A', 'job-7');
  run.say(newer);
  assert.equal(run.asked.at(-1), 'cancel-task Build.A');

  run.fail('Build.A', 'stopped');
  run.succeed('Undo.U');
  assert.deepEqual([run.state.status, run.state.message], ['CANCELED', 'Execution canceled: #8 takes its place.']);
});

test('a run whose protected stage has begun goes to its end, also through the stages behind it', () => {
  const run = new Rehearsal(pipeline);
  run.succeed('Build.A');
  assert.deepEqual(run.say(newer).events, []);
  run.succeed('Switch.B');
  assert.deepEqual(run.say(newer).events, []);
  run.succeed('Verify.C');

  assert.equal(run.state.status, 'COMPLETED');
});

test('a run that waits for its turn is superseded without ever having started', () => {
  const run = new Rehearsal(pipeline, { queued: true });
  run.say(newer);

  assert.deepEqual([run.state.status, run.state.startedAt], ['CANCELED', null]);
});

test('a run asks for its turn with its number, its priority and what makes it one of a group', () => {
  const entryOf = (given: object) => {
    const [first] = new Rehearsal(pipeline, { queued: true, input: { branch: 'main' }, ...given }).commands;
    return first?.do === 'enter-queue' ? first.entry : undefined;
  };

  assert.deepEqual(entryOf({}), { execution: 'run-1', index: 1, priority: 3, group: 'main' });
  assert.equal(entryOf({ priority: 9 })?.priority, 9);
});

test('runs of a pipeline that does not ask for it supersede nobody', () => {
  const [first] = new Rehearsal('{name: Plain}', { queued: true }).commands;

  assert.deepEqual(first?.do === 'enter-queue' && first.entry, {
    execution: 'run-1',
    index: 1,
    priority: 0,
    group: null,
  });
});
