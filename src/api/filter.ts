import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';

type Test = (record: JsonObject) => boolean;
type Term = (record: JsonObject) => string;

/**
 * Reads the part of OData's `$filter` that clients of the originals send: eq, ne, and, or, brackets, startswith, endswith,
 * substringof, toupper, tolower. Quotes in a text are doubled.
 * @throws MillraceError request.invalid
 */
export function parseFilter(text: string): Test {
  const words = text.match(/'(?:[^']|'')*'|[(),]|[^\s(),]+/g) ?? [];
  let position = 0;
  const test = either();
  if (position < words.length) throw refuse();
  return test;

  function either(): Test {
    let left = both();
    while (takeWord('or')) {
      const [a, b] = [left, both()];
      left = (record) => a(record) || b(record);
    }
    return left;
  }

  function both(): Test {
    let left = single();
    while (takeWord('and')) {
      const [a, b] = [left, single()];
      left = (record) => a(record) && b(record);
    }
    return left;
  }

  function single(): Test {
    if (takeWord('(')) {
      const inner = either();
      expect(')');
      return inner;
    }
    const call = words[position]?.toLowerCase();
    if (words[position + 1] === '(' && (call === 'startswith' || call === 'endswith' || call === 'substringof')) {
      position += 2;
      const first = term();
      expect(',');
      const second = term();
      expect(')');
      if (takeWord('eq')) position++;
      if (call === 'substringof') return (record) => second(record).includes(first(record));
      return call === 'startswith'
        ? (record) => first(record).startsWith(second(record))
        : (record) => first(record).endsWith(second(record));
    }
    const left = term();
    const operator = words[position++]?.toLowerCase();
    const right = term();
    if (operator === 'eq') return (record) => matches(left(record), right(record));
    if (operator === 'ne') return (record) => !matches(left(record), right(record));
    throw refuse();
  }

  function term(): Term {
    const word = words[position++];
    if (word === undefined) throw refuse();
    const change = word.toLowerCase();
    if ((change === 'toupper' || change === 'tolower') && takeWord('(')) {
      const inner = term();
      expect(')');
      return change === 'toupper' ? (record) => inner(record).toUpperCase() : (record) => inner(record).toLowerCase();
    }
    if (word.startsWith("'")) {
      const value = word.slice(1, -1).replaceAll("''", "'");
      return () => value;
    }
    if (/^(true|false|null|-?\d+(\.\d+)?)$/.test(word)) return () => word;
    return (record) =>
      plain(
        word.split(/[./]/).reduce<Json | undefined>((value, key) => (isObject(value) ? value[key] : undefined), record),
      );
  }

  function takeWord(word: string): boolean {
    if (words[position]?.toLowerCase() !== word) return false;
    position++;
    return true;
  }

  function expect(word: string): void {
    if (!takeWord(word)) throw refuse();
  }

  function refuse(): MillraceError {
    return new MillraceError('request.invalid', {
      message: `The filter cannot be read at word ${position + 1}: ${text}`,
      hint: "Write for example: name eq 'x' and status eq 'FAILED'",
    });
  }
}

const plain = (value: Json | undefined): string =>
  value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

/** `ABC*` is a wildcard in the IaaS services. */
const matches = (value: string, wanted: string): boolean =>
  wanted.endsWith('*') ? value.startsWith(wanted.slice(0, -1)) : value === wanted;
