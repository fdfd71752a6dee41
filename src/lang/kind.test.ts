import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../core/json.ts';
import { kindOf, variablesIn } from './kind.ts';

test('a document is known by its kind, however it is written, and without one by what it holds', () => {
  const kinds: [Json, string][] = [
    [{ kind: 'pipeline' }, 'PIPELINE'],
    [{ kind: 'CustomIntegration' }, 'CUSTOM_INTEGRATION'],
    [{ stages: {} }, 'PIPELINE'],
    [{ resources: {} }, 'BLUEPRINT'],
    [{ actionType: 'SCRIPT' }, 'ACTION'],
    [[{ name: 'a', type: 'REGULAR', value: '1' }], 'VARIABLE'],
    [[], 'unknown'],
    ['text', 'unknown'],
  ];
  for (const [document, kind] of kinds) assert.equal(kindOf(document), kind);
});

test('a list is one of variables only where every item is one', () => {
  const variable = { name: 'a', type: 'SECRET', value: '' };

  assert.deepEqual(variablesIn([variable]), [{ ...variable, kind: 'VARIABLE' }]);
  assert.equal(variablesIn([variable, { name: 'b', type: 'k8s', value: '' }]), undefined);
});
