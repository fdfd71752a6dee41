import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../core/json.ts';
import { evaluate, usualBudget } from './evaluate.ts';
import { parseExpression } from './expression.ts';
import { ExpressionError } from './tokens.ts';

const roots: Record<string, Json> = {
  input: { size: 'small', count: 3, tags: ['a', 'b'], on: true, map: { x: 1, y: 2 } },
  resource: { web: [{ address: '10.0.0.1' }, { address: '10.0.0.2' }] },
};
let uuids = 0;
const scope = {
  root: (name: string) => roots[name],
  now: '2026-11-23T10:00:00Z',
  budget: usualBudget(),
  uuid: () => `uuid-${uuids++}`,
};
const value = (text: string): Json => evaluate(parseExpression(text), scope);

test('operators bind as the original says', () => {
  assert.equal(value('1 + 2 * 3'), 7);
  assert.equal(value('(1 + 2) * 3 % 4'), 1);
  assert.equal(value('-2 + 10 / 4'), 0.5);
  assert.equal(value('input.count > 2 && input.on'), true);
  assert.equal(value('!input.on || input.count >= 3'), true);
  assert.equal(value("input.size == 'small' ? 1 : input.size == 'large' ? 4 : 2"), 1);
});

test('+ joins texts and lists, and adds numbers', () => {
  assert.equal(value("'web-' + 1"), 'web-1');
  assert.deepEqual(value("input.tags + ['c']"), ['a', 'b', 'c']);
  assert.equal(value("'x' + null"), 'x');
});

test('a field of a cluster is the list of that field of its machines', () => {
  assert.deepEqual(value('resource.web.address'), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(value('resource.web[*].address'), ['10.0.0.1', '10.0.0.2']);
  assert.equal(value('resource.web[1].address'), '10.0.0.2');
});

test('a missing property is null and a name nobody knows is an error', () => {
  assert.equal(value('input.nothing'), null);
  assert.equal(value('input.nothing.deeper'), null);
  assert.throws(() => value('inptu.size'), /`inptu` is unknown/);
});

for (const [expression, expected] of [
  ['abs(-5)', 5],
  ['avg([1, 2, 3])', 2],
  ["base64_encode('Tito')", 'VGl0bw=='],
  ["base64_decode('VGl0bw==')", 'Tito'],
  ['ceil(1.2)', 2],
  ["contains(['a', 'b'], 'b')", true],
  ["contains('Tito', 'it')", true],
  ["digest('a', 'sha1')", '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'],
  ["ends_with('tito.yaml', '.yaml')", true],
  ['filter_by([1, 2, 3], x => x > 1)', [2, 3]],
  ["filter_by({'a': 1, 'b': 2}, (k, v) => v > 1)", [{ b: 2 }]],
  ['floor(1.9)', 1],
  ["format('%03d-%s', 7, 'x')", '007-x'],
  ['from_json(\'{"a": [1]}\').a[0]', 1],
  ["join(['a', 'b'], '-')", 'a-b'],
  ["json_path(input, '$.tags[0]')", 'a'],
  ["json_path(resource, '$.web[*].address')", ['10.0.0.1', '10.0.0.2']],
  ['keys(input.map)', ['x', 'y']],
  ["length('abc') + length([1])", 4],
  ['map_by([1, 2], x => x * 2)', [2, 4]],
  ["map_to_object(['a', 'b'], 'tag')", [{ tag: 'a' }, { tag: 'b' }]],
  ["matches('web-01', 'web-[0-9]+')", true],
  ['max([1, 5, 2]) - min([4, 3])', 2],
  ["merge({'a': 1}, {'a': 2, 'b': 3})", { a: 2, b: 3 }],
  ["not_null([null, 'x'])", 'x'],
  ['now()', '2026-11-23T10:00:00Z'],
  ['range(2, 5)', [2, 3, 4]],
  ["replace('a.b.c', '.', '$&')", 'a$&b$&c'],
  ['reverse([1, 2])', [2, 1]],
  ['slice([1, 2, 3, 4], 1, 3)', [2, 3]],
  ["split('a,b', ',')", ['a', 'b']],
  ["starts_with('tito', 'ti')", true],
  ["substring('tito', 1, 3)", 'it'],
  ['sum([1, 2, 3])', 6],
  ["to_json({'a': 1})", '{"a":1}'],
  ["to_lower('Ab') + to_upper('Ab')", 'abAB'],
  ["to_number('42') + 1", 43],
  ['to_string([1])', '[1]'],
  ["trim('  a ')", 'a'],
  ["url_decode(url_encode('a b&c'))", 'a b&c'],
  ['values(input.map)', [1, 2]],
] as const) {
  test(`${expression} is ${JSON.stringify(expected)}`, () => assert.deepEqual(value(expression), expected));
}

test('a function names the argument that does not fit', () => {
  assert.throws(() => value("to_number('abc')"), /to_number\(\): "abc" is not a number/);
  assert.throws(() => value('filter_by([1], 2)'), /filter_by\(\): needs a function/);
  assert.throws(() => value('join(1)'), /join\(\): 1 is not a list/);
  assert.throws(() => value('nothing(1)'), /nothing\(\): there is no function of this name/);
  assert.throws(() => value('range(0, 1000000000)'), /longer than/);
  assert.throws(() => value("digest('a', 'crc')"), /no kind of digest/);
});

test('no function reaches what objects inherit', () => {
  assert.throws(() => value('constructor(1)'), ExpressionError);
  assert.throws(() => value('toString()'), ExpressionError);
  assert.equal(value('input.constructor'), null);
});

test('reading stops at the character that has no meaning', () => {
  const fault = (text: string) => {
    try {
      parseExpression(text);
    } catch (thrown) {
      return thrown instanceof ExpressionError ? { at: thrown.at, message: thrown.message } : thrown;
    }
    return undefined;
  };

  assert.deepEqual(fault('1 +'), { at: 3, message: 'The expression ends too early.' });
  assert.deepEqual(fault('a b'), { at: 2, message: '`b` has no place here.' });
  assert.deepEqual(fault('f(1'), { at: 3, message: '`,` is missing before the end.' });
  assert.deepEqual(fault("'a"), { at: 0, message: "The text that starts with ' is never closed." });
  assert.deepEqual(fault('a # b'), { at: 2, message: '`#` has no meaning here.' });
});

test('an expression nested without end is refused, not a crash', () => {
  assert.throws(() => parseExpression('('.repeat(1000)), /nested deeper/);
  assert.throws(() => parseExpression('!'.repeat(1000)), /nested deeper/);
  assert.throws(() => parseExpression('['.repeat(1000)), /nested deeper/);
});
