// Makes the image of the machines of the container profile: npm run machine-image [-- --engine podman|docker]. Once: it is made
// again when what it is made of has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const directory = join(dirname(fileURLToPath(import.meta.url)), '..', 'deploy', 'machine');
const { values } = parseArgs({ options: { engine: { type: 'string' } } });
const engine = values.engine ?? ['podman', 'docker'].find((name) => isThere(name));
if (!engine || !isThere(engine))
  fail('There is neither podman nor docker: install one of them (Debian: apt install podman).');
const recipe = ['packages', 'Containerfile'].map((name) => readFileSync(join(directory, name), 'utf8'));
const content = createHash('sha256').update(recipe.join('\n')).digest('hex').slice(0, 16);
const image = 'localhost/millrace-machine';
const label = 'io.millrace.content';
const present = spawnSync(engine, ['image', 'inspect', '--format', `{{index .Config.Labels "${label}"}}`, image], {
  encoding: 'utf8',
});
if (present.stdout?.trim() === content) {
  process.stdout.write(`${image} is there.\n`);
  process.exit(0);
}

const begun = Date.now();
process.stderr.write(`Making ${image} (once; a minute or two) ...\n`);
const base = isThere('mmdebstrap') && process.getuid?.() === 0 ? bootstrap() : [];
// Where the machine limits processes, what podman asks for by itself is more than it may.
const limits =
  engine === 'podman' ? ['--network', 'host', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096'] : [];
run(engine, [
  'build',
  '--quiet',
  ...limits,
  ...base,
  '--label',
  `${label}=${content}`,
  '--tag',
  image,
  '--file',
  join(directory, 'Containerfile'),
  directory,
]);
process.stdout.write(`${image} was made in ${Math.round((Date.now() - begun) / 1000)} s.\n`);

/** A Debian of the packages alone, from the mirror that this machine uses. */
function bootstrap() {
  const work = mkdtempSync(join(tmpdir(), 'millrace-machine-'));
  try {
    const packages = recipe[0].trim().split(/\s+/).join(',');
    const tar = join(work, 'base.tar');
    run('mmdebstrap', ['--quiet', '--variant=minbase', `--include=${packages}`, 'bookworm', tar]);
    run(engine, ['import', tar, `${image}-base`]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return ['--build-arg', `BASE=${image}-base`];
}

function run(command, args) {
  const { status, stderr } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (status !== 0)
    fail(`${command} ${args[0]} failed. Its last lines:\n${(stderr ?? '').trim().split('\n').slice(-8).join('\n')}`);
}

function isThere(command) {
  return spawnSync(command, ['--version']).status === 0;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(3);
}
