// Brings what the project needs: runs on any Node from 18, installs once, and again when the lock file changed; builds the pages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.millrace-setup');
const pagesStamp = join(root, 'dist', 'pages.sha256');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

if (!isInstalled()) install();
if (!existsSync(join(modules, '.bin', 'node'))) takeTheNodeThatRunsThis();
if (!areBuilt()) buildPages();

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

/**
 * `npm install --no-save` keeps to the lock file and never writes it. `npm ci` would refuse the whole lock file where
 * a registry lacks one of the packages that others publish for platforms which are not ours.
 */
function install() {
  process.stderr.write('Installing the packages of Millrace (once; about half a minute) ...\n');
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm ? [process.execPath, npm] : ['npm'];
  const options = ['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error'];
  const done = spawnSync(command, [...args, ...options], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (done.status !== 0)
    fail('npm install failed; see above. Check the network and the registry, then run this again.');
  writeFileSync(stamp, wanted);
}

/** Node 24 comes from npm for Linux; elsewhere the one at hand must be new enough. */
function takeTheNodeThatRunsThis() {
  if (Number(process.versions.node.split('.')[0]) < 24) {
    fail(
      `Millrace needs Node 24 and npm has none for ${process.platform}-${process.arch}: install it (this is ${process.version}), then run this again.`,
    );
  }
  mkdirSync(join(modules, '.bin'), { recursive: true });
  symlinkSync(process.execPath, join(modules, '.bin', 'node'));
}

/** The pages are built anew when anything that they are made of has changed. */
function areBuilt() {
  return existsSync(pagesStamp) && readFileSync(pagesStamp, 'utf8') === sourcesOfPages();
}

function buildPages() {
  const vite = join(modules, 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--config', join(root, 'src/web/vite.config.ts'), '--logLevel', 'error'];
  const done = spawnSync(join(modules, '.bin', 'node'), args, {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (done.status !== 0) fail('The pages could not be built; see above.');
  writeFileSync(pagesStamp, sourcesOfPages());
}

function sourcesOfPages() {
  const hash = createHash('sha256').update(wanted);
  for (const room of ['web', 'core', 'lang', 'api', 'pipeline'])
    for (const path of readdirSync(join(root, 'src', room), { recursive: true }).sort()) {
      const file = join(root, 'src', room, path);
      if (statSync(file).isFile()) hash.update(path).update(readFileSync(file));
    }
  return hash.digest('hex');
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(3);
}
