import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfMemory } from './machine-memory.ts';

const mb = 2 ** 20;
const usages = [
  { pid: 10, resident: 60 * mb },
  { pid: 11, resident: 90 * mb },
];

test('nothing is killed while all processes together fit, and shares are not even asked for', () => {
  assert.equal(
    outOfMemory(usages, 150, () => assert.fail()),
    undefined,
  );
});

test('memory that is shared counts once', () => {
  assert.equal(
    outOfMemory(usages, 100, ({ resident }) => resident / 2),
    undefined,
  );
});

test('the process with the largest share is killed where they do not fit', () => {
  assert.equal(outOfMemory(usages, 140, ({ resident }) => resident)?.pid, 11);
  assert.equal(outOfMemory(usages, 80, ({ pid }) => (pid === 10 ? 60 * mb : 30 * mb))?.pid, 10);
});
