import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../core/json.ts';
import { bindingPath, findBindings, type Lookup, resolveDeep, resolveText } from './binding.ts';

const known: Record<string, Json> = { 'input.size': 3, 'input.name': 'tito', 'Build.Make it.output.list': ['a', 'b'] };
const lookup: Lookup = (path) => known[path.join('.')];

test('bindings are found in order, with braces and quotes inside them', () => {
  assert.deepEqual(
    findBindings('a ${x} b ${map({"}": 1})} $y ${').map(({ source }) => source),
    ['x', 'map({"}": 1})'],
  );
});

test('a path divides at dots and indexes, so names may hold blanks and dashes', () => {
  assert.deepEqual(bindingPath('Build.Make it-now.output.list[0].key'), [
    'Build',
    'Make it-now',
    'output',
    'list',
    0,
    'key',
  ]);
  assert.deepEqual(bindingPath(`a["b.c"]['d']`), ['a', 'b.c', 'd']);
  assert.equal(bindingPath('a..b'), undefined);
  assert.equal(bindingPath(''), undefined);
});

test('a text that is one binding keeps the type of its value', () => {
  assert.equal(resolveText('${input.size}', lookup), 3);
  assert.deepEqual(resolveText('${Build.Make it.output.list}', lookup), ['a', 'b']);
});

test('inside a longer text a value is written out, structures as JSON', () => {
  assert.equal(resolveText('${input.name}-${input.size}', lookup), 'tito-3');
  assert.equal(resolveText('list: ${Build.Make it.output.list}', lookup), 'list: ["a","b"]');
});

test('what is unknown stays as it was written, for scripts are full of variables of their own', () => {
  assert.equal(resolveText('echo ${HOME} ${input.name} ${a:-b}', lookup), 'echo ${HOME} tito ${a:-b}');
});

test('a value that itself looks like a binding is not resolved again', () => {
  assert.equal(
    resolveText('x ${a}', (path) => (path[0] === 'a' ? '${b}' : 'never')),
    'x ${b}',
  );
});

test('resolving reaches every text of a value', () => {
  assert.deepEqual(resolveDeep({ a: ['${input.size}', 1], b: { c: '${input.name}' } }, lookup), {
    a: [3, 1],
    b: { c: 'tito' },
  });
});
