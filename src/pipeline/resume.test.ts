import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rehearsal } from '../../test/pipelines.ts';
import { evolve } from './evolve.ts';
import type { Execution } from './execution.ts';
import { succeeded } from './reopen.ts';

const pipeline = `
name: Two
stages:
  Build:
    taskOrder: ['A,B', C]
    tasks: {A: {type: REST}, B: {type: REST}, C: {type: REST, millrace: {retry: {attempts: 2, delay: 1s}}}}
  Release: {tasks: {D: {type: REST}}}
  Undo: {millrace: {runs: on-failure}, tasks: {U: {type: REST}}}
`;
const by = { by: 'ann', reason: 'Freeze.' };

/** A run whose task C has failed twice, and which has cleaned up. */
function failed(): Rehearsal {
  const run = new Rehearsal(pipeline, { queued: true });
  run.say({ type: 'admit' });
  run.succeed('Build.A', { size: 3 });
  run.report('Build.B', { kind: 'skipped', message: 'not wanted' });
  run.fail('Build.C');
  run.fail('Build.C', 'red', 2);
  run.succeed('Undo.U');
  assert.equal(run.state.status, 'FAILED');
  return run;
}

test('a run that is paused lets what runs end, begins nothing new, and goes on when it is resumed', () => {
  const run = new Rehearsal(pipeline);
  run.say({ type: 'pause', ...by });
  assert.equal(run.state.status, 'PAUSING');

  run.succeed('Build.A');
  assert.equal(run.state.status, 'PAUSING');
  run.succeed('Build.B');
  assert.equal(run.state.status, 'PAUSED');
  assert.equal(run.tasks['Build.C'], 'NOT_STARTED');

  run.say({ type: 'resume', by: 'bob', reason: '' });
  assert.deepEqual([run.state.status, run.tasks['Build.C']], ['RUNNING', 'STARTED']);
});

test('a question stays open while a run pauses, and its answer is the last thing before the pause', () => {
  const run = new Rehearsal('{name: Q, stages: {S: {taskOrder: [A, B], tasks: {A: {type: REST}, B: {type: REST}}}}}');
  run.ask('S.A');
  run.say({ type: 'pause', ...by });
  assert.equal(run.state.status, 'PAUSING');

  run.answer('S.A', true);
  assert.deepEqual([run.state.status, run.tasks['S.B']], ['PAUSED', 'NOT_STARTED']);
});

test('a failure shows when the run goes on; until then nothing is cleaned up', () => {
  const run = new Rehearsal(pipeline);
  run.succeed('Build.A');
  run.say({ type: 'pause', ...by });
  run.fail('Build.B');
  assert.deepEqual([run.state.status, run.tasks['Undo.U']], ['PAUSED', 'NOT_STARTED']);

  run.say({ type: 'resume', ...by });
  assert.equal(run.tasks['Undo.U'], 'STARTED');
});

test('a paused run that is cancelled cleans up and ends', () => {
  const run = new Rehearsal(pipeline);
  run.say({ type: 'pause', ...by });
  run.succeed('Build.A');
  run.succeed('Build.B');
  run.say({ type: 'cancel', by: 'bob', reason: '' });
  assert.equal(run.tasks['Undo.U'], 'STARTED');

  run.succeed('Undo.U');
  assert.equal(run.state.status, 'CANCELED');
});

test('pausing twice, or resuming what is not paused, decides nothing', () => {
  const run = new Rehearsal(pipeline);
  assert.deepEqual(run.say({ type: 'resume', ...by }).events, []);
  run.say({ type: 'pause', ...by });
  assert.deepEqual(run.say({ type: 'pause', ...by }).events, []);
});

test('a run that waits for its turn pauses when that has come', () => {
  const run = new Rehearsal(pipeline, { queued: true });
  run.say({ type: 'pause', ...by });
  assert.equal(run.state.status, 'QUEUED');
  run.say({ type: 'admit' });

  assert.deepEqual([run.state.status, run.tasks['Build.A']], ['PAUSED', 'NOT_STARTED']);
});

test('a run that failed goes on from there: what succeeded stays, all else runs again when its turn comes', () => {
  const run = failed();
  run.say({ type: 'resume', ...by });
  assert.equal(run.state.status, 'QUEUED');
  assert.deepEqual(run.asked.slice(-2), ['leave-queue', 'enter-queue']);

  run.say({ type: 'admit' });
  assert.deepEqual(run.tasks, {
    'Build.A': 'COMPLETED',
    'Build.B': 'SKIPPED',
    'Build.C': 'STARTED',
    'Release.D': 'NOT_STARTED',
    'Undo.U': 'NOT_STARTED',
  });
});

test('the attempts of a run that goes on are new ones, with keys of their own and all their retries', () => {
  const run = failed();
  run.say({ type: 'resume', ...by });
  run.say({ type: 'admit' });
  assert.equal(run.commands.at(-1)!.key, 'run-1/Build.C/3/start');

  run.fail('Build.C', 'red', 3);
  assert.equal(run.commands.at(-1)!.key, 'run-1/Build.C/4/start');
  run.fail('Build.C', 'red', 4);
  assert.equal(run.commands.at(-1)!.key, 'run-1/Undo.U/2/start');
  const keys = run.commands.filter((command) => command.do === 'start-task').map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
});

test('a run may go on more than once, and its events tell it again', () => {
  const run = failed();
  for (const attempt of [3, 5]) {
    run.say({ type: 'resume', ...by });
    run.say({ type: 'admit' });
    run.fail('Build.C', 'red', attempt);
    run.fail('Build.C', 'red', attempt + 1);
    run.report('Undo.U', { kind: 'ended', ok: true, input: {}, output: {}, message: '' }, (attempt + 1) / 2);
    assert.equal(run.state.status, 'FAILED');
  }

  assert.equal(run.state.resumes?.count, 2);
  const replayed = run.events.reduce<Execution | null>((state, event) => evolve(state, event), null);
  assert.deepEqual(replayed, run.state);
});

test('what completed, and what a person cancelled, does not go on', () => {
  const done = new Rehearsal('{name: N}');
  assert.deepEqual(done.say({ type: 'resume', ...by }).events, []);

  const canceled = new Rehearsal(pipeline, { queued: true });
  canceled.say({ type: 'cancel', ...by });
  assert.deepEqual(canceled.say({ type: 'resume', ...by }).events, []);
});

test('another run may begin where one failed, with what succeeded there and its outputs', () => {
  const carried = succeeded(failed().state);
  assert.deepEqual(Object.keys(carried), ['Build.A', 'Build.B']);

  const run = new Rehearsal(pipeline, { execution: 'run-2', carried });
  assert.deepEqual(run.asked, ['start-task Build.C']);
  assert.deepEqual((run.state.tasks['Build.A'] as { output: object }).output, { size: 3 });
});

test('tags are changed at any time, also after the end', () => {
  const run = failed();
  run.say({ type: 'tag', tags: ['bad night'] });

  assert.deepEqual([run.state.tags, run.state.status], [['bad night'], 'FAILED']);
});
