import { at, isObject, type Json, stableText } from '../core/json.ts';
import type { Expression } from './expression.ts';
import { callFunction, type Lambda } from './functions.ts';
import { ExpressionError } from './tokens.ts';

/** What the names of a blueprint's expressions stand for. */
export interface Scope {
  /** The value of a root such as `input` or `resource`; undefined where there is no such name. */
  root(name: string): Json | undefined;
  /** The ISO time that `now()` gives: fixed once per request. */
  now: string;
  /** What `uuid()` gives: the caller remembers it per request. */
  uuid(): string;
  /** What all that is evaluated in this scope may still cost together: no expression can run for ever. */
  budget: { left: number };
}

/** Steps that the expressions of one resource may take; real ones take some hundred. Large values cost more than one. */
export const usualBudget = (): Scope['budget'] => ({ left: 1_000_000 });
const charactersOfAStep = 64;
const longestText = 1_000_000;

/**
 * The value of a blueprint expression. A missing property is null; a name nobody knows throws.
 * @throws ExpressionError naming the part that has no value.
 */
export function evaluate(expression: Expression, scope: Scope): Json {
  const value = meaning(expression, scope);
  const size = typeof value === 'string' || Array.isArray(value) ? value.length : 0;
  scope.budget.left -= 1 + size / charactersOfAStep;
  if (size > longestText)
    throw new ExpressionError(`A value of more than ${longestText} characters or items is not made.`, expression.at);
  if (scope.budget.left < 0) throw new ExpressionError('The expression takes too many steps.', expression.at);
  // JSON has no word for what no calculation gives, and a property would silently be null; nor for a zero with a sign.
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new ExpressionError('This gives no number: it counts with what is none, or divides by 0.', expression.at);
  return value === 0 ? 0 : value;
}

function meaning(expression: Expression, scope: Scope): Json {
  const inner = (part: Expression) => evaluate(part, scope);
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'name': {
      const value = scope.root(expression.name);
      if (value === undefined) throw new ExpressionError(`\`${expression.name}\` is unknown.`, expression.at);
      return value;
    }
    case 'member':
      return member(inner(expression.of), expression.key);
    case 'index':
      return member(inner(expression.of), inner(expression.index) as string | number);
    case 'every': {
      const value = inner(expression.of);
      return Array.isArray(value) ? value : value === null ? [] : [value];
    }
    case 'whole':
      return inner(expression.of);
    case 'call':
      return call(expression, scope);
    case 'lambda':
      throw new ExpressionError('`=>` may stand only as an argument of a function.', expression.at);
    case 'not':
      return !isTrue(inner(expression.of));
    case 'negative':
      return -Number(inner(expression.of));
    case 'binary':
      return binary(
        expression,
        () => inner(expression.left),
        () => inner(expression.right),
      );
    case 'choice':
      return isTrue(inner(expression.test)) ? inner(expression.yes) : inner(expression.no);
    case 'list':
      return expression.items.map(inner);
    case 'map':
      return Object.fromEntries(expression.entries.map(([key, value]) => [String(inner(key)), inner(value)]));
    case 'binding':
      throw new ExpressionError('`${` inside of `${...}` has no meaning.', expression.at);
  }
}

/** A field of an array is the array of that field, as the original projects. */
function member(value: Json, key: string | number): Json {
  if (Array.isArray(value) && typeof key === 'string' && !/^\d+$/.test(key)) {
    return value.map((item) => at(item, [key]) ?? null);
  }
  return at(value, [key]) ?? null;
}

function call({ name, args, at: place }: Expression & { kind: 'call' }, scope: Scope): Json {
  const values = args.map((arg): Json | Lambda => {
    if (arg.kind !== 'lambda') return evaluate(arg, scope);
    return (...given) =>
      evaluate(arg.body, {
        ...scope,
        root: (root) =>
          arg.parameters.includes(root) ? (given[arg.parameters.indexOf(root)] ?? null) : scope.root(root),
      });
  });
  try {
    return callFunction(name, values, scope);
  } catch (thrown) {
    if (thrown instanceof ExpressionError) throw thrown;
    throw new ExpressionError(`${name}(): ${thrown instanceof Error ? thrown.message : String(thrown)}`, place);
  }
}

function binary({ operator }: Expression & { kind: 'binary' }, left: () => Json, right: () => Json): Json {
  if (operator === '&&') return isTrue(left()) && isTrue(right());
  if (operator === '||') return isTrue(left()) || isTrue(right());
  const [a, b] = [left(), right()];
  switch (operator) {
    case '==':
      return stableText(a) === stableText(b);
    case '!=':
      return stableText(a) !== stableText(b);
    case '+':
      return add(a, b);
    case '-':
      return Number(a) - Number(b);
    case '*':
      return Number(a) * Number(b);
    case '/':
      return Number(a) / Number(b);
    case '%':
      return Number(a) % Number(b);
    case '<':
      return a !== null && b !== null && a < b;
    case '<=':
      return a !== null && b !== null && a <= b;
    case '>':
      return a !== null && b !== null && a > b;
    case '>=':
      return a !== null && b !== null && a >= b;
  }
}

function add(a: Json, b: Json): Json {
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return rendered(a) + rendered(b);
}

/** How a value looks inside a longer text: numbers without `.0`, null as nothing, structures as JSON. */
export function rendered(value: Json): string {
  if (value === null) return '';
  return isObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value);
}

export const isTrue = (value: Json): boolean => value === true || value === 'true';
