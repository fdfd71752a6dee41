import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idOfKey } from './key-id.ts';

test('the id of a key is a UUID, the same each time and different for another key', () => {
  assert.match(idOfKey('a'), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(idOfKey('a'), idOfKey('a'));
  assert.notEqual(idOfKey('a'), idOfKey('b'));
});
