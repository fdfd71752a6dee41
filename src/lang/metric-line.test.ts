import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMetricLine, metricLines } from './metric-line.ts';

test('metric lines are found among other output', () => {
  const points = metricLines(
    'starting\ntito.requests 12.5 1700000000 source=load stage="Test" user=22\nnot a.metric line\n  tito.errors 0 source=load\n',
    5000,
  );

  assert.deepEqual(points, [
    { name: 'tito.requests', value: 12.5, at: 1_700_000_000_000, source: 'load', tags: { stage: 'Test', user: '22' } },
    { name: 'tito.errors', value: 0, at: 5000, source: 'load', tags: {} },
  ]);
});

test('a point written out is read back the same, also with quotes in a tag', () => {
  const point = { name: 'a.b', value: -1.5e3, at: 1_700_000_000_000, source: 's', tags: { said: 'he said "no\\yes"' } };

  assert.deepEqual(metricLines(formatMetricLine(point), 0), [point]);
});

test('prose with numbers is no metric', () => {
  assert.deepEqual(metricLines('took 12 seconds\nsource=x 5\na 1 2 3 source=y\n', 0), []);
});
