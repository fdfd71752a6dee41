import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, Document } from '../store/store.ts';
import { readAhead } from './read-ahead.ts';

const command = (key: string, given: Partial<Command> = {}): Command => ({
  ...{ id: 1, key, kind: 'execution', aggregate: 'r', lane: '', project: 'Tito', host: '', due: 0, fence: 1, tries: 1 },
  body: { do: 'start-task' },
  ...given,
});

function ahead({ isShared = true }) {
  const asked: string[] = [];
  const clock = { now: 0 };
  const list = async (kind: string, project = ''): Promise<Document[]> => {
    asked.push(`${kind} of ${project}`);
    return [];
  };
  return { asked, clock, ...readAhead({ store: { isShared, list }, moment: { now: () => clock.now } }) };
}

test('the variables of a task are read while its start is being written, and given to it as long as they are fresh', async () => {
  const { asked, clock, begin, keep, variablesFor } = ahead({});
  const [first, other, later] = [command('a'), command('b', { project: 'Other' }), command('c', { due: 9 })];
  keep(begin([later, first, other]), [first, other, later]);

  assert.deepEqual(asked, ['variable of Tito']);
  assert.deepEqual(await variablesFor(first), []);
  assert.equal(variablesFor(other), undefined, 'it belongs to another project');
  assert.equal(variablesFor(later), undefined, 'it starts when it is due');
  clock.now = 51;
  assert.equal(variablesFor(first), undefined, 'it has waited: they may have been set anew');
});

test('nothing is read ahead where no task starts, nor where reading is no trip', () => {
  const [shared, alone] = [ahead({}), ahead({ isShared: false })];
  shared.keep(shared.begin([command('a', { body: { do: 'notify' } })]), []);
  alone.keep(alone.begin([command('a')]), [command('a')]);

  assert.deepEqual([shared.asked, alone.asked], [[], []]);
});
