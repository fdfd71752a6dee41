import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rehearsal } from '../../test/pipelines.ts';
import { bindingPath, resolveText } from '../lang/binding.ts';
import { lookupIn } from './scope.ts';

const run = new Rehearsal(
  `{name: Tito, description: About Tito, stages: {Build: {taskOrder: [Make it, B, C], tasks: {Make it: {type: REST}, B: {type: REST}, C: {type: REST}}}}}`,
  { input: { branch: 'main', list: '["a","b"]' }, comments: 'Because.', index: 7 },
);
run.succeed('Build.Make it', { machines: [{ address: '10.0.0.1' }], body: '{"id":5}' });
run.report('Build.B', { kind: 'skipped', message: '' });
const lookup = lookupIn(run.state, { token: 'tok', 'my.var': 'x' }, 'http://millrace/run-1');
const value = (text: string) => resolveText(text, lookup);

test('bindings reach inputs, variables and what tasks have put out', () => {
  assert.equal(value('${input.branch}'), 'main');
  assert.equal(value('${var.token}'), 'tok');
  assert.equal(value('${Build.Make it.output.machines[0].address}'), '10.0.0.1');
  assert.equal(value('${Build.Make it.status}'), 'COMPLETED');
  assert.equal(value('${Build.status}'), 'RUNNING');
});

test('a text that holds JSON is opened on the way', () => {
  assert.equal(value('${Build.Make it.output.body.id}'), 5);
  assert.equal(value('${input.list[1]}'), 'b');
});

test('bindings reach the run itself', () => {
  assert.equal(value('${name} ${executionIndex} by ${requestBy}: ${comments}'), 'Tito 7 by ann: Because.');
  assert.equal(value('${executionUrl}'), 'http://millrace/run-1');
});

test('a task that was skipped or has not run has null for everything', () => {
  assert.equal(lookup(bindingPath('Build.B.output.x')!), null);
  assert.equal(lookup(bindingPath('Build.C.output.x')!), null);
});

test('what nobody knows has no value at all, so that scripts keep their own variables', () => {
  assert.equal(lookup(['HOME']), undefined);
  assert.equal(lookup(['var', 'nothing']), undefined);
  assert.equal(lookup(['var', 'constructor']), undefined);
  assert.equal(lookup(['Build', 'constructor']), undefined);
});
