import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindBlueprintInputs } from './inputs.ts';
import { checkBlueprint } from './parse.ts';
import { inputScope } from './properties.ts';
import { namesOf, resolveTemplate } from './template.ts';

// Texts that would take for ever, or all memory, were they read to their end. Each is answered at once; none is thrown at.

const first = (text: string) => {
  const [found] = checkBlueprint(text).diagnostics;
  return found ? `${found.line}:${found.column} ${found.code}` : 'nothing';
};
const named = (name: string) =>
  `resources:\n  a:\n    type: Cloud.Machine\n    properties:\n      name: ${JSON.stringify(name)}\n`;
const chain = (count: number) =>
  `resources:\n${Array.from({ length: count }, (_, at) => `  m-${at}: {type: Cloud.Machine, dependsOn: [${at > 0 ? `m-${at - 1}` : ''}]}`).join('\n')}\n`;

test('texts that are too long, too deep, or too many are refused with their place', () => {
  assert.equal(first(`resources:\n${'  a: {type: Cloud.Machine}\n'.repeat(200_000)}`), '1:1 yaml.too-large');
  assert.equal(first(`name: x\nresources: ${'['.repeat(100_000)}`), '2:1 yaml.too-large');
  assert.equal(first(`name: x\nresources: ${'{a: '.repeat(1000)}`), '2:1 yaml.too-large');
  assert.equal(first(`a:\n${'- '.repeat(10_000)}x`), '2:1 yaml.too-large');
  assert.equal(
    first(Array.from({ length: 700 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')),
    '602:1 yaml.too-large',
  );
  assert.equal(first(chain(10_000)), '2:3 blueprint.too-large');
  assert.equal(first(chain(2000)), 'nothing', 'a chain of two thousand is only long');
});

test('aliases that multiply are refused', () => {
  const levels = [...'abcdefghi'].map(
    (name, at, all) => `${name}: &${name} [${Array(9).fill(at === 0 ? 'x' : `*${all[at - 1]}`)}]`,
  );
  assert.match(first(`${levels.join('\n')}\nresources: *i\n`), /yaml\.aliases/);
});

test('what never closes, or closes too late, is no expression and stays as it is', () => {
  for (const text of [
    `\${${"\\'".repeat(400_000)}}`,
    `\${${`'"`.repeat(300_000)}}`,
    `\${1${'+1'.repeat(5000)}}`,
    `\${${'true?1:'.repeat(900)}1}`,
    `\${input${'.a'.repeat(9000)}}`,
    `\${${'('.repeat(900)}1${')'.repeat(900)}}`,
  ])
    assert.match(first(named(text)), /^5:\d+ expression\.syntax$/);
});

test('variables that read each other are refused as a ring, and those that double are made once', () => {
  assert.equal(
    checkBlueprint('variables: {a: "${variable.b}", b: "${variable.a}"}\nresources: {}\n').diagnostics[0]?.message,
    'The variables read each other: a -> b -> a.',
  );
  const doubling = Array.from({ length: 60 }, (_, at) => `  v${at + 1}: "\${variable.v${at} + variable.v${at}}"`);
  const { blueprint, diagnostics } = checkBlueprint(`variables:\n  v0: ab\n${doubling.join('\n')}\nresources: {}\n`);
  assert.deepEqual(diagnostics, []);
  const facts = { blueprint: blueprint!, inputs: {}, env: {}, resources: {}, now: '' };
  const value = (text: string) => resolveTemplate(text, inputScope(facts), namesOf(blueprint!));
  assert.equal(String(value('${variable.v10}')).length, 2048);
  assert.throws(() => value('${variable.v60}'), /more than 1000000 characters or items is not made/);
});

test('a pattern that explodes elsewhere does not, and one that nobody would wait for is refused', () => {
  const faults = (pattern: string, value: string) => {
    const { blueprint } = checkBlueprint(
      `inputs: {a: {type: string, pattern: ${JSON.stringify(pattern)}}}\nresources: {}\n`,
    );
    return bindBlueprintInputs(blueprint!, { a: value }).faults.map(({ message }) => message);
  };
  assert.match(faults('^(a+)+$', `${'a'.repeat(5000)}!`)[0]!, /does not match/);
  assert.match(faults(`(${'a?'.repeat(900)})`, 'a'.repeat(900_000))[0]!, /too long for a pattern/);
  assert.match(faults('x'.repeat(3000), 'x')[0]!, /cannot be used/);
});
