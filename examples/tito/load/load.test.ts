import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { metricLines } from '../../../src/lang/metric-line.ts';
import { temporaryDirectory } from '../../../test/directory.ts';
import { farSide } from '../../../test/far-side.ts';

const hasLocust = spawnSync('locust', ['--version']).status === 0;

/** Runs the load test on a server that answers at once. */
async function load(t: Parameters<typeof temporaryDirectory>[0], path: string, goal: number) {
  const far = await farSide(t, () => ({ body: 'ok' }));
  const response = join(temporaryDirectory(t), 'response');
  const script = join(import.meta.dirname, 'run.sh');
  const child = spawn('/bin/sh', [script, `${far.url}/`, '4', '4', '0.5', '50', String(goal)], {
    env: { PATH: path, SCRIPT_RESPONSE_FILE: response, METRIC_TAGS: 'run="7"' },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, output, result: JSON.parse(readFileSync(response, 'utf8')), asked: far.calls.length };
}

/** Node alone, so that Locust is not found. */
const withoutLocust = dirname(process.execPath);

for (const [by, path, skip] of [
  ['Locust', process.env.PATH ?? '', hasLocust ? false : 'needs Locust (Debian: apt install python3-locust)'],
  ['load.mjs', withoutLocust, false],
] as const)
  test(`${by} tells its figures while it runs, and whether the goal was met`, { skip }, async (t) => {
    const { code, output, result, asked } = await load(t, path, 5000);
    const names = new Set(metricLines(output, 0).map(({ name, tags }) => `${name} ${tags.run}`));

    assert.deepEqual([code, result.by, result.failures, result.passed, result.users], [0, by, 0, true, 4]);
    assert.equal(result.requests, asked);
    for (const name of ['requests', 'failures', 'users', 'p95_ms']) assert.ok(names.has(`tito.load.${name} 7`), name);
    assert.equal((await load(t, path, -1)).code, 1);
  });
