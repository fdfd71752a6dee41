import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CountedRun, statisticsOf } from './statistics.ts';

const run = (status: string, from: number, to: number | null, inCi?: number): CountedRun => ({
  ...{ id: `${from}`, index: from, status, requestedAt: from, endedAt: to, duration: to === null ? 0 : to - from },
  ...(inCi === undefined ? {} : { inCi }),
});

test('the measures mean what they mean in the original', () => {
  const found = statisticsOf([
    run('COMPLETED', 0, 10, 4),
    run('FAILED', 20, 24),
    run('ROLLBACK_COMPLETED', 30, 40, 8),
    run('COMPLETED', 50, 70),
    run('CANCELED', 80, 81),
    run('COMPLETED', 90, 100),
    run('FAILED', 110, 112),
    run('RUNNING', 120, null),
  ]);

  assert.deepEqual(found.counts, { COMPLETED: 3, FAILED: 2, ROLLBACK_COMPLETED: 1, CANCELED: 1, RUNNING: 1 });
  assert.equal(found.averageCi, 6);
  assert.equal(found.mttd, Math.round((10 + 20 + 10) / 3));
  assert.equal(found.mtbd, (60 + 30) / 2);
  assert.equal(found.mttf, Math.round((4 + 10 + 2) / 3));
  assert.equal(found.mttr, (70 - 24 + (70 - 40)) / 2, 'the last failure was not recovered from');
  assert.equal(found.latestSuccess?.requestedAt, 90);
});

test('where nothing ran there is nothing to take a mean of', () => {
  assert.deepEqual(statisticsOf([]), {
    ...{ runs: 0, counts: {}, averageCi: null, mttd: null, mtbd: null, mttf: null, mttr: null, latestSuccess: null },
  });
});
