import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from './yaml.ts';

const one = (text: string) => parseYaml(text).documents[0]!;

test('every value knows the line and column where it stands', () => {
  const document = one('name: Tito\nstages:\n  Build:\n    tasks: [a, b]\n');

  assert.deepEqual(document.placeOf(['name']), { line: 1, column: 7 });
  assert.deepEqual(document.placeOf(['stages', 'Build', 'tasks', 1]), { line: 4, column: 16 });
  assert.deepEqual(document.placeOfKey(['stages', 'Build', 'tasks']), { line: 4, column: 5 });
});

test('a path that leads nowhere has the place of its nearest parent', () => {
  const document = one('stages:\n  Build: {}\n');

  assert.deepEqual(document.placeOf(['stages', 'Build', 'tasks', 'x']).line, 2);
});

test('a character inside a text has its own place, in plain, quoted and literal scalars', () => {
  const document = one('plain: ab${x}\nquoted: "ab${x}"\nliteral: |\n  first\n  ab${x}\n');

  assert.deepEqual(document.placeInside(['plain'], 2), { line: 1, column: 10 });
  assert.deepEqual(document.placeInside(['quoted'], 2), { line: 2, column: 12 });
  assert.deepEqual(document.placeInside(['literal'], 8), { line: 5, column: 5 });
});

test('what real exports hold is read: byte order mark, CRLF, several documents, empty ones', () => {
  const { documents, diagnostics } = parseYaml('\uFEFF---\r\nname: a\r\n---\r\n---\r\nname: b\r\n...\r\n');

  assert.deepEqual(
    documents.map(({ value }) => value),
    [{ name: 'a' }, { name: 'b' }],
  );
  assert.deepEqual(diagnostics, []);
});

test('a syntax error is a diagnostic with its place, never an exception', () => {
  const { documents, diagnostics } = parseYaml('name: Tito\nstages: {Build: [}\n');

  assert.deepEqual(documents, []);
  assert.equal(diagnostics[0]?.code, 'yaml.syntax');
  assert.equal(diagnostics[0]?.line, 2);
});

test('a file of nested aliases is refused before it fills the memory', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg'].map((pair) => [...pair]))
    bomb.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
  const { documents, diagnostics } = parseYaml(bomb.join('\n'));

  assert.deepEqual(documents, []);
  assert.equal(diagnostics[0]?.code, 'yaml.aliases');
});
