// Everything that must hold before a change lands: style, types, dead code, tests. `check.mjs tests` runs the tests alone,
// `check.mjs postgres` those that must hold on both databases, on PostgreSQL, `check.mjs containers` those that need an engine.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../src/demo/engine.ts';
import { postgresPrograms, startCluster } from '../test/postgres/cluster.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(root, 'node_modules', '.bin');
process.env.PATH = `${dirname(process.execPath)}${delimiter}${bin}${delimiter}${process.env.PATH}`;

const tests = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'], {
  cwd: root,
}).sort();
/** What must hold on both databases runs a second time on PostgreSQL, where that is installed. */
const onBoth = globSync(
  [
    'src/{engine,server}/*.test.ts',
    'src/plugins/{tasks,resources}/*.test.ts',
    'src/plugins/triggers/**/*.test.ts',
    'test/{cloud-assembly,lossy-cloud}.test.ts',
  ],
  {
    cwd: root,
  },
).sort();
/** What needs a container engine, the image of its machines and root. */
const withContainers = globSync(
  [
    'src/plugins/clouds/container/*.test.ts',
    'src/plugins/workspaces/*.test.ts',
    'examples/tito/lamp/*.test.ts',
    'test/container-*.test.ts',
  ],
  {
    cwd: root,
  },
).sort();
const runner = ['--test', '--test-concurrency=4', '--test-timeout=120000', '--test-reporter=spec'];
const [part = 'everything'] = process.argv.slice(2);
const steps = [
  ['style', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', ['-p', '.']],
  ['types of the pages', 'tsc', ['-p', 'src/web']],
  ['dead code', 'knip', []],
  ['tests', process.execPath, [...runner, ...tests]],
  ['tests on PostgreSQL', process.execPath, [...runner, ...onBoth], { MILLRACE_TEST_STORE: 'postgres' }],
  // One file after the other: each boots as many machines as two cores can bear.
  ['tests with containers', process.execPath, [...runner, '--test-concurrency=1', ...withContainers]],
];

const isInstalled = postgresPrograms() !== undefined;
if (process.env.CI && !isInstalled) throw new Error('CI tests both databases: install PostgreSQL first.');
if (!isInstalled) process.stdout.write('No PostgreSQL: what needs it is skipped (Debian: apt install postgresql).\n');
const cluster = isInstalled && !process.env.MILLRACE_TEST_POSTGRES ? await startCluster({ durable: false }) : undefined;
if (cluster) process.env.MILLRACE_TEST_POSTGRES = cluster.url;
process.on('exit', () => cluster?.stop());

if (part === 'containers') {
  const made = spawnSync(process.execPath, [join(root, 'scripts/machine-image.mjs')], { stdio: 'inherit' });
  if (made.status !== 0) process.exit(3);
  const engine = await startEngine();
  process.env.MILLRACE_TEST_ENGINE = engine.address;
  process.on('exit', () => engine.stop());
}

const failed = [];
for (const [name, command, args, more] of steps.filter(isWanted)) {
  const begun = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...more } });
  process.stdout.write(`${status === 0 ? '✔' : '✘'} ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)\n`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) process.stdout.write(`\nNot in order: ${failed.join(', ')}.\n`);
process.exit(failed.length === 0 ? 0 : 1);

function isWanted([name]) {
  if (part === 'containers') return name === 'tests with containers';
  if (part === 'postgres') return name === 'tests on PostgreSQL';
  return part === 'tests' ? name === 'tests' : !['tests on PostgreSQL', 'tests with containers'].includes(name);
}
