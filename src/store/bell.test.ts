import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newBell, ringFor } from './bell.ts';
import type { NewCommand } from './store.ts';

const command = (key: string, more: Partial<NewCommand> = {}): NewCommand => ({
  ...{ key, kind: 'execution', aggregate: 'r', lane: '', project: '', host: '', body: {}, due: 0 },
  ...more,
});

test('work is rung for when nobody has it: neither for what was claimed, nor for what waits in a lane', () => {
  const rung: number[] = [];
  const bell = newBell().on('work', (due) => rung.push(due));
  const [mine, left, waits] = [command('mine'), command('left', { due: 7 }), command('waits', { lane: 'l' })];
  const claimed = [{ ...mine, id: 1, fence: 1, tries: 1 }];

  ringFor(bell, { aggregates: [], commands: [mine, waits] }, claimed);
  assert.deepEqual(rung, []);
  ringFor(bell, { aggregates: [], commands: [mine, left, waits] }, claimed);
  ringFor(bell, { aggregates: [], commands: [command('later', { lane: 'l', due: 9 })] }, []);
  ringFor(bell, { aggregates: [], commands: [], settles: { command: 1, fence: 1, again: { due: 3, body: {} } } }, []);
  assert.deepEqual(rung, [7, 9, 3]);
});

test('who has told something is named, who has changed in silence is not', () => {
  const rung: unknown[] = [];
  const bell = newBell().on('events', (of) => rung.push(of));
  const aggregate = (id: string, events: object[]) => ({
    ...{ kind: 'execution' as const, id, version: 0, state: {}, summary: {}, events: events as never[] },
  });
  ringFor(bell, { aggregates: [aggregate('a', [{}]), aggregate('q', []), aggregate('b', [{}, {}])], commands: [] }, []);
  ringFor(bell, { aggregates: [aggregate('q', [])], commands: [] }, []);

  assert.deepEqual(rung, [['a', 'b']]);
});
