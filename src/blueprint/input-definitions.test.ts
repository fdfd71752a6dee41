import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindBlueprintInputs } from './inputs.ts';
import { checkBlueprint } from './parse.ts';

const said = (inputs: string) =>
  checkBlueprint(`inputs:\n  a: ${inputs}\nresources: {}\n`).diagnostics.map(
    ({ severity, line, column, message }) => `${severity} ${line}:${column} ${message}`,
  );
const faults = (definition: string, value: never) =>
  bindBlueprintInputs(checkBlueprint(`inputs: {a: ${definition}}\nresources: {}\n`).blueprint!, {
    a: value,
  }).faults.map(({ message }) => message);

test('what has no meaning in the definition of an input is told with its place', () => {
  assert.deepEqual(said('{type: strin}'), ['warning 2:13 Input a: `type: strin` is none, and is taken for string.']);
  assert.match(said('{type: string, pattern: "("}')[0]!, /^warning 2:\d+ Input a: its pattern cannot be used: /);
  assert.deepEqual(said('{type: integer, maximum: 3, default: 7}'), [
    'warning 2:43 Input a: its default is refused: 7 is more than 3.',
  ]);
  assert.deepEqual(said('{type: array, items: {type: object, properties: {size: {type: integr}}}}'), [
    'warning 2:68 Input a[].size: `type: integr` is none, and is taken for string.',
  ]);
  assert.match(said('{type: string, encrypted: true, default: s3cret}')[0]!, /stands here for everybody to read/);
});

test('what is looked up elsewhere, or left empty, is nothing to be said about', () => {
  for (const definition of [
    '{type: string, default: "", enum: [x, y]}',
    '{type: string, $dynamicDefault: "/data/vro-actions/m/a", default: z, enum: [x]}',
    '{type: integer, default: "3"}',
    '{$ref: /ref/property-groups/g}',
  ])
    assert.deepEqual(said(definition), [], definition);
});

test('values of maps and lists are held against what their definitions say, at any depth', () => {
  const disk =
    '{type: object, required: [size], additionalProperties: false, properties: {size: {type: integer, maximum: 9}}}';
  assert.deepEqual(faults(disk, { size: '4' } as never), []);
  assert.deepEqual(faults(disk, {} as never), ['Input a: it has no `size`.']);
  assert.deepEqual(faults(disk, { size: 10 } as never), ['Input a: `size`: 10 is more than 9.']);
  assert.deepEqual(faults(disk, { size: 1, sise: 2 } as never), ['Input a: it has no key `sise`.']);
  assert.deepEqual(faults(`{type: array, items: ${disk}}`, [{ size: 1 }, { size: 'x' }] as never), [
    'Input a: item 1: `size`: "x" is not of the type integer.',
  ]);
  assert.deepEqual(faults('{type: array, uniqueItems: true}', [1, 2, 1] as never), ['Input a: it has an item twice.']);
  assert.deepEqual(faults('{type: object, minProperties: 1}', {} as never), ['Input a: it has fewer than 1 keys.']);
});
