import type { Json } from '../core/json.ts';
import { ExpressionError, type Token, tokenize } from './tokens.ts';

export type BinaryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | '&&' | '||';

/** An expression as a tree. `at` is the character where a part begins, for messages. */
export type Expression =
  | { kind: 'literal'; value: Json; at: number }
  | { kind: 'name'; name: string; at: number }
  | { kind: 'binding'; source: string; at: number }
  | { kind: 'member'; of: Expression; key: string; at: number }
  | { kind: 'index'; of: Expression; index: Expression; at: number }
  | { kind: 'every'; of: Expression; at: number }
  | { kind: 'whole'; of: Expression; at: number }
  | { kind: 'call'; name: string; args: Expression[]; at: number }
  | { kind: 'lambda'; parameters: string[]; body: Expression; at: number }
  | { kind: 'not' | 'negative'; of: Expression; at: number }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression; at: number }
  | { kind: 'choice'; test: Expression; yes: Expression; no: Expression; at: number }
  | { kind: 'list'; items: Expression[]; at: number }
  | { kind: 'map'; entries: [Expression, Expression][]; at: number };

/** Loosest first; operators of one row bind alike and group to the left. */
const precedence: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];

/** Nesting deeper than this, or more words, are refused, so that no text can exhaust the stack. */
const [deepest, mostWords] = [200, 2000];

/**
 * Reads one whole expression. With `bindings` it is a condition of a pipeline, where `${...}` is a value; without, the inside
 * of a blueprint's `${...}`.
 * @throws ExpressionError with the character where reading stopped.
 */
export function parseExpression(text: string, options = { bindings: false }): Expression {
  const tokens = tokenize(text, options);
  if (tokens.length > mostWords)
    throw new ExpressionError(`The expression has more than ${mostWords} words.`, tokens[mostWords]!.at);
  let position = 0;
  let depth = 0;

  const expression = choice();
  if (peek().kind !== 'end') throw unexpected(peek());
  return expression;

  function peek(ahead = 0): Token {
    return tokens[Math.min(position + ahead, tokens.length - 1)]!;
  }

  function isSign(value: string, ahead = 0): boolean {
    const token = peek(ahead);
    return token.kind === 'sign' && token.value === value;
  }

  function take(value: string): boolean {
    if (!isSign(value)) return false;
    position++;
    return true;
  }

  function expect(value: string): void {
    if (!take(value)) throw new ExpressionError(`\`${value}\` is missing before ${describe(peek())}.`, peek().at);
  }

  function choice(): Expression {
    if (++depth > deepest)
      throw new ExpressionError(`The expression is nested deeper than ${deepest} levels.`, peek().at);
    const { at } = peek();
    const test = binary(0);
    const whole: Expression = take('?') ? { kind: 'choice', test, yes: choice(), no: otherwise(), at } : test;
    depth--;
    return whole;
  }

  function otherwise(): Expression {
    expect(':');
    return choice();
  }

  function binary(level: number): Expression {
    const operators = precedence[level];
    if (!operators) return unary();
    let left = binary(level + 1);
    for (;;) {
      const { at } = peek();
      const operator = operators.find((candidate) => isSign(candidate));
      if (!operator) return left;
      position++;
      left = { kind: 'binary', operator, left, right: binary(level + 1), at };
    }
  }

  function unary(): Expression {
    const { at } = peek();
    if (++depth > deepest) throw new ExpressionError(`The expression is nested deeper than ${deepest} levels.`, at);
    const kind = take('!') ? 'not' : take('-') ? 'negative' : undefined;
    const result: Expression = kind ? { kind, of: unary(), at } : suffixes(primary());
    depth--;
    return result;
  }

  function suffixes(start: Expression): Expression {
    let of = start;
    for (;;) {
      const { at } = peek();
      if (take('.')) {
        if (take('*')) {
          of = { kind: 'whole', of, at };
          continue;
        }
        const key = peek();
        if (key.kind !== 'name' && key.kind !== 'number') throw unexpected(key);
        position++;
        of = { kind: 'member', of, key: String(key.value), at: key.at };
      } else if (isSign('[') && isSign('*', 1) && isSign(']', 2)) {
        position += 3;
        of = { kind: 'every', of, at };
      } else if (take('[')) {
        const index = choice();
        expect(']');
        of = { kind: 'index', of, index, at };
      } else {
        return of;
      }
    }
  }

  function primary(): Expression {
    const token = peek();
    const { at } = token;
    position++;
    switch (token.kind) {
      case 'number':
      case 'text':
        return { kind: 'literal', value: token.value, at };
      case 'binding':
        return { kind: 'binding', source: token.value, at };
      case 'name':
        return named(token.value, at);
      case 'sign':
        return bracketed(token.value, token);
      case 'end':
        throw unexpected(token);
    }
  }

  function named(name: string, at: number): Expression {
    if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true', at };
    if (name === 'null') return { kind: 'literal', value: null, at };
    if (take('=>')) return { kind: 'lambda', parameters: [name], body: choice(), at };
    if (take('(')) return { kind: 'call', name, args: listUntil(')'), at };
    return { kind: 'name', name, at };
  }

  function bracketed(sign: string, token: Token): Expression {
    const { at } = token;
    if (sign === '[') return { kind: 'list', items: listUntil(']'), at };
    if (sign === '{') return mapLiteral(at);
    if (sign !== '(') throw unexpected(token);
    const parameters = lambdaParameters();
    if (parameters) return { kind: 'lambda', parameters, body: choice(), at };
    const inner = choice();
    expect(')');
    return inner;
  }

  /** After `(`: the names of `(a, b) =>`, or undefined when it is a bracket like any other. */
  function lambdaParameters(): string[] | undefined {
    const names: string[] = [];
    let ahead = 0;
    for (;;) {
      const token = peek(ahead);
      if (token.kind !== 'name') return undefined;
      names.push(token.value);
      if (isSign(')', ahead + 1) && isSign('=>', ahead + 2)) {
        position += ahead + 3;
        return names;
      }
      if (!isSign(',', ahead + 1)) return undefined;
      ahead += 2;
    }
  }

  function listUntil(close: string): Expression[] {
    const items: Expression[] = [];
    while (!take(close)) {
      if (items.length > 0) expect(',');
      items.push(choice());
    }
    return items;
  }

  function mapLiteral(at: number): Expression {
    const entries: [Expression, Expression][] = [];
    while (!take('}')) {
      if (entries.length > 0) expect(',');
      const token = peek();
      const isBareKey = token.kind === 'name' && isSign(':', 1);
      if (isBareKey) position++;
      const key: Expression = isBareKey ? { kind: 'literal', value: token.value, at: token.at } : choice();
      expect(':');
      entries.push([key, choice()]);
    }
    return { kind: 'map', entries, at };
  }
}

function unexpected(token: Token): ExpressionError {
  return new ExpressionError(
    token.kind === 'end' ? 'The expression ends too early.' : `${describe(token)} has no place here.`,
    token.at,
  );
}

const describe = (token: Token): string => (token.kind === 'end' ? 'the end' : `\`${token.value}\``);
