import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rules } from '../../test/rules.ts';
import { formatDiagnostic } from '../core/diagnostic.ts';
import { checkPipeline } from './validate.ts';

/** The diagnostics of a text, as a person reads them, without the hint. */
const said = (text: string): string[] =>
  checkPipeline(text, rules).diagnostics.map((diagnostic) =>
    formatDiagnostic('p.yaml', { ...diagnostic, hint: undefined }),
  );
const hints = (text: string) => checkPipeline(text, rules).diagnostics.map(({ hint }) => hint);

/** A pipeline around the lines of one task. */
const withTask = (...lines: string[]): string =>
  [
    'name: P',
    'input:',
    "  size: ''",
    'stages:',
    '  Build:',
    '    tasks:',
    '      First:',
    ...lines.map((line) => `        ${line}`),
  ].join('\n');

test('the pipeline of Tito has nothing to be said about it', () => {
  const text = readFileSync(join(import.meta.dirname, '../../examples/tito/pipeline.yaml'), 'utf8');

  assert.deepEqual(said(text), []);
});

test('an unknown task type is refused at its place, with a guess', () => {
  const text = withTask('type: Blueprnt');

  assert.deepEqual(said(text), [
    'p.yaml:8:15: error: Task Build.First has the unknown type Blueprnt. [task.unknown-type]',
  ]);
  assert.deepEqual(hints(text), ['Did you mean Blueprint?']);
});

test('a task whose form was not filled in may be kept so, with a warning', () => {
  assert.deepEqual(said(withTask('type: POLL', '_configured: false')), [
    'p.yaml:8:9: warning: Task Build.First: `url` is missing. Too small: expected string to have >=1 characters. [task.input]',
  ]);
});

test('an input with a wrong value is refused at its place', () => {
  assert.deepEqual(
    said(withTask('type: POLL', 'input:', '  url: http://a', '  pollCount: many', '  exitCriteria: {success: "true"}')),
    [
      'p.yaml:11:22: error: Task Build.First: `pollCount: "many"`: Invalid input: expected number, received NaN. [task.input]',
    ],
  );
});

test('a missing input is named', () => {
  assert.match(said(withTask('type: SSH', 'input: {host: a, username: b}')).join('\n'), /`script` is missing/);
});

test('a value with a binding is judged when it is known, not before', () => {
  assert.deepEqual(
    said(
      withTask(
        'type: POLL',
        'input: {url: "${input.size}", pollCount: "${input.size}", exitCriteria: {success: "true"}}',
      ),
    ),
    [],
  );
});

test('an unknown key is a warning with a guess, as the original tolerated it', () => {
  const text = withTask('type: REST', 'ignoreFailur: true', 'input: {action: get, url: http://a, header: {}}');

  assert.deepEqual(said(text), [
    'p.yaml:9:9: warning: Task Build.First has the unknown key `ignoreFailur`. [key.unknown]',
    'p.yaml:10:45: warning: Task Build.First: `header` is no key of this task type and is ignored. [key.unknown]',
  ]);
  assert.equal(hints(text)[0], 'Did you mean `ignoreFailure`?');
});

test('an unknown key of our own extensions is an error, since nothing else wrote it', () => {
  assert.match(
    said(withTask('type: REST', 'millrace: {timout: 5m}', 'input: {action: get, url: http://a}'))[0]!,
    /9:20: error: .*`timout`/,
  );
});

test('a wrong duration is refused at its place', () => {
  assert.match(
    said(withTask('type: REST', 'millrace: {timeout: soon}', 'input: {action: get, url: http://a}'))[0]!,
    /9:29: error: `timeout: soon` is not a duration/,
  );
});

test('a binding to an input, stage or task that is not there is refused where it stands', () => {
  assert.deepEqual(said(withTask('type: REST', 'input: {action: get, url: "http://${input.sise}/"}')), [
    'p.yaml:9:43: error: Task Build.First: ${input.sise}: the pipeline has no input sise. [binding.unknown-input]',
  ]);
  assert.match(
    said(withTask('type: REST', 'input: {action: get, url: "${Biuld.First.output.x}"}'))[0]!,
    /there is no stage Biuld/,
  );
  assert.match(
    said(withTask('type: REST', 'input: {action: get, url: "${Build.Frist.output.x}"}'))[0]!,
    /stage Build has no task Frist/,
  );
});

test('a binding to a task that runs later is a warning', () => {
  assert.match(
    said(withTask('type: REST', 'input: {action: get, url: "${Build.First.output.x}"}'))[0]!,
    /warning: .*First has not run yet/,
  );
});

test('variables of the shell are no bindings', () => {
  assert.deepEqual(
    said(
      withTask('type: SSH', 'input:', '  host: a', '  username: b', '  script: |', '    echo ${HOME} ${1:-x} ${WORLD}'),
    ),
    [],
  );
});

test('a condition that cannot be read is refused at the character that is wrong', () => {
  assert.deepEqual(
    said(withTask('type: REST', 'preCondition: ${input.size} = 3', 'input: {action: get, url: http://a}')),
    ['p.yaml:9:37: error: Task Build.First: `=` has no meaning here. [condition.syntax]'],
  );
});

test('order lists are held against what is defined, both ways', () => {
  const text =
    'name: P\nstageOrder: [Biuld]\nstages:\n  Build:\n    taskOrder: [A, B, A]\n    tasks:\n      A: {type: REST, input: {action: get, url: http://a}}\n';
  const found = said(text.replace('Biuld', 'Build'));

  assert.match(said(text)[0]!, /4:3: warning: Stage Build is not in `stageOrder`/);
  assert.match(said(text)[1]!, /2:14: error: `stageOrder` names the stage Biuld/);
  assert.match(found[0]!, /5:20: warning: `taskOrder` of stage Build names the task B, .*passed by/);
  assert.match(found[1]!, /names the task A twice/);
});

test('what real files hold is taken: texts for numbers and flags, the keys of 2019, empty parts', () => {
  const { pipeline, diagnostics } = checkPipeline(
    'name: P\nenabled: "TRUE"\nconcurrency: "3"\ninput:\noptions: ""\nciWorkspace: {image: a}\nstages:\n  Build:\n    taskOrder: ["A, B"]\n    tasks:\n      A: {type: REST, ignoreFailure: "true", input: {action: get, url: http://a}}\n      B: {type: REST, input: {action: GET, url: http://a, headers: [], payload:}}\n',
    rules,
  );

  assert.deepEqual(diagnostics, []);
  assert.deepEqual([pipeline?.enabled, pipeline?.concurrency, pipeline?.workspace.image], [true, 3, 'a']);
  assert.deepEqual(pipeline?.stages[0]?.steps, [['A', 'B']]);
  assert.equal(pipeline?.stages[0]?.tasks.A?.ignoreFailure, true);
});

test('a document that is no pipeline says so', () => {
  assert.match(said('- a\n')[0]!, /A pipeline is a map/);
  assert.match(said('')[0]!, /The file holds no definition/);
  assert.match(said('stages: {}\n')[0]!, /has no `name`/);
  assert.match(said('name: P\nstages: [a]\n')[0]!, /2:9: error: `stages` must be a map, not a list/);
});

test('approvals that cannot come are warned of, and belong to user operations only', () => {
  const codes = (task: string) =>
    checkPipeline(`name: P\nstages: {S: {tasks: {A: ${task}}}}\n`, rules).diagnostics.map(({ code }) => code);

  assert.deepEqual(codes('{type: UserOperation, input: {approvers: [ann]}, millrace: {approvals: 2}}'), [
    'task.approvals',
  ]);
  assert.deepEqual(codes('{type: UserOperation, input: {approvers: [ann, bob]}, millrace: {approvals: 2}}'), []);
  assert.deepEqual(codes('{type: UserOperation, input: {approverGroups: [ops]}, millrace: {approvals: 2}}'), []);
  assert.deepEqual(codes('{type: Condition, input: {condition: "true"}, millrace: {approvals: 2}}'), [
    'task.approvals',
  ]);
});
