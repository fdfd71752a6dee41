import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../test/directory.ts';
import { MillraceError } from '../core/error.ts';
import { isSealed, openSeal, sealWith } from './seal.ts';

const unreadable = (thrown: unknown) => thrown instanceof MillraceError && thrown.code === 'secret.unreadable';

test('a sealed secret is opened by the same key, and looks different each time', () => {
  const seal = sealWith(randomBytes(32));
  const sealed = seal.close('pässword');

  assert.equal(seal.open(sealed), 'pässword');
  assert.notEqual(seal.close('pässword'), sealed);
  assert.ok(isSealed(sealed));
  assert.ok(!sealed.includes('pässword'));
});

test('another key, a changed letter or a text that is no seal opens nothing', () => {
  const seal = sealWith(randomBytes(32));
  const sealed = seal.close('secret');

  assert.throws(() => sealWith(randomBytes(32)).open(sealed), unreadable);
  assert.throws(
    () => seal.open(sealed.replace(/(?<=v1:.{12})./, (letter) => (letter === 'A' ? 'B' : 'A'))),
    unreadable,
  );
  assert.throws(() => seal.open('secret'), unreadable);
});

test('the key is made once, readable by its owner alone, and kept', (t) => {
  const path = join(temporaryDirectory(t), 'keys', 'master.key');
  const sealed = openSeal(path).close('secret');

  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(openSeal(path).open(sealed), 'secret');
});

test('a key file that holds no key is refused with what to do', (t) => {
  const path = join(temporaryDirectory(t), 'master.key');
  writeFileSync(path, 'short');

  assert.throws(() => openSeal(path), /does not hold 32 bytes/);
});
