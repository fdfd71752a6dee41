// Builds the container image: npm run image -- [TAG] [--base IMAGE]. By podman or docker, whichever is there.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { base: { type: 'string' }, runtime: { type: 'string' } },
});
const context = join(root, 'node_modules', '.millrace-image');
const engine = ['podman', 'docker'].find((name) => spawnSync(name, ['--version']).status === 0);
if (!engine) fail('There is neither podman nor docker: install one of them.');

stage();
const args = ['build', '--tag', positionals[0] ?? 'millrace', '--file', join(root, 'deploy/container/Containerfile')];
if (values.base) args.push('--build-arg', `BASE=${values.base}`);
// Where the machine limits processes, what podman asks for by itself is more than it may.
if (engine === 'podman') args.push('--network', 'host', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096');
run(engine, [...(engine === 'podman' && values.runtime ? ['--runtime', values.runtime] : []), ...args, context]);

/** The application with the packages that it needs to run, and no more. */
function stage() {
  const app = join(context, 'app');
  rmSync(context, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  for (const name of ['src', 'dist', 'bin', 'package.json', 'package-lock.json', 'LICENSE', 'README.md'])
    cpSync(join(root, name), join(app, name), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  run('npm', ['install', '--omit=dev', '--no-save', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: app });
  if (!existsSync(join(app, 'node_modules/.bin/node'))) fail('npm brought no Node along for this platform.');
}

function run(command, list, options = {}) {
  const { status } = spawnSync(command, list, { stdio: 'inherit', ...options });
  if (status !== 0) fail(`${command} ${list[0]} failed; see above.`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(3);
}
