import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withKeys } from './edit.ts';

test('a key is set, and every other byte stays', () => {
  const text = '---\r\n# mine\r\nname: "A"   # a name\r\nenabled: true\r\nstages: {}\r\n';
  assert.equal(withKeys(text, { enabled: false }), text.replace('enabled: true', 'enabled: false'));
  assert.equal(withKeys(text, { name: 'B: "2"' }), text.replace('"A"', '"B: \\"2\\""'));
});

test('a key that is missing comes before the first; an empty one is filled', () => {
  assert.equal(withKeys('name: A\n', { enabled: false }), 'enabled: false\nname: A\n');
  assert.equal(withKeys('---\nenabled:\nname: A\n', { enabled: false }), '---\nenabled: false\nname: A\n');
});

test('a text of several lines and a list are replaced whole', () => {
  const text = 'description: |\n  one\n  two\ntags:\n- a\n- b\nname: A\n';
  assert.equal(withKeys(text, { description: 'three', tags: ['c'] }), 'description: "three"\ntags: ["c"]\nname: A\n');
});

test('what is no block map cannot be set so', () => {
  assert.equal(withKeys('{"name": "A"}', { enabled: true }), undefined);
  assert.equal(withKeys('- a\n', { enabled: true }), undefined);
});
