import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideQueue, emptyQueue, type Queue } from './queue.ts';

const enter = (queue: Queue, execution: string, limit = 2) => decideQueue(queue, { type: 'enter', execution }, limit);
const leave = (queue: Queue, execution: string, limit = 2) => decideQueue(queue, { type: 'leave', execution }, limit);

test('as many run as may, the others wait in the order in which they came', () => {
  const { queue } = ['a', 'b', 'c', 'd'].reduce((step, execution) => enter(step.queue, execution), {
    queue: emptyQueue,
    admitted: [] as string[],
  });
  assert.deepEqual(queue, { running: ['a', 'b'], waiting: ['c', 'd'] });

  assert.deepEqual(leave(queue, 'a').admitted, ['c']);
});

test('a repeated message does no harm', () => {
  const queue = { running: ['a', 'b'], waiting: ['c'] };

  assert.deepEqual(enter(queue, 'a'), { queue, admitted: [] });
  assert.deepEqual(enter(queue, 'c'), { queue, admitted: [] });
  assert.deepEqual(leave(queue, 'x'), { queue, admitted: [] });
});

test('who gives up waiting frees no place for another', () => {
  assert.deepEqual(leave({ running: ['a', 'b'], waiting: ['c', 'd'] }, 'c'), {
    queue: { running: ['a', 'b'], waiting: ['d'] },
    admitted: [],
  });
});

test('a raised limit lets the waiting in at the next message, a lowered one stops nobody', () => {
  assert.deepEqual(enter({ running: ['a'], waiting: ['b'] }, 'c', 3).admitted, ['b', 'c']);
  assert.deepEqual(leave({ running: ['a', 'b', 'c'], waiting: ['d'] }, 'a', 1).admitted, []);
});
