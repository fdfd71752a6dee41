import { type Json, at as jsonAt } from '../core/json.ts';
import { bindingPath, findBindings, type Lookup, resolveText } from './binding.ts';
import { type BinaryOperator, type Expression, parseExpression } from './expression.ts';
import { ExpressionError } from './tokens.ts';

/** A condition that was read and can be asked again and again. */
export interface Condition {
  /** The insides of its `${...}`, for checking that they can be known. */
  bindings: string[];
  /** Why it can hold in no run, in words; undefined where it may. */
  contradiction: string | undefined;
  /** Bare names look into `fields`: in the exit criteria of a POLL they are fields of the answer. */
  holds(lookup: Lookup, fields?: Json): boolean;
}

const known = new Set(['literal', 'name', 'binding', 'member', 'index', 'not', 'negative', 'binary']);

/**
 * Reads a `preCondition`, the condition of a Condition task or an exit criterion.
 * @throws ExpressionError with the character that is wrong.
 */
export function parseCondition(text: string): Condition {
  const expression = parseExpression(text, { bindings: true });
  refuseForeign(expression);
  return {
    bindings: findBindings(text).map(({ source }) => source),
    contradiction: contradictionIn(expression),
    holds: (lookup, fields = null) => isTrue(value(expression, lookup, fields)),
  };
}

/** Conditions know neither functions nor lists: better refused than never true. */
function refuseForeign(expression: Expression): void {
  if (!known.has(expression.kind)) {
    throw new ExpressionError(
      'A condition knows ==, !=, <, <=, >, >=, &&, ||, !, brackets, texts, numbers and ${...}.',
      expression.at,
    );
  }
  if ('of' in expression) refuseForeign(expression.of);
  if (expression.kind === 'index') refuseForeign(expression.index);
  if (expression.kind === 'binary') {
    refuseForeign(expression.left);
    refuseForeign(expression.right);
  }
}

/** Nothing known is null: a task that was skipped has null outputs, and conditions ask for that. */
function value(expression: Expression, lookup: Lookup, fields: Json): Json {
  const inner = (part: Expression) => value(part, lookup, fields);
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string'
        ? fill(expression.value, (path) => lookup(path) ?? jsonAt(fields, path))
        : expression.value;
    case 'binding': {
      const path = bindingPath(expression.source);
      return (path && (lookup(path) ?? jsonAt(fields, path))) ?? null;
    }
    case 'name':
      return jsonAt(fields, [expression.name]) ?? null;
    case 'member':
      return jsonAt(inner(expression.of), [expression.key]) ?? null;
    case 'index':
      return jsonAt(inner(expression.of), [inner(expression.index) as string | number]) ?? null;
    case 'not':
      return !isTrue(inner(expression.of));
    case 'negative':
      return -Number(inner(expression.of));
    case 'binary':
      return binary(
        expression.operator,
        () => inner(expression.left),
        () => inner(expression.right),
      );
    default:
      throw new ExpressionError('This has no place in a condition.', expression.at);
  }
}

const fill = (text: string, lookup: Lookup): Json => {
  const filled = resolveText(text, (path) => lookup(path) ?? null);
  return filled === null ? 'null' : typeof filled === 'string' ? filled : JSON.stringify(filled);
};

function binary(operator: BinaryOperator, left: () => Json, right: () => Json): Json {
  if (operator === '&&') return isTrue(left()) && isTrue(right());
  if (operator === '||') return isTrue(left()) || isTrue(right());
  const [a, b] = comparable(left(), right());
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a !== null && b !== null && a < b;
    case '<=':
      return a !== null && b !== null && a <= b;
    case '>':
      return a !== null && b !== null && a > b;
    case '>=':
      return a !== null && b !== null && a >= b;
    default:
      return null;
  }
}

/** Values that both look like numbers compare as numbers, anything else as text; null is equal to null alone. */
function comparable(a: Json, b: Json): [number, number] | [string, string] | [Json, Json] {
  if (a === null || b === null) return [a, b];
  const [left, right] = [plain(a), plain(b)];
  if (isNumeric(left) && isNumeric(right)) return [Number(left), Number(right)];
  return [left, right];
}

const plain = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));
const isNumeric = (text: string): boolean => /^\s*[+-]?\d+(\.\d+)?\s*$/.test(text);
const isTrue = (value: Json): boolean =>
  value === true || (typeof value === 'string' && value.trim().toLowerCase() === 'true');

/**
 * What can be told without a run: a condition of constants that is false, and one that wants the same value to be two texts at once.
 */
function contradictionIn(expression: Expression): string | undefined {
  if (expression.kind === 'binary' && expression.operator === '||') {
    const left = contradictionIn(expression.left);
    return left && contradictionIn(expression.right) && left;
  }
  if (isConstant(expression))
    return isTrue(value(expression, () => undefined, null)) ? undefined : 'it is false whatever happens';
  const wanted = new Map<string, string>();
  for (const part of conjuncts(expression)) {
    if (part !== expression) {
      const inner = contradictionIn(part);
      if (inner) return inner;
    }
    const equality = equalityIn(part);
    if (!equality) continue;
    const before = wanted.get(equality.of);
    if (
      before !== undefined &&
      binary(
        '!=',
        () => before,
        () => equality.is,
      ) === true
    )
      return `\${${equality.of}} cannot be "${before}" and "${equality.is}" at once`;
    wanted.set(equality.of, equality.is);
  }
  return undefined;
}

function conjuncts(expression: Expression): Expression[] {
  if (expression.kind !== 'binary' || expression.operator !== '&&') return [expression];
  return [...conjuncts(expression.left), ...conjuncts(expression.right)];
}

/** A part that wants one binding to be one text. */
function equalityIn(part: Expression): { of: string; is: string } | undefined {
  if (part.kind !== 'binary' || part.operator !== '==') return undefined;
  const [left, right] = [bindingOf(part.left), bindingOf(part.right)];
  const [of, other] = left ? [left, part.right] : right ? [right, part.left] : [];
  if (!of || !other || other.kind !== 'literal' || other.value === null || !isConstant(other)) return undefined;
  return { of, is: plain(other.value) };
}

/** The insides of a binding that stands alone, quoted or not. */
function bindingOf(part: Expression): string | undefined {
  if (part.kind === 'binding') return part.source.trim();
  if (part.kind !== 'literal' || typeof part.value !== 'string') return undefined;
  return /^\$\{([^}]+)\}$/.exec(part.value)?.[1]?.trim();
}

function isConstant(part: Expression): boolean {
  switch (part.kind) {
    case 'literal':
      return typeof part.value !== 'string' || findBindings(part.value).length === 0;
    case 'not':
    case 'negative':
      return isConstant(part.of);
    case 'binary':
      return isConstant(part.left) && isConstant(part.right);
    default:
      return false;
  }
}
