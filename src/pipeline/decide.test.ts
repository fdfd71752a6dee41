import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rehearsal } from '../../test/pipelines.ts';
import { evolve } from './evolve.ts';
import type { Execution } from './execution.ts';

const twoStages = `
name: Two
stageOrder: [Build, Test]
stages:
  Build:
    taskOrder: [A, 'B,C']
    tasks: {A: {type: REST}, B: {type: REST}, C: {type: REST}}
  Test:
    taskOrder: [D]
    tasks: {D: {type: REST}}
`;

const one = (task: string, more = '') => `
name: One
${more}
stages:
  Build:
    tasks:
      A: {type: REST, ${task}}
`;

test('tasks run in order, those of one step at once, and a stage begins when the one before it has ended', () => {
  const run = new Rehearsal(twoStages);
  assert.deepEqual(run.asked, ['start-task Build.A']);

  run.succeed('Build.A');
  assert.deepEqual(run.asked.slice(1), ['start-task Build.B', 'start-task Build.C']);

  run.succeed('Build.C');
  assert.equal(run.asked.length, 3);

  run.succeed('Build.B');
  assert.deepEqual(run.asked.slice(3), ['start-task Test.D']);
  assert.deepEqual(run.stages, { Build: 'COMPLETED', Test: 'RUNNING' });

  run.succeed('Test.D');
  assert.equal(run.state.status, 'COMPLETED');
  assert.deepEqual(run.asked.slice(4), ['leave-queue']);
});

test('what a run may have left on its machine is removed when it ends, and who waits for it is told', () => {
  const there = new Rehearsal(one(''), { host: 'here' });
  there.succeed('Build.A');
  assert.deepEqual(there.asked.slice(1), ['leave-queue', 'tidy']);

  const parent = { execution: 'p', as: 'nested' as const, key: 'k', pipelines: [] };
  const nested = new Rehearsal(one(''), { parent });
  nested.succeed('Build.A');
  assert.deepEqual(nested.asked.slice(1), ['leave-queue', 'tidy']);
});

test('the same events give the same state again, whoever replays them', () => {
  const run = new Rehearsal(twoStages);
  run.run('Build.A');
  run.succeed('Build.A', { size: 3 });
  run.ask('Build.B', 99_000);
  run.fail('Build.C');
  run.answer('Build.B', false);

  const replayed = run.events.reduce<Execution | null>((state, event) => evolve(state, event), null);
  assert.deepEqual(replayed, run.state);
});

test('a failed task fails its stage and its run, once its neighbours have ended; what follows is left out', () => {
  const run = new Rehearsal(twoStages);
  run.succeed('Build.A');
  run.fail('Build.B', 'no space left');
  assert.equal(run.state.status, 'RUNNING');

  run.succeed('Build.C');
  assert.equal(run.state.status, 'FAILED');
  assert.equal(run.state.message, 'Build.B: no space left');
  assert.deepEqual(run.stages, { Build: 'FAILED', Test: 'SKIPPED' });
});

test('two failures in one stage are named together, as the original does', () => {
  const run = new Rehearsal(twoStages);
  run.succeed('Build.A');
  run.fail('Build.B');
  run.fail('Build.C');

  assert.equal(run.state.message, 'FAILED tasks in Build: B,C');
});

test('a task whose failure is ignored lets the run complete, and shows that it failed', () => {
  const run = new Rehearsal(one('ignoreFailure: true'));
  run.fail('Build.A');

  assert.equal(run.tasks['Build.A'], 'FAILED_CONTINUE');
  assert.equal(run.state.status, 'COMPLETED');
});

test('a task whose precondition does not hold is skipped, and the run goes on', () => {
  const run = new Rehearsal(twoStages);
  run.report('Build.A', { kind: 'skipped', message: 'The precondition is false.' });

  assert.equal(run.tasks['Build.A'], 'SKIPPED');
  assert.equal(run.tasks['Build.B'], 'STARTED');
});

test('a running task is polled with its ticket until it ends', () => {
  const run = new Rehearsal(one(''));
  run.run('Build.A', 'job-7');

  assert.deepEqual(run.commands.at(-1), {
    do: 'poll-task',
    stage: 'Build',
    task: 'A',
    attempt: 1,
    ticket: 'job-7',
    key: 'run-1/Build.A/1/poll',
    due: run.now + 500,
  });
});

test('a stage that runs on failure or always still runs when something failed, and then the run has failed', () => {
  const run = new Rehearsal(`
name: Cleaning
stages:
  Build: {tasks: {A: {type: REST}}}
  Release: {tasks: {B: {type: REST}}}
  Undo: {millrace: {runs: on-failure}, tasks: {C: {type: REST}}}
  Tell: {millrace: {runs: always}, tasks: {D: {type: REST}}}
`);
  run.fail('Build.A', 'red');
  assert.deepEqual(run.asked, ['start-task Build.A', 'start-task Undo.C']);

  run.fail('Undo.C', 'could not undo');
  run.succeed('Tell.D');
  assert.equal(run.state.status, 'FAILED');
  assert.equal(run.state.message, 'Build.A: red');
  assert.deepEqual(run.stages, { Build: 'FAILED', Release: 'SKIPPED', Undo: 'FAILED', Tell: 'COMPLETED' });
});

test('a stage that runs on failure is left out when nothing failed', () => {
  const run = new Rehearsal(
    '{name: N, stages: {Build: {tasks: {A: {type: REST}}}, Undo: {millrace: {runs: on-failure}, tasks: {C: {type: REST}}}}}',
  );
  run.succeed('Build.A');

  assert.equal(run.state.status, 'COMPLETED');
  assert.equal(run.stages.Undo, 'SKIPPED');
});

test('a run waits while one of its tasks waits for people, and runs again after the answer', () => {
  const run = new Rehearsal(one(''));
  run.ask('Build.A');
  assert.equal(run.state.status, 'WAITING');

  run.answer('Build.A', true);
  assert.equal(run.state.status, 'COMPLETED');
  assert.match(JSON.stringify(run.state.tasks['Build.A']), /Approved by bob/);
});

test('a rejected user operation fails its task', () => {
  const run = new Rehearsal(one(''));
  run.ask('Build.A');
  run.answer('Build.A', false);

  assert.equal(run.state.status, 'FAILED');
  assert.match(run.state.message, /rejected by bob/);
});

test('a user operation that nobody answers expires at its time, and a late answer changes nothing', () => {
  const run = new Rehearsal(one(''));
  run.ask('Build.A', 50_000);
  assert.deepEqual(run.commands.at(-1), {
    do: 'expire-question',
    question: 'question-Build.A',
    key: 'question/question-Build.A',
    due: 50_000,
  });

  run.say({ type: 'expire-question', question: 'question-Build.A' });
  assert.equal(run.state.status, 'FAILED');
  assert.match(run.state.message, /expired/);
  assert.deepEqual(run.answer('Build.A', true).events, []);
});

test('a call that may have happened already is repeated only when a person says so', () => {
  const run = new Rehearsal(one(''));
  run.ask('Build.A', null, 'uncertain');
  run.answer('Build.A', true);

  const last = run.commands.at(-1)!;
  assert.equal(last.do, 'start-task');
  assert.equal('repeat' in last && last.repeat, true);
  assert.equal(run.state.status, 'RUNNING');
});

test('a cancelled run stops what runs, ends what waits, and is cancelled when all has stopped', () => {
  const run = new Rehearsal(twoStages);
  run.succeed('Build.A');
  run.run('Build.B', 'job-7');
  run.ask('Build.C');
  run.say({ type: 'cancel', by: 'ann', reason: 'Wrong branch.' });

  assert.deepEqual(run.tasks, {
    'Build.A': 'COMPLETED',
    'Build.B': 'CANCELING',
    'Build.C': 'CANCELED',
    'Test.D': 'NOT_STARTED',
  });
  assert.equal(run.asked.at(-1), 'cancel-task Build.B');

  run.fail('Build.B', 'stopped');
  assert.equal(run.state.status, 'CANCELED');
  assert.equal(run.state.message, 'Execution canceled by ann. Wrong branch.');
  assert.equal(run.stages.Test, 'SKIPPED');
});

test('a task that was about to start when the run was cancelled is stopped as soon as it is known to run', () => {
  const run = new Rehearsal(one(''));
  run.say({ type: 'cancel', by: 'ann', reason: '' });
  run.run('Build.A', 'job-7');

  const last = run.commands.at(-1)!;
  assert.equal(last.do, 'cancel-task');
  assert.equal('ticket' in last && last.ticket, 'job-7');
});

test('a task that finished before its cancel reached it has completed', () => {
  const run = new Rehearsal(one(''));
  run.run('Build.A');
  run.say({ type: 'cancel', by: 'ann', reason: '' });
  run.succeed('Build.A');

  assert.equal(run.tasks['Build.A'], 'COMPLETED');
  assert.equal(run.state.status, 'CANCELED');
});

test('what finished before its cancel reached it is not followed by the next step', () => {
  const run = new Rehearsal(twoStages);
  run.say({ type: 'cancel', by: 'ann', reason: '' });
  run.succeed('Build.A');

  assert.deepEqual([run.tasks['Build.B'], run.stages.Build, run.state.status], ['NOT_STARTED', 'CANCELED', 'CANCELED']);
});

test('cancelling twice, or after the end, decides nothing more', () => {
  const run = new Rehearsal(one(''));
  run.run('Build.A');
  run.say({ type: 'cancel', by: 'ann', reason: '' });
  assert.deepEqual(run.say({ type: 'cancel', by: 'bob', reason: '' }).events, []);

  run.fail('Build.A');
  assert.deepEqual(run.say({ type: 'cancel', by: 'bob', reason: '' }).events, []);
});

test('a task that takes too long is stopped and fails with its time-out', () => {
  const run = new Rehearsal(one('millrace: {timeout: 30s}'));
  assert.deepEqual(run.commands.at(-1), {
    do: 'time-out',
    stage: 'Build',
    task: 'A',
    attempt: 1,
    key: 'run-1/Build.A/1/time-out',
    due: 31_000,
  });

  run.run('Build.A', 'job-7');
  run.say({ type: 'time-out', stage: 'Build', task: 'A', attempt: 1 });
  assert.ok(run.asked.includes('cancel-task Build.A'));
  assert.equal(run.state.message, 'Build.A: The task took longer than its time-out of 30 s.');
});

test('a time-out that comes after the task has ended decides nothing', () => {
  const run = new Rehearsal(twoStages.replace('A: {type: REST}', 'A: {type: REST, millrace: {timeout: 30s}}'));
  run.succeed('Build.A');

  assert.deepEqual(run.say({ type: 'time-out', stage: 'Build', task: 'A', attempt: 1 }).events, []);
});

test('a delayed task starts later, and its time-out counts from then', () => {
  const run = new Rehearsal(one('millrace: {delay: 10s, timeout: 5s}'));

  assert.deepEqual(
    run.commands.map(({ due }) => due),
    [11_000, 16_000],
  );
});

test('creating what is there decides nothing: the same delivery may come to two servers at once', () => {
  const run = new Rehearsal('name: P\nstages: {S: {tasks: {A: {type: CI, input: {steps: [x]}}}}}');
  run.succeed('S.A');
  const { events, commands, state } = run.say({ type: 'create', plan: run.state.plan, queued: true });

  assert.deepEqual([events, commands, state.status], [[], [], 'COMPLETED']);
});

test('a late or repeated report decides nothing', () => {
  const run = new Rehearsal(twoStages);
  run.succeed('Build.A');

  assert.deepEqual(run.succeed('Build.A').commands, []);
  assert.deepEqual(
    run.report('Build.B', { kind: 'ended', ok: true, input: {}, output: {}, message: '' }, 2).events,
    [],
  );
});

test('a queued run starts when it is admitted, and only once', () => {
  const run = new Rehearsal(one(''), { queued: true });
  assert.equal(run.state.status, 'QUEUED');
  assert.deepEqual(run.asked, ['enter-queue']);

  run.say({ type: 'admit' });
  assert.deepEqual(run.asked, ['enter-queue', 'start-task Build.A']);
  assert.deepEqual(run.say({ type: 'admit' }).events, []);
});

test('a queued run that is cancelled never starts', () => {
  const run = new Rehearsal(one(''), { queued: true });
  run.say({ type: 'cancel', by: 'ann', reason: '' });

  assert.equal(run.state.status, 'CANCELED');
  assert.deepEqual(run.asked, ['enter-queue', 'leave-queue']);
});

test('the outputs of a run are read from its tasks when it ends', () => {
  const run = new Rehearsal(one('', 'output: {size: "${Build.A.output.size}", all: "n=${Build.A.output.size}"}'));
  run.succeed('Build.A', { size: 3 });

  assert.deepEqual(run.state.output, { size: 3, all: 'n=3' });
});

test('people are told about the start, each ended task, each question and the end, each with its own number', () => {
  const run = new Rehearsal(one('', 'millrace: {notifications: [{type: slack, endpoint: team}]}'));
  run.ask('Build.A');
  run.answer('Build.A', true);

  const notices = run.commands.flatMap((command) => (command.do === 'notify' ? [command.notice] : []));
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['started', 'waiting', 'task', 'ended'],
  );
  assert.equal(new Set(notices.map(({ number }) => number)).size, 4);
});

test('nobody is told anything where nobody asked to be', () => {
  const run = new Rehearsal(one(''));
  run.succeed('Build.A');

  assert.ok(!run.asked.includes('notify'));
});

test('a pipeline without stages completes at once', () => {
  assert.equal(new Rehearsal('name: Empty').state.status, 'COMPLETED');
});

test('every command of a run has a key of its own', () => {
  const run = new Rehearsal(twoStages);
  for (const where of ['Build.A', 'Build.B', 'Build.C', 'Test.D']) {
    run.run(where);
    run.succeed(where);
  }
  const keys = run.commands.map(({ key }) => key);

  assert.equal(new Set(keys).size, keys.length);
});
