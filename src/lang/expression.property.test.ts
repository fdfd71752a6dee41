import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../core/json.ts';
import { evaluate, usualBudget } from './evaluate.ts';
import { type Expression, parseExpression } from './expression.ts';
import { functionNames } from './functions.ts';
import { ExpressionError } from './tokens.ts';
import { parseYaml } from './yaml.ts';

const roots: Record<string, Json> = {
  input: { a: 1, b: 'text', list: [1, 2, 3], map: { x: 'y' } },
  resource: { web: [{ id: 'one' }, { id: 'two' }] },
};
const scope = () => ({ root: (name: string) => roots[name], now: 'now', uuid: () => 'uuid', budget: usualBudget() });

/** Expressions as people write them, and as they never would. */
const expression = fc.letrec<{ any: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    fc.constantFrom('input.a', 'input.b', 'input.list', 'input.map', 'resource.web[*].id', 'resource.web[0]', 'null'),
    fc.integer({ min: 0, max: 1000 }).map(String),
    fc.boolean().map(String),
    fc.string().map((text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
  ),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('atom'),
    fc
      .tuple(tie('any'), fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '&&', '||'), tie('any'))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([test, yes, no]) => `(${test} ? ${yes} : ${no})`),
    fc
      .tuple(fc.constantFrom(...functionNames), fc.array(tie('any'), { maxLength: 3 }))
      .map(([name, args]) => `${name}(${args.join(', ')})`),
    fc.array(tie('any'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    tie('any').map((of) => `!${of}`),
    tie('any').map((of) => `-${of}`),
    tie('any').map((list) => `map_by(${list}, x => x + 1)`),
  ),
})).any;

/** The same expression in the fewest brackets that say it. */
function written(one: Expression): string {
  switch (one.kind) {
    case 'literal':
      return typeof one.value === 'string'
        ? `'${one.value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
        : String(one.value);
    case 'name':
      return one.name;
    case 'member':
      return `${written(one.of)}.${one.key}`;
    case 'index':
      return `${written(one.of)}[${written(one.index)}]`;
    case 'every':
      return `${written(one.of)}[*]`;
    case 'whole':
      return `${written(one.of)}.*`;
    case 'not':
      return `!${written(one.of)}`;
    case 'negative':
      return `-${written(one.of)}`;
    case 'call':
      return `${one.name}(${one.args.map(written).join(',')})`;
    case 'lambda':
      return `(${one.parameters.join(',')}) => ${written(one.body)}`;
    case 'binary':
      return `(${written(one.left)}${one.operator}${written(one.right)})`;
    case 'choice':
      return `(${written(one.test)}?${written(one.yes)}:${written(one.no)})`;
    case 'list':
      return `[${one.items.map(written).join(',')}]`;
    case 'map':
      return `{${one.entries.map(([key, value]) => `${written(key)}:${written(value)}`).join(',')}}`;
    case 'binding':
      return `\${${one.source}}`;
  }
}

const withoutPlaces = (one: Expression): unknown =>
  JSON.parse(JSON.stringify(one, (key, value) => (key === 'at' ? undefined : value)));

test('whatever text is read, it is an expression or an error with a place in it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 300 }), expression), fc.boolean(), (text, bindings) => {
      try {
        parseExpression(text, { bindings });
      } catch (thrown) {
        assert.ok(thrown instanceof ExpressionError, String(thrown));
        assert.ok(thrown.at >= 0 && thrown.at <= text.length);
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('whatever is evaluated, it is a value that JSON can hold or an error with a place, the same each time', () => {
  const outcome = (text: string) => {
    try {
      return { value: evaluate(parseExpression(text), scope()) };
    } catch (thrown) {
      assert.ok(thrown instanceof ExpressionError, `${text}: ${String(thrown)}`);
      return { error: thrown.message };
    }
  };
  fc.assert(
    fc.property(expression, (text) => {
      const first = outcome(text);
      assert.deepEqual(outcome(text), first);
      if ('value' in first) assert.deepEqual(JSON.parse(JSON.stringify(first.value)), first.value, text);
    }),
    { seed: 2, numRuns: 2000 },
  );
});

test('an expression that is written out again is read as the same', () => {
  fc.assert(
    fc.property(expression, (text) => {
      const read = parseExpression(text);
      assert.deepEqual(withoutPlaces(parseExpression(written(read))), withoutPlaces(read));
    }),
    { seed: 3, numRuns: 1000 },
  );
});

test('whatever text is read as YAML, it is documents or errors with a line, never a throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 300 }),
        fc.json().map((text) => `a: ${text}`),
      ),
      (text) => {
        const { diagnostics } = parseYaml(text);
        assert.ok(diagnostics.every(({ line, column }) => line >= 1 && column >= 1));
      },
    ),
    { seed: 4, numRuns: 1000 },
  );
});
