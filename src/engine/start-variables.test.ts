import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, Document } from '../store/store.ts';
import { startVariables } from './start-variables.ts';

const command = (key: string, given: Partial<Command> = {}): Command => ({
  ...{ id: 1, key, kind: 'execution', aggregate: 'r', lane: '', project: 'Tito', host: '', due: 0, fence: 1, tries: 1 },
  body: { do: 'start-task' },
  ...given,
});

test('a change that starts a task brings the variables of its project along, and they are given to it while they are fresh', () => {
  let now = 0;
  const { wantedBy, keep, variablesFor } = startVariables(() => now);
  const [first, other, later] = [command('a'), command('b', { project: 'Other' }), command('c', { due: 9 })];
  const wanted = wantedBy([later, first, other])!;
  const variables: Document[] = [];
  keep(variables, wanted, [first, other, later], now);

  assert.deepEqual(wanted, { kind: 'variable', project: 'Tito' });
  assert.equal(variablesFor(first), variables);
  assert.equal(variablesFor(other), undefined, 'it belongs to another project');
  assert.equal(variablesFor(later), undefined, 'it starts when it is due');
  now = 51;
  assert.equal(variablesFor(first), undefined, 'it has waited: they may have been set anew');
});

test('a change that starts no task brings nothing along', () => {
  const { wantedBy } = startVariables(() => 0);

  assert.equal(wantedBy([command('a', { body: { do: 'notify' } })]), undefined);
});
