import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, stableText } from './json.ts';

test('a value has one stable text, whatever the order of its keys', () => {
  assert.equal(
    stableText({ b: [1, { d: null, c: 'x' }], a: true }),
    stableText({ a: true, b: [1, { c: 'x', d: null }] }),
  );
  assert.notEqual(stableText([1, 2]), stableText([2, 1]));
});

test('a path leads through maps, lists and texts that hold JSON', () => {
  const answer = { list: [{ id: 7 }], text: '{"inner":{"deep":true}}' };

  assert.equal(at(answer, ['list', 0, 'id']), 7);
  assert.equal(at(answer, ['text', 'inner', 'deep']), true);
  assert.equal(at(answer, ['list', 3, 'id']), undefined);
  assert.equal(at(answer, []), answer);
});

test('a path never leads to what objects inherit', () => {
  assert.equal(at({}, ['constructor']), undefined);
  assert.equal(at({}, ['__proto__', 'polluted']), undefined);
});
