import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideEntries, decideQueue, emptyQueue, type Queue, type Turnholder } from './queue.ts';

const entry = (execution: string, more: Partial<Turnholder> = {}): Turnholder => ({
  execution,
  index: execution.charCodeAt(0),
  priority: 0,
  group: null,
  ...more,
});
const enter = (queue: Queue, execution: string, limit = 2, more: Partial<Turnholder> = {}) =>
  decideQueue(queue, { type: 'enter', entry: entry(execution, more) }, limit);
const leave = (queue: Queue, execution: string, limit = 2) => decideQueue(queue, { type: 'leave', execution }, limit);
const queueOf = (running: string, waiting = ''): Queue => ({
  running: [...running].map((execution) => entry(execution)),
  waiting: [...waiting].map((execution) => entry(execution)),
});
const names = ({ running, waiting }: Queue) =>
  [running, waiting].map((entries) => entries.map(({ execution }) => execution).join('')).join('|');

test('as many run as may, the others wait in the order in which they came', () => {
  const queue = ['a', 'b', 'c', 'd'].reduce((step, execution) => enter(step, execution).queue, emptyQueue);
  assert.equal(names(queue), 'ab|cd');

  assert.deepEqual(leave(queue, 'a').admitted, ['c']);
});

test('a repeated message does no harm', () => {
  const queue = queueOf('ab', 'c');

  assert.deepEqual(enter(queue, 'a'), { queue, admitted: [], superseded: [] });
  assert.deepEqual(enter(queue, 'c'), { queue, admitted: [], superseded: [] });
  assert.deepEqual(leave(queue, 'x'), { queue, admitted: [], superseded: [] });
});

test('who gives up waiting frees no place for another', () => {
  const { queue, admitted } = leave(queueOf('ab', 'cd'), 'c');

  assert.deepEqual([names(queue), admitted], ['ab|d', []]);
});

test('a raised limit lets the waiting in at the next message, a lowered one stops nobody', () => {
  assert.deepEqual(enter(queueOf('a', 'b'), 'c', 3).admitted, ['b', 'c']);
  assert.deepEqual(leave(queueOf('abc', 'd'), 'a', 1).admitted, []);
});

test('the urgent pass those who wait, never those who run, and keep their order among themselves', () => {
  let queue = queueOf('a', 'b');
  for (const [execution, priority] of [
    ['c', 5],
    ['d', 9],
    ['e', 5],
    ['f', -1],
  ] as const)
    queue = enter(queue, execution, 1, { priority }).queue;

  assert.equal(names(queue), 'a|dcebf');
});

test('a newer execution takes the place of older ones of its group, whether these run or wait', () => {
  const main = { group: 'main' };
  let queue = enter(emptyQueue, 'a', 1, main).queue;
  queue = enter(queue, 'b', 1, { group: 'other' }).queue;
  queue = enter(queue, 'c', 1, main).queue;
  const { superseded } = enter(queue, 'd', 1, main);

  assert.deepEqual(
    superseded.map(({ execution, by }) => [execution, by.execution]),
    [
      ['a', 'd'],
      ['c', 'd'],
    ],
  );
});

test('an older execution that comes back gives way to the newer one that is there', () => {
  const queue = enter(emptyQueue, 'c', 1, { group: 'main' }).queue;
  const { superseded } = enter(queue, 'a', 1, { group: 'main' });

  assert.deepEqual(
    superseded.map(({ execution, by }) => [execution, by.execution]),
    [['a', 'c']],
  );
});

test('those who come together find their places as if each came alone', () => {
  const comers = ['a', 'b', 'c', 'd'].map((execution) => ({ entry: entry(execution), limit: 2 }));
  const urgent = { entry: entry('u', { priority: 5 }), limit: 2 };
  const { queue, places } = decideEntries(queueOf('x'), [...comers, urgent]);

  assert.equal(names(queue), 'xa|ubcd');
  assert.deepEqual(places, ['runs', 'waits', 'waits', 'waits', 'waits']);
});

test('whoever comes, whoever is there, and however many may run: together is one after the other', () => {
  const kinds = [0, 5].flatMap((priority) => [null, 'main'].map((group) => ({ priority, group })));
  const there = ['|', 'x|', 'x|w', 'xy|w', 'xy|wv'].map((text) => text.split('|') as [string, string]);
  for (const [first, second, third] of kinds.flatMap((a) => kinds.flatMap((b) => kinds.map((c) => [a, b, c] as const))))
    for (const [running, waiting] of there)
      for (const limit of [1, 2, 3]) {
        const comers = [entry('a', first), entry('b', second), entry('c', third), entry('a', first)];
        let expected = queueOf(running, waiting);
        const places = comers.map((comer) => {
          const alone = decideQueue(expected, { type: 'enter', entry: comer }, limit);
          const isKnown = names(expected).includes(comer.execution);
          const mayEnter = alone.superseded.length === 0 && alone.admitted.every((one) => one === comer.execution);
          if (isKnown || !mayEnter) return undefined;
          expected = alone.queue;
          return alone.admitted.length > 0 ? 'runs' : 'waits';
        });
        const together = decideEntries(
          queueOf(running, waiting),
          comers.map((one) => ({ entry: one, limit })),
        );
        assert.deepEqual(together, { queue: expected, places }, JSON.stringify([running, waiting, limit, comers]));
      }
});

test('of those who come together only the one whose coming concerns others is not let in', () => {
  const comers = ['a', 'b', 'c'].map((execution) => ({
    entry: entry(execution, { group: execution === 'c' ? 'other' : 'main' }),
    limit: 5,
  }));
  const { queue, places } = decideEntries(emptyQueue, comers);
  assert.equal(names(queue), 'ac|');
  assert.deepEqual(places, ['runs', undefined, 'runs'], 'b takes the place of a');

  const raised = decideEntries(queueOf('x', 'w'), [{ entry: entry('a'), limit: 5 }]);
  assert.deepEqual(
    raised,
    { queue: queueOf('x', 'w'), places: [undefined] },
    'one that waits would be admitted with it',
  );
});
