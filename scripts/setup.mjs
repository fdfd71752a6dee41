// Brings what the project needs: runs on any Node from 18, installs once, and again when the lock file changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.millrace-setup');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

if (!isInstalled()) install();
if (!existsSync(join(root, 'node_modules', '.bin', 'node'))) {
  fail(
    `No Node 24 is published on npm for ${process.platform}-${process.arch}. Install Node 24 yourself and link it as node_modules/.bin/node.`,
  );
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

function install() {
  process.stderr.write('Installing the packages of Millrace (once; about half a minute) ...\n');
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm ? [process.execPath, npm] : ['npm'];
  const done = spawnSync(command, [...args, 'ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (done.status !== 0)
    fail('npm ci failed; see above. Check the network and the npm registry, then run this again.');
  writeFileSync(stamp, wanted);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(3);
}
