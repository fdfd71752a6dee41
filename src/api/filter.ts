import { MillraceError } from '../core/error.ts';
import { at, isObject, type Json, type JsonObject } from '../core/json.ts';

type Term = (record: JsonObject) => Json;
interface Part {
  of: Term;
  /** Whether it says yes or no: only such parts can be joined by `and`, or be the whole filter. */
  isTest: boolean;
}
interface Word {
  kind: 'text' | 'sign' | 'name';
  value: string;
  /** Where it begins, from 1. */
  place: number;
}

const mostDepth = 100;

/**
 * Reads OData's `$filter`: eq, ne, gt, ge, lt, le, in, and, or, not, brackets and the functions of `functions`. Quotes in a text are
 * doubled. A text and a number or flag that read alike are equal, since clients write `_nested eq 'false'`; what a record does not
 * have is null, and null is equal to an empty text. A name may be a path: `input.NAME` or `input/NAME`.
 * @throws MillraceError request.invalid with the place of what cannot be read.
 */
export function parseFilter(filter: string): (record: JsonObject) => boolean {
  const words = wordsOf(filter);
  let position = 0;
  let depth = 0;
  const whole = tested(either);
  if (position < words.length) throw refuse(words[position], '`and`, `or` or the end');
  return (record) => isTrue(whole(record));

  function either(): Part {
    let left = both();
    while (takeName('or')) {
      const [a, b] = [sure(left), tested(both)];
      left = { of: (record) => isTrue(a(record)) || isTrue(b(record)), isTest: true };
    }
    return left;
  }

  function both(): Part {
    let left = negation();
    while (takeName('and')) {
      const [a, b] = [sure(left), tested(negation)];
      left = { of: (record) => isTrue(a(record)) && isTrue(b(record)), isTest: true };
    }
    return left;
  }

  function negation(): Part {
    if (!takeName('not')) return comparison();
    enter();
    const inner = tested(negation);
    depth--;
    return { of: (record) => !isTrue(inner(record)), isTest: true };
  }

  function comparison(): Part {
    const left = term();
    const word = words[position];
    if (word?.kind !== 'name') return left;
    if (takeName('in')) {
      const wanted = list();
      return { of: (record) => wanted.some((one) => isEqual(left.of(record), one(record))), isTest: true };
    }
    const compare = comparisons[word.value.toLowerCase()];
    if (!compare) return left;
    position++;
    const right = term();
    return { of: (record) => compare(left.of(record), right.of(record)), isTest: true };
  }

  function term(): Part {
    const word = words[position++];
    if (!word) throw refuse(undefined, 'a name or a value');
    if (word.kind === 'text') return { of: () => word.value, isTest: false };
    if (word.kind === 'sign') {
      if (word.value !== '(') throw refuse(word, 'a name or a value');
      enter();
      const inner = either();
      expect(')');
      depth--;
      return inner;
    }
    if (words[position]?.value === '(' && words[position]?.kind === 'sign') return call(word);
    const constant = constants[word.value];
    if (constant !== undefined) return { of: () => constant, isTest: constant !== null };
    if (/^-?\d+(\.\d+)?$/.test(word.value)) return { of: () => Number(word.value), isTest: false };
    if (!/^[\p{L}_$@][\p{L}\p{N}_$@./-]*$/u.test(word.value)) throw refuse(word, 'a name, or a text in single quotes');
    const path = word.value.split(/[./]/);
    return { of: (record) => at(record, path) ?? null, isTest: false };
  }

  function call(word: Word): Part {
    const known = functions[word.value.toLowerCase()];
    if (!known) throw refuse(word, `one of ${Object.keys(functions).join(', ')}`);
    const given = list();
    if (given.length !== known.length)
      throw refuse(word, `${known.length} ${known.length === 1 ? 'value' : 'values'} in its brackets`);
    const isTest = tests.includes(word.value.toLowerCase());
    return { of: (record) => known(...given.map((one) => plain(one(record)))), isTest };
  }

  function list(): Term[] {
    expect('(');
    const found = [term().of];
    while (words[position]?.kind === 'sign' && words[position]?.value === ',') {
      position++;
      found.push(term().of);
    }
    expect(')');
    return found;
  }

  function tested(read: () => Part): Term {
    return sure(read());
  }

  function sure({ of, isTest }: Part): Term {
    if (!isTest) throw refuse(words[position], 'a comparison such as `eq`');
    return of;
  }

  function enter(): void {
    if (++depth > mostDepth) throw refuse(words[position - 1], `at most ${mostDepth} brackets in each other`);
  }

  function takeName(name: string): boolean {
    const word = words[position];
    if (word?.kind !== 'name' || word.value.toLowerCase() !== name) return false;
    position++;
    return true;
  }

  function expect(sign: string): void {
    const word = words[position++];
    if (word?.kind !== 'sign' || word.value !== sign) throw refuse(word, `\`${sign}\``);
  }

  function refuse(word: Word | undefined, expected: string): MillraceError {
    const met = word ? `\`${word.value}\`` : 'its end';
    return new MillraceError('request.invalid', {
      message: `The filter cannot be read at character ${word?.place ?? filter.length + 1}: it has ${met}, expected was ${expected}. The filter: ${filter}`,
      hint: "Write for example: name eq 'x' and status eq 'FAILED'",
    });
  }
}

function wordsOf(filter: string): Word[] {
  const words: Word[] = [];
  for (const { 0: value, index } of filter.matchAll(/'(?:[^']|'')*'|[(),]|[^\s(),']+|'/g)) {
    const place = index + 1;
    if (value === "'")
      throw new MillraceError('request.invalid', {
        message: `The filter cannot be read at character ${place}: a text begins there that does not end. The filter: ${filter}`,
        hint: 'A single quote inside of a text is written twice.',
      });
    if (value.startsWith("'")) words.push({ kind: 'text', value: value.slice(1, -1).replaceAll("''", "'"), place });
    else words.push({ kind: /[(),]/.test(value) ? 'sign' : 'name', value, place });
  }
  return words;
}

/** The functions that answer yes or no. */
const tests = ['startswith', 'endswith', 'contains', 'substringof'];

const constants: Record<string, Json> = { true: true, false: false, null: null };

const functions: Record<string, (...values: string[]) => Json> = {
  startswith: (text: string, start: string) => text.startsWith(start),
  endswith: (text: string, end: string) => text.endsWith(end),
  contains: (text: string, part: string) => text.includes(part),
  // The older form has the part first.
  substringof: (part: string, text: string) => text.includes(part),
  toupper: (text: string) => text.toUpperCase(),
  tolower: (text: string) => text.toLowerCase(),
  trim: (text: string) => text.trim(),
  length: (text: string) => text.length,
  indexof: (text: string, part: string) => text.indexOf(part),
  concat: (left: string, right: string) => left + right,
};

const comparisons: Record<string, (left: Json, right: Json) => boolean> = {
  eq: (left, right) => isEqual(left, right),
  ne: (left, right) => !isEqual(left, right),
  gt: (left, right) => order(left, right) > 0,
  ge: (left, right) => order(left, right) >= 0,
  lt: (left, right) => order(left, right) < 0,
  le: (left, right) => order(left, right) <= 0,
};

const isTrue = (value: Json): boolean => value === true || value === 'true';

const plain = (value: Json): string =>
  value === null ? '' : isObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value);

/** `ABC*` is a wildcard in the IaaS services; a list is equal to what it holds, as for tags. */
function isEqual(left: Json, right: Json): boolean {
  if (Array.isArray(left)) return left.some((one) => isEqual(one, right));
  const [value, wanted] = [plain(left), plain(right)];
  return wanted.endsWith('*') ? value.startsWith(wanted.slice(0, -1)) : value === wanted;
}

/** Numbers by size, all else as texts; nothing is larger or smaller than what is not there. */
export function order(left: Json, right: Json): number {
  if (left === null || right === null) return Number.NaN;
  const [a, b] = [plain(left), plain(right)];
  const numbers = [a, b].map((one) => (one.trim() === '' ? Number.NaN : Number(one)));
  if (!numbers.some(Number.isNaN)) return numbers[0]! - numbers[1]!;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Reads `$orderby`: names with `asc` or `desc`, divided by commas.
 * @throws MillraceError request.invalid
 */
export function parseOrder(text: string): (a: JsonObject, b: JsonObject) => number {
  const keys = text.split(',').map((part) => {
    const [name = '', direction = 'asc', ...rest] = part.trim().split(/\s+/);
    if (!name || rest.length > 0 || !/^(asc|desc)$/i.test(direction))
      throw new MillraceError('request.invalid', {
        message: `The order "${text}" cannot be read at "${part.trim()}".`,
        hint: 'Write for example: name asc, createdAt desc',
      });
    return { path: name.split(/[./]/), sign: direction.toLowerCase() === 'desc' ? -1 : 1 };
  });
  return (a, b) => {
    for (const { path, sign } of keys) {
      const [left, right] = [at(a, path) ?? null, at(b, path) ?? null];
      const result = order(left ?? '', right ?? '');
      if (result !== 0) return sign * result;
    }
    return 0;
  };
}
