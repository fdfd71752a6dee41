import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rehearsal } from '../../test/pipelines.ts';
import { parseYaml } from '../lang/yaml.ts';
import { evolve } from './evolve.ts';
import type { Execution } from './execution.ts';
import { parsePipeline } from './parse.ts';

const pipeline = `
name: Release
stages:
  Build: {taskOrder: ['A,B'], tasks: {A: {type: REST}, B: {type: REST, ignoreFailure: true}}}
  Ship: {tasks: {C: {type: REST}}}
  Undo: {millrace: {runs: on-failure}, tasks: {U: {type: REST}}}
rollbacks:
- {name: All of it}
- {name: The build, stage: Build}
- {name: Just A, stage: Build, task: A, inputs: {what: '\${Build.A.output.x}'}}
- {name: Just B, stage: Build, task: B}
- {name: The shipping, stage: Ship}
`;
const rollbacks = (run: Rehearsal) =>
  run.commands.flatMap((command) => (command.do === 'start-rollback' ? [command.number] : []));
const ended = (run: Rehearsal, number: number, ok = true) =>
  run.say({ type: 'rollback-ended', number, ok, message: ok ? '' : 'stuck', run: null });

test('a failure rolls back what belongs to its task, then to its stage, then to the pipeline, one after the other', () => {
  const run = new Rehearsal(pipeline);
  run.fail('Build.A', 'red');
  assert.deepEqual(rollbacks(run), []);
  run.succeed('Build.B');
  assert.equal(run.state.status, 'ROLLING_BACK');

  for (const number of [2, 1, 0]) {
    assert.equal(rollbacks(run).at(-1), number);
    ended(run, number);
  }
  assert.deepEqual(rollbacks(run), [2, 1, 0]);
});

test('what cleans up begins when all has been rolled back, and the run ends as rolled back with its first failure', () => {
  const run = new Rehearsal(pipeline);
  run.succeed('Build.A');
  run.succeed('Build.B');
  run.fail('Ship.C', 'red');
  ended(run, 4);
  assert.equal(run.tasks['Undo.U'], 'NOT_STARTED');
  ended(run, 0);
  assert.deepEqual([run.state.status, run.tasks['Undo.U']], ['RUNNING', 'STARTED']);

  run.succeed('Undo.U');
  assert.deepEqual([run.state.status, run.state.message], ['ROLLBACK_COMPLETED', 'Ship.C: red']);
});

test('a rollback that fails does not hold up the others, and shows at the end', () => {
  const run = new Rehearsal(pipeline);
  run.succeed('Build.A');
  run.succeed('Build.B');
  run.fail('Ship.C');
  ended(run, 4, false);
  ended(run, 0);
  run.succeed('Undo.U');

  assert.equal(run.state.status, 'ROLLBACK_FAILED');
});

test('a rejected question rolls back, too; a failure that is ignored and a cancel do not', () => {
  const rejected = new Rehearsal(pipeline);
  rejected.succeed('Build.B');
  rejected.ask('Build.A');
  rejected.answer('Build.A', false);
  assert.deepEqual(rollbacks(rejected), [2]);

  const ignored = new Rehearsal(pipeline);
  ignored.fail('Build.B');
  ignored.succeed('Build.A');
  assert.deepEqual(rollbacks(ignored), []);

  const canceled = new Rehearsal(pipeline);
  canceled.say({ type: 'cancel', by: 'ann', reason: '' });
  canceled.fail('Build.A');
  canceled.fail('Build.B');
  assert.deepEqual(rollbacks(canceled), []);
});

test('a rollback is told once, and late or repeated news of it changes nothing', () => {
  const run = new Rehearsal(pipeline);
  run.fail('Build.A');
  run.fail('Build.B');
  ended(run, 2);

  assert.deepEqual(ended(run, 2).events, []);
  assert.deepEqual(ended(run, 4).events, []);
});

test('a run that pauses while it rolls back is paused when that rollback is over', () => {
  const run = new Rehearsal(pipeline);
  run.succeed('Build.A');
  run.succeed('Build.B');
  run.fail('Ship.C');
  run.say({ type: 'pause', by: 'ann', reason: '' });
  assert.equal(run.state.status, 'PAUSING');
  ended(run, 4);
  assert.deepEqual([run.state.status, rollbacks(run)], ['PAUSED', [4]]);

  run.say({ type: 'resume', by: 'ann', reason: '' });
  assert.deepEqual(rollbacks(run), [4, 0]);
});

test('a run that goes on from a failure rolls back anew when it fails again, under another key', () => {
  const run = new Rehearsal(pipeline);
  run.succeed('Build.A');
  run.succeed('Build.B');
  run.fail('Ship.C');
  for (const number of [4, 0]) ended(run, number);
  run.succeed('Undo.U');
  run.say({ type: 'resume', by: 'ann', reason: '' });
  run.say({ type: 'admit' });
  run.fail('Ship.C', 'red', 2);

  const keys = run.commands.filter((command) => command.do === 'start-rollback').map(({ key }) => key);
  assert.deepEqual(keys, ['run-1/rollback/4/0', 'run-1/rollback/0/0', 'run-1/rollback/4/1']);
  assert.deepEqual(
    run.events.reduce<Execution | null>((state, event) => evolve(state, event), null),
    run.state,
  );
});

test('a rollback of a part that is not there, or without a pipeline, is refused with its place', () => {
  const text =
    '{name: P, stages: {Build: {tasks: {A: {type: REST}}}}, rollbacks: [{stage: Build}, {name: R, stage: Buld}, {name: R, stage: Build, task: B}]}';
  const { diagnostics } = parsePipeline(parseYaml(text).documents[0]!);

  assert.deepEqual(
    diagnostics.map(({ code, message, hint, line, column }) => [code, message, hint, `${line}:${column}`]),
    [
      ['rollback.incomplete', 'A rollback needs the `name` of a pipeline.', undefined, '1:68'],
      [
        'rollback.unknown-part',
        'Rollback R belongs to the stage Buld, which is not there.',
        'Did you mean Build?',
        '1:101',
      ],
      ['rollback.unknown-part', 'Rollback R belongs to the task B, which is not there.', 'Did you mean A?', '1:138'],
    ],
  );
});
