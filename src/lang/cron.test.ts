import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronFault, nextTime } from './cron.ts';

const after = (pattern: string, zone: string, from: string): string =>
  new Date(nextTime(pattern, zone, Date.parse(from))!).toISOString();

test('the next time is that of the clocks of its zone, summer and winter', () => {
  assert.equal(after('30 2 * * *', '', '2026-11-26T02:30:00Z'), '2026-11-27T02:30:00.000Z');
  assert.equal(after('0 9 * * 1-5', 'Europe/Berlin', '2026-11-27T12:00:00Z'), '2026-11-30T08:00:00.000Z');
  assert.equal(after('0 9 * * 1-5', 'Europe/Berlin', '2026-07-03T12:00:00Z'), '2026-07-06T07:00:00.000Z');
  assert.equal(after('*/15 * * * *', 'UTC', '2026-11-26T10:14:59.999Z'), '2026-11-26T10:15:00.000Z');
});

test('what cannot be read says why', () => {
  assert.equal(cronFault('0 0 * * *', 'Europe/Berlin'), undefined);
  for (const [pattern, zone] of [
    ['61 * * * *', ''],
    ['a b c', ''],
    ['0 0 30 2 *', ''],
    ['* * * * *', 'Mars/Olympus'],
  ] as const)
    assert.ok(cronFault(pattern, zone), `${pattern} ${zone}`);
});
