import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../test/directory.ts';
import { openDirectories } from './directories.ts';

function directoriesIn(t: TestContext) {
  const place = temporaryDirectory(t);
  const jobs = temporaryDirectory(t);
  const ready = () => readdirSync(place, { recursive: true }).length;
  return { ...openDirectories(place), place, jobs, ready };
}

const closed = (path: string) => statSync(path).isDirectory() && (statSync(path).mode & 0o777) === 0o700;

test('a directory that stands ready gets its name, and so does the one around it where that is missing', (t) => {
  const { make, refill, jobs, ready } = directoriesIn(t);
  refill();
  refill();
  assert.equal(ready(), 2);
  make(join(jobs, 'own'));
  assert.deepEqual([ready(), closed(join(jobs, 'own')), readdirSync(join(jobs, 'own'))], [1, true, []]);
  refill();
  make(join(jobs, 'run', 'other'));
  assert.deepEqual([ready(), closed(join(jobs, 'run')), closed(join(jobs, 'run', 'other'))], [0, true, true]);
  refill();
  make(join(jobs, 'next', 'other'));

  assert.deepEqual([ready(), readdirSync(join(jobs, 'next'))], [0, ['other']]);
});

test('a directory that is there is left as it is', (t) => {
  const { make, refill, jobs, ready } = directoriesIn(t);
  mkdirSync(join(jobs, 'old'));
  writeFileSync(join(jobs, 'old', 'kept'), '');
  refill();
  make(join(jobs, 'old'));

  assert.deepEqual([ready(), readdirSync(join(jobs, 'old'))], [2, ['kept']]);
});

test('where none stands ready, or it cannot go there, a directory is made with all above it', (t) => {
  const { make, refill, place, jobs, ready } = directoriesIn(t);
  make(join(jobs, 'first', 'build'));
  refill();
  make(join(jobs, 'far', 'deep', 'build'));
  assert.equal(ready(), 0, 'and what stood ready in vain is gone');
  refill();
  rmSync(join(place, readdirSync(place).at(-1)!), { recursive: true });
  make(join(jobs, 'lost', 'build'));
  refill();
  rmSync(place, { recursive: true });
  refill();
  make(join(jobs, 'last', 'build'));

  assert.ok(['first', 'far/deep', 'lost', 'last'].every((path) => existsSync(join(jobs, path, 'build'))));
  assert.throws(ready, /ENOENT/);
});
