import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
const floors = new Map(
  [...map.matchAll(/^\| (\d)\s*\| `(\w+)`\s*\|/gm)].map(([, floor, room]) => [room!, Number(floor)]),
);
const files = globSync('src/**/*.{ts,tsx}', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
const roomOf = (file: string): string => file.split('/')[1]!;

test('every room stands on the map, and nothing on the map is missing', () => {
  const rooms = new Set(files.filter((file) => file.split('/').length > 2).map(roomOf));

  assert.deepEqual([...rooms].sort(), [...floors.keys()].sort());
});

test('imports only go down', () => {
  const wrong = files
    .filter((file) => !['src/main.ts', 'src/millrace.mjs'].includes(file))
    .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
    .filter(
      ({ file, target }) => roomOf(file) !== roomOf(target) && floors.get(roomOf(target))! >= floors.get(roomOf(file))!,
    )
    .map(({ file, target }) => `${file} imports ${target}`);

  assert.deepEqual(wrong, []);
});

test('the pure rooms know no clock, randomness, network, file or await', () => {
  const impure = /\bawait\b|Date\.now|Math\.random|new Date\(\)|from 'node:(?!crypto)|\bfetch\(|randomUUID|randomBytes/;
  const wrong = files
    .filter((file) => floors.get(roomOf(file))! <= 2)
    .flatMap((file) => lines(file).map((line, index) => ({ at: `${file}:${index + 1}`, line })))
    .filter(({ line }) =>
      impure.test(line.replace(/`.*`|'.*'$|\/\/.*|^\s*\*.*/g, (part) => (part.includes('node:') ? part : ''))),
    )
    .filter(({ at }) => !at.startsWith('src/lang/function-wrapper.ts'))
    .map(({ at, line }) => `${at} ${line.trim()}`);

  assert.deepEqual(wrong, []);
});

test("whoever needs Node's HTTP takes it without what an import of it loads", () => {
  const wrong = files.filter((file) => lines(file).some((line) => /^import (?!type).*'node:https?'/.test(line)));

  assert.deepEqual(wrong, []);
});

test('no file outside the tests is longer than a reader can hold', () => {
  const long = files.map((file) => ({ file, lines: lines(file).length })).filter(({ lines: count }) => count > 300);

  assert.deepEqual(long, []);
});

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, target]) =>
    relative(root, resolve(root, file, '..', target!)),
  );
}

function lines(file: string): string[] {
  return readFileSync(join(root, file), 'utf8').split('\n');
}
