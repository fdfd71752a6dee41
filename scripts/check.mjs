// Everything that must hold before a change lands: style, types, dead code, tests. `check.mjs tests` runs the tests alone.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresPrograms, startCluster } from '../test/postgres/cluster.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(root, 'node_modules', '.bin');
process.env.PATH = `${dirname(process.execPath)}${delimiter}${bin}${delimiter}${process.env.PATH}`;

const tests = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'], {
  cwd: root,
}).sort();
const steps = [
  ['style', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', ['-p', '.']],
  ['dead code', 'knip', []],
  ['tests', process.execPath, ['--test', '--test-concurrency=4', '--test-reporter=spec', ...tests]],
];

const cluster =
  process.env.MILLRACE_TEST_POSTGRES || !postgresPrograms() ? undefined : await startCluster({ durable: false });
if (cluster) process.env.MILLRACE_TEST_POSTGRES = cluster.url;
process.on('exit', () => cluster?.stop());
const failed = [];
for (const [name, command, args] of steps.filter(([name]) => process.argv[2] !== 'tests' || name === 'tests')) {
  const begun = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  process.stdout.write(`${status === 0 ? '✔' : '✘'} ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)\n`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) process.stdout.write(`\nNot in order: ${failed.join(', ')}.\n`);
process.exit(failed.length === 0 ? 0 : 1);
