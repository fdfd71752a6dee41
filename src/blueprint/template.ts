import { isObject, type Json } from '../core/json.ts';
import { findBindings } from '../lang/binding.ts';
import { evaluate, rendered, type Scope } from '../lang/evaluate.ts';
import { type Expression, parseExpression } from '../lang/expression.ts';
import { ExpressionError } from '../lang/tokens.ts';
import type { Blueprint } from './model.ts';

/** One `${...}` of a blueprint's text: read, or the reason why it is plain text. */
export type Found = { source: string; start: number; end: number } & ({ expression: Expression } | { fault: string });

/** The names that a blueprint declares. */
export interface Names {
  input: ReadonlySet<string>;
  resource: ReadonlySet<string>;
  variable: ReadonlySet<string>;
  /** Those with dashes and dots, which no expression could take as they are. */
  odd: Record<NamedRoot, ReadonlySet<string>>;
}
type NamedRoot = 'input' | 'resource' | 'variable';

/** Asked for with every text, and always the same for one blueprint. */
const known = new WeakMap<Blueprint, Names>();

export function namesOf(blueprint: Blueprint): Names {
  const before = known.get(blueprint);
  if (before) return before;
  const all: Record<NamedRoot, string[]> = {
    input: Object.keys(blueprint.inputs),
    resource: Object.keys(blueprint.resources),
    variable: Object.keys(blueprint.variables),
  };
  const odd = (root: NamedRoot) => new Set(all[root].filter(isOdd));
  const names: Names = {
    ...{ input: new Set(all.input), resource: new Set(all.resource), variable: new Set(all.variable) },
    odd: { input: odd('input'), resource: odd('resource'), variable: odd('variable') },
  };
  known.set(blueprint, names);
  return names;
}

/** The expressions of a text. `\${` is no expression, nor is a lone unknown name in a script: that is a variable of the shell. */
export function expressionsIn(text: string, names: Names): Found[] {
  return findBindings(text)
    .filter(({ start }) => text[start - 1] !== '\\')
    .map(({ source, start, end }) => {
      try {
        const expression = parseExpression(readable(source, names));
        if (expression.kind === 'name' && text.includes('\n') && !names.resource.has(expression.name)) {
          return { source, start, end, fault: `there is no name ${expression.name}.` };
        }
        return { source, start, end, expression };
      } catch (thrown) {
        if (!(thrown instanceof ExpressionError)) throw thrown;
        return { source, start, end, fault: thrown.message };
      }
    });
}

/** Writes odd names so that an expression can take them: `input.a-b` as `input["a-b"]`, the old `net-1.id` as `resource["net-1"].id`. */
function readable(source: string, { odd }: Names): string {
  if (!/[-.]/.test(source)) return source;
  const result = source
    .replace(/\b(secret|propgroup)\.([\w-]*-[\w-]*(?:\.[\w-]+)*)/g, (_, root: string, name: string) =>
      root === 'secret' ? `secret[${JSON.stringify(name)}]` : `propgroup${name.split('.').map(bracketed).join('')}`,
    )
    .replace(
      /(?<![\w."'-])(input|resource|variable)\.([\p{L}\p{N}_.-]+)/gu,
      (whole, root: NamedRoot, run: string) => inBrackets(root, run, odd[root]) ?? whole,
    );
  const start = result.trimStart();
  const first = /^[\p{L}\p{N}_.-]+/u.exec(start)?.[0] ?? '';
  if (!longestIn(first, odd.resource)) return result;
  return result.replace(
    /(?<![\w."'\]-])[\p{L}_][\p{L}\p{N}_.-]*/gu,
    (run) => inBrackets('resource', run, odd.resource) ?? run,
  );
}

const bracketed = (name: string): string => `[${JSON.stringify(name)}]`;

function inBrackets(root: string, run: string, names: ReadonlySet<string>): string | undefined {
  const name = longestIn(run, names);
  return name === undefined ? undefined : `${root}${bracketed(name)}${run.slice(name.length)}`;
}

/** The longest of the names that a run of characters begins with and that ends where a word does. */
function longestIn(run: string, names: ReadonlySet<string>): string | undefined {
  if (names.size === 0) return undefined;
  for (let end = Math.min(run.length, longestName); end > 0; end--)
    if ((end === run.length || run[end] === '.') && names.has(run.slice(0, end))) return run.slice(0, end);
  return undefined;
}

/** Longer ones are not looked for in expressions. */
const longestName = 200;

const isOdd = (name: string): boolean => !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name);

/** A name that an expression needs: `input.size` is root `input`, name `size`. Or a function that it calls. */
export interface Reference {
  root: string;
  name?: string;
  call?: string;
}

export function references(expression: Expression, bound: string[] = []): Reference[] {
  const inner = (part: Expression) => references(part, bound);
  switch (expression.kind) {
    case 'literal':
    case 'binding':
      return [];
    case 'name':
      return bound.includes(expression.name) ? [] : [{ root: expression.name }];
    case 'member':
      if (expression.of.kind === 'name' && !bound.includes(expression.of.name))
        return [{ root: expression.of.name, name: expression.key }];
      return inner(expression.of);
    case 'index':
      if (
        expression.of.kind === 'name' &&
        expression.index.kind === 'literal' &&
        typeof expression.index.value === 'string'
      ) {
        return bound.includes(expression.of.name) ? [] : [{ root: expression.of.name, name: expression.index.value }];
      }
      return [...inner(expression.of), ...inner(expression.index)];
    case 'every':
    case 'whole':
    case 'not':
    case 'negative':
      return inner(expression.of);
    case 'call':
      return [{ root: '', call: expression.name }, ...expression.args.flatMap(inner)];
    case 'lambda':
      return references(expression.body, [...bound, ...expression.parameters]);
    case 'binary':
      return [...inner(expression.left), ...inner(expression.right)];
    case 'choice':
      return [...inner(expression.test), ...inner(expression.yes), ...inner(expression.no)];
    case 'list':
      return expression.items.flatMap(inner);
    case 'map':
      return expression.entries.flat().flatMap(inner);
  }
}

/** Every reference inside a value, keys included. */
export function referencesIn(value: Json, names: Names): Reference[] {
  if (Array.isArray(value)) return value.flatMap((item) => referencesIn(item, names));
  if (isObject(value))
    return Object.entries(value).flatMap(([key, item]) => [...referencesIn(key, names), ...referencesIn(item, names)]);
  if (typeof value !== 'string') return [];
  return expressionsIn(value, names).flatMap((found) => ('expression' in found ? references(found.expression) : []));
}

/**
 * Puts values in place of the expressions inside a value. A text that is one expression keeps the type of its value; what is no
 * expression stays; `\${` loses its backslash.
 * @throws ExpressionError where a name has no value.
 */
export function resolveTemplate(value: Json, scope: Scope, names: Names): Json {
  if (Array.isArray(value)) return value.map((item) => resolveTemplate(item, scope, names));
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        rendered(resolveTemplate(key, scope, names)),
        resolveTemplate(item, scope, names),
      ]),
    );
  }
  if (typeof value !== 'string') return value;
  const found = expressionsIn(value, names);
  const [only] = found;
  if (found.length === 1 && only && 'expression' in only && only.start === 0 && only.end === value.length)
    return evaluate(only.expression, scope);
  let result = '';
  let from = 0;
  for (const part of found) {
    result += value.slice(from, part.start);
    result += 'expression' in part ? rendered(evaluate(part.expression, scope)) : value.slice(part.start, part.end);
    from = part.end;
  }
  return (result + value.slice(from)).replaceAll('\\${', '${');
}
