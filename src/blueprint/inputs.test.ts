import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blueprintOf } from '../../test/blueprints.ts';
import type { JsonObject } from '../core/json.ts';
import { bindBlueprintInputs } from './inputs.ts';

/** A blueprint that reads its one input x. */
const bind = (definition: JsonObject, given: JsonObject) =>
  bindBlueprintInputs(
    blueprintOf(
      JSON.stringify({
        inputs: { x: definition },
        resources: { a: { type: 'Cloud.Machine', properties: { name: '${input.x}' } } },
      }),
    ),
    given,
  );
const value = (definition: JsonObject, x: unknown) => bind(definition, { x } as JsonObject).inputs.x;
const fault = (definition: JsonObject, x: unknown) => bind(definition, { x } as JsonObject).faults[0]?.message;

test('values are coerced to the declared type, since clients send numbers as text', () => {
  assert.equal(value({ type: 'integer' }, '5'), 5);
  assert.equal(value({ type: 'boolean' }, 'True'), true);
  assert.equal(value({ type: 'string' }, 5), '5');
  assert.deepEqual(value({ type: 'array' }, '["a"]'), ['a']);
  assert.deepEqual(value({ type: 'object' }, '{"a":1}'), { a: 1 });
});

test('a value that does not fit is refused in a sentence', () => {
  assert.equal(fault({ type: 'integer' }, 'many'), 'Input x: "many" is not of the type integer.');
  assert.equal(fault({ type: 'integer', minimum: 1 }, 0), 'Input x: 0 is less than 1.');
  assert.equal(fault({ type: 'integer', maximum: 8 }, 9), 'Input x: 9 is more than 8.');
  assert.equal(fault({ type: 'string', enum: ['a', 'b'] }, 'c'), 'Input x: "c" is none of "a", "b".');
  assert.equal(fault({ type: 'string', oneOf: [{ title: 'A', const: 'a' }] }, 'b'), 'Input x: "b" is none of "a".');
  assert.equal(fault({ type: 'string', pattern: '^[a-z]+$' }, 'A1'), 'Input x: "A1" does not match ^[a-z]+$.');
  assert.equal(fault({ type: 'string', minLength: 3 }, 'ab'), 'Input x: it has fewer than 3 characters.');
  assert.equal(fault({ type: 'array', maxItems: 1 }, ['a', 'b']), 'Input x: it has more than 1 items.');
  assert.equal(
    fault({ type: 'array', items: { type: 'integer' } }, [1, 'b']),
    'Input x: item 1: "b" is not of the type integer.',
  );
  assert.match(fault({ type: 'string', pattern: '(' }, 'a')!, /its pattern \( cannot be used/);
});

test('a default stands in, and only an input that something reads needs a value', () => {
  assert.equal(bind({ type: 'integer', default: 2 }, {}).inputs.x, 2);
  assert.equal(bind({ type: 'integer' }, {}).faults[0]?.message, 'Input x has neither a value nor a default.');
  assert.deepEqual(
    bindBlueprintInputs(blueprintOf('{inputs: {unread: {type: string}}, resources: {}}'), {}).faults,
    [],
  );
});

test('inputs that the blueprint does not know are kept', () => {
  assert.equal(bind({ type: 'string', default: '' }, { other: 1 }).inputs.other, 1);
});
