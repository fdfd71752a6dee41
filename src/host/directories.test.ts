import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../test/directory.ts';
import { openDirectories } from './directories.ts';

test('a directory that stands ready gets its name, and one that is there is left as it is', (t) => {
  const place = temporaryDirectory(t);
  const jobs = temporaryDirectory(t);
  const { make, refill } = openDirectories(place);
  refill();
  refill();
  assert.equal(readdirSync(place).length, 1);
  make(join(jobs, 'new'));
  assert.deepEqual([readdirSync(place), statSync(join(jobs, 'new')).mode & 0o777], [[], 0o700]);
  mkdirSync(join(jobs, 'old'));
  writeFileSync(join(jobs, 'old', 'kept'), '');
  refill();
  make(join(jobs, 'old'));

  assert.deepEqual(readdirSync(join(jobs, 'old')), ['kept']);
});

test('where none stands ready, or it cannot go there, a directory is made with all above it', (t) => {
  const place = temporaryDirectory(t);
  const jobs = temporaryDirectory(t);
  const { make, refill } = openDirectories(place);
  make(join(jobs, 'first'));
  refill();
  make(join(jobs, 'run', 'deep'));
  rmSync(join(place, 'directory-0'), { recursive: true });
  make(join(jobs, 'lost'));
  refill();

  assert.ok(['first', 'run/deep', 'lost'].every((path) => existsSync(join(jobs, path))));
  assert.equal(readdirSync(place).length, 1);
});
