import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskDeep, masker } from './secret.ts';

test('a secret is hidden wherever it stands, also inside JSON', () => {
  const mask = masker(['pa"ss word']);

  assert.equal(mask('password is pa"ss word!'), 'password is ********!');
  assert.equal(mask(JSON.stringify({ password: 'pa"ss word' })), '{"password":"********"}');
});

test('each line of a secret with lines is hidden, so a key printed line by line stays secret', () => {
  const mask = masker(['-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----']);

  assert.equal(mask('got abcdefgh'), 'got ********');
});

test('of two secrets that begin alike, the longer is hidden whole', () => {
  assert.equal(masker(['abcd', 'abcdef'])('x abcdef y'), 'x ******** y');
});

test('a secret of one or two characters hides nothing, since it would hide everything', () => {
  assert.equal(masker(['1', ''])('1 of 11'), '1 of 11');
});

test('masking reaches every text of a value and leaves the rest', () => {
  assert.deepEqual(maskDeep({ a: ['tok123', 5, null], b: { c: 'x tok123' } }, masker(['tok123'])), {
    a: ['********', 5, null],
    b: { c: 'x ********' },
  });

  const harmless = { a: ['x', { y: 1 }], b: null };
  assert.equal(maskDeep(harmless, masker(['tok123'])), harmless, 'what holds nothing to mask is not copied');
});
