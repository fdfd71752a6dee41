import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rehearsal } from '../../test/pipelines.ts';

const one = (task: string) => `{name: One, stages: {Build: {tasks: {A: {type: REST, ${task}}}}}}`;
const retried = one('millrace: {retry: {attempts: 4, delay: 10s, backoff: 3, maximum: 1m}}');

test('a task that fails is tried again after a pause that grows up to its maximum, each time with a key of its own', () => {
  const run = new Rehearsal(retried);
  const pauses = [1, 2, 3].map((attempt) => {
    run.fail('Build.A', 'busy', attempt);
    return [run.commands.at(-1)!.key, run.commands.at(-1)!.due - run.now];
  });

  assert.deepEqual(pauses, [
    ['run-1/Build.A/2/start', 10_000],
    ['run-1/Build.A/3/start', 30_000],
    ['run-1/Build.A/4/start', 60_000],
  ]);
  assert.equal(run.state.message, 'Retrying A: busy');
  run.fail('Build.A', 'still busy', 4);
  assert.deepEqual([run.state.status, run.state.message], ['FAILED', 'Build.A: still busy']);
});

test('a task that succeeds on a later attempt has completed, and a late report of an earlier one changes nothing', () => {
  const run = new Rehearsal(retried);
  run.fail('Build.A');
  assert.deepEqual(run.fail('Build.A').events, []);
  run.report('Build.A', { kind: 'ended', ok: true, input: {}, output: {}, message: '' }, 2);

  assert.equal(run.state.status, 'COMPLETED');
});

test('an attempt that takes too long is stopped and followed by another', () => {
  const run = new Rehearsal(one('millrace: {timeout: 30s, retry: {attempts: 2}}'));
  run.run('Build.A', 'job-7');
  run.say({ type: 'time-out', stage: 'Build', task: 'A', attempt: 1 });

  assert.deepEqual(run.asked.slice(-3), ['cancel-task Build.A', 'start-task Build.A', 'time-out Build.A']);
  assert.equal(run.tasks['Build.A'], 'STARTED');
});

test('what a person rejects, and what was cancelled, is not tried again', () => {
  const rejected = new Rehearsal(retried);
  rejected.ask('Build.A');
  rejected.answer('Build.A', false);
  assert.equal(rejected.state.status, 'FAILED');

  const canceled = new Rehearsal(retried);
  canceled.run('Build.A');
  canceled.say({ type: 'cancel', by: 'ann', reason: '' });
  canceled.fail('Build.A', 'stopped');
  assert.equal(canceled.state.status, 'CANCELED');
});

test('a run that is cancelled in the pause before an attempt ends at once when that is known', () => {
  const run = new Rehearsal(retried);
  run.fail('Build.A');
  run.say({ type: 'cancel', by: 'ann', reason: '' });
  run.fail('Build.A', 'never started', 2);

  assert.equal(run.state.status, 'CANCELED');
});
