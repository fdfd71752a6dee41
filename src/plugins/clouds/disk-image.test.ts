import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/directory.ts';
import { mountPoints, unmountUnder } from '../../host/mounts.ts';
import { ensureDisk, growDisk, imageOf, remountDisks, removeDisk } from './disk-image.ts';

const needsRoot =
  process.geteuid?.() !== 0 || !existsSync('/dev/loop-control') ? 'needs root, and loop devices' : false;
/** CAP_SYS_RESOURCE: who has it may enlarge a file system that is in use. */
const mayGrowInUse = () =>
  (BigInt(`0x${/CapEff:\s+([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]}`) >> 24n) & 1n;

const place = (t: TestContext): string => join(temporaryDirectory(t), 'disks', 'data');

const room = (path: string) => statfsSync(path).blocks * statfsSync(path).bsize;
const timesMounted = (path: string) => mountPoints().filter((at) => at === path).length;
const reserve = (path: string, megabytes: number) =>
  spawnSync('fallocate', ['--length', `${megabytes}MiB`, path], { encoding: 'utf8' });

test('a disk holds as much as its capacity and no more, and keeps what it holds when it grows', {
  skip: needsRoot,
}, async (t) => {
  const path = place(t);
  assert.equal(await ensureDisk(path, 1), true);
  writeFileSync(join(path, 'kept'), 'precious');
  const tooMuch = reserve(join(path, 'large'), 1100);
  assert.match(tooMuch.stderr, /No space left on device/);

  assert.equal(await growDisk(path, 2), true);
  assert.equal(await growDisk(path, 2), true, 'the same again changes nothing');
  assert.ok(room(path) > 1.9 * 2 ** 30, `${room(path)} bytes`);
  assert.equal(reserve(join(path, 'large'), 1100).status, 0);
  assert.equal(readFileSync(join(path, 'kept'), 'utf8'), 'precious');
});

test('whoever sees to a disk at the same moment, it is mounted once, and again after it was lost', {
  skip: needsRoot,
}, async (t) => {
  const path = place(t);
  const four = () => Promise.all([1, 2, 3, 4].map(() => ensureDisk(path, 1)));
  assert.deepEqual(await four(), [true, true, true, true]);
  assert.equal(timesMounted(path), 1);
  writeFileSync(join(path, 'kept'), 'precious');

  unmountUnder(path);
  assert.ok(!existsSync(join(path, 'kept')));
  await four();
  assert.equal(timesMounted(path), 1);
  assert.equal(readFileSync(join(path, 'kept'), 'utf8'), 'precious');

  unmountUnder(path);
  await remountDisks(join(path, '../..'));
  assert.equal(timesMounted(path), 1, 'all disks of a cloud are seen to when its server starts');
});

test('a disk is found behind a symbolic link, and goes with what it holds', { skip: needsRoot }, async (t) => {
  const real = temporaryDirectory(t);
  const link = join(temporaryDirectory(t), 'link');
  symlinkSync(real, link);
  const path = join(link, 'disks', 'data');
  assert.equal(await ensureDisk(path, 1), true);
  assert.equal(await growDisk(path, 2), true);
  assert.ok(room(path) > 1.9 * 2 ** 30);

  removeDisk(path);
  assert.equal(timesMounted(join(real, 'disks', 'data')), 0);
  assert.deepEqual(readdirSync(join(real, 'disks')), []);
});

test('a disk that was being made when its server died is made anew', { skip: needsRoot }, async (t) => {
  const path = place(t);
  mkdirSync(path, { recursive: true });
  writeFileSync(`${imageOf(path)}.draft`, 'half of it');
  assert.equal(await ensureDisk(path, 1), true);
  assert.deepEqual(readdirSync(join(path, '..')).toSorted(), ['data', 'data.img']);
});

test('a disk that is in use grows where the server may do that, and says so where not', {
  skip: needsRoot,
}, async (t) => {
  const path = place(t);
  await ensureDisk(path, 1);
  const file = openSync(join(path, 'open'), 'w');
  const grown = growDisk(path, 2);
  if (mayGrowInUse()) assert.equal(await grown, true);
  else
    await assert.rejects(
      grown,
      /it is in use, and this server may not enlarge a disk that is: switch the machine off first/,
    );
  closeSync(file);

  assert.equal(await growDisk(path, 2), true);
  assert.ok(room(path) > 1.9 * 2 ** 30);
});

test('a directory that holds something already is left as it is', async (t) => {
  const path = place(t);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'old'), 'there before');

  assert.equal(await ensureDisk(path, 1), false);
  assert.equal(readFileSync(join(path, 'old'), 'utf8'), 'there before');
  assert.ok(!existsSync(imageOf(path)));
});

test('a disk that was made and cannot be mounted is refused, and what is on it stays', async (t) => {
  const path = place(t);
  mkdirSync(path, { recursive: true });
  writeFileSync(imageOf(path), 'no file system');

  await assert.rejects(ensureDisk(path, 1), ({ message }: Error) => {
    assert.ok(message.startsWith(`${imageOf(path)} cannot be mounted: `), message);
    assert.ok(!message.includes('mountpoint -q') && message.length < 500, message);
    return true;
  });
  assert.equal(readFileSync(imageOf(path), 'utf8'), 'no file system');
  await remountDisks(join(path, '../..'));
  assert.ok(existsSync(imageOf(path)));
});
