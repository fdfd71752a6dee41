import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration } from './duration.ts';

test('durations are read in the units that people write', () => {
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('90s'), 90_000);
  assert.equal(parseDuration('1.5m'), 90_000);
  assert.equal(parseDuration('1h 30m'), 5_400_000);
  assert.equal(parseDuration('2d'), 172_800_000);
  assert.equal(parseDuration(45), 45_000);
});

test('what is no duration is none', () => {
  for (const text of ['', 'soon', '-5s', '5 parsecs', '1h30', 's']) assert.equal(parseDuration(text), undefined, text);
});

test('durations are said with the precision that a person can use', () => {
  assert.equal(formatDuration(420), '420 ms');
  assert.equal(formatDuration(8400), '8.4 s');
  assert.equal(formatDuration(200_000), '3 m 20 s');
  assert.equal(formatDuration(3_900_000), '1 h 5 m');
});

test('rounding never gives sixty of a unit', () => {
  assert.equal(formatDuration(999.7), '1.0 s');
  assert.equal(formatDuration(59_970), '1 m 0 s');
  assert.equal(formatDuration(119_700), '2 m 0 s');
  assert.equal(formatDuration(3_599_800), '1 h 0 m');
  assert.equal(formatDuration(7_199_000), '2 h 0 m');
});
