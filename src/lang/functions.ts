import { createHash } from 'node:crypto';
import { at, isObject, type Json, type JsonObject, stableText } from '../core/json.ts';
import { javaFormat, javaMatches } from './java.ts';

export type Lambda = (...given: Json[]) => Json;
type Argument = Json | Lambda;

/** What functions may ask of the world, fixed by the caller. */
interface World {
  now: string;
  uuid(): string;
}

/** The functions of blueprint expressions, by the name and in the argument order of the original. */
const functions: Record<string, (args: Argument[], world: World) => Json> = {
  abs: ([value]) => Math.abs(number(value)),
  avg: ([list]) => numbers(list).reduce((sum, value) => sum + value, 0) / Math.max(1, array(list).length),
  base64_decode: ([value]) => Buffer.from(text(value), 'base64').toString('utf8'),
  base64_encode: ([value]) => Buffer.from(text(value), 'utf8').toString('base64'),
  ceil: ([value]) => Math.ceil(number(value)),
  contains: ([whole, part]) =>
    Array.isArray(whole) ? whole.some((item) => same(item, json(part))) : text(whole).includes(text(part)),
  digest: ([value, kind]) =>
    createHash(digestKind(text(kind)))
      .update(text(value))
      .digest('hex'),
  ends_with: ([value, suffix]) => text(value).endsWith(text(suffix)),
  filter_by: ([values, keep]) =>
    entriesOf(values)
      .filter((entry) => lambda(keep)(...entry.given) === true)
      .map(({ item }) => item),
  floor: ([value]) => Math.floor(number(value)),
  format: ([pattern, ...values]) => javaFormat(text(pattern), values.map(json)),
  from_json: ([value]) => JSON.parse(text(value)) as Json,
  join: ([list, delimiter]) => joined(array(list).map(text), text(delimiter)),
  json_path: ([value, path]) => jsonPath(json(value), text(path)),
  keys: ([map]) => Object.keys(object(map)),
  length: ([value]) => (Array.isArray(value) ? value.length : text(value).length),
  map_by: ([values, change]) =>
    entriesOf(values).map(({ given, key }) => {
      const changed = lambda(change)(...given);
      return key === undefined || isObject(changed) ? changed : { [key]: changed };
    }),
  map_to_object: ([list, key]) => array(list).map((item) => ({ [text(key)]: item })),
  matches: ([value, pattern]) => javaMatches(text(pattern), text(value)),
  max: ([list]) => Math.max(...numbers(list)),
  merge: ([first, second]) => ({ ...object(first), ...object(second) }),
  min: ([list]) => Math.min(...numbers(list)),
  not_null: ([list]) => array(list).find((item) => item !== null) ?? null,
  now: (_, world) => world.now,
  range: ([start, stop]) =>
    Array.from({ length: bounded(number(stop) - number(start)) }, (_, index) => number(start) + index),
  replace: ([value, target, replacement]) => replaced(text(value), text(target), text(replacement)),
  reverse: ([list]) => [...array(list)].reverse(),
  slice: ([list, begin, end]) => array(list).slice(number(begin), number(end)),
  split: ([value, delimiter]) => text(value).split(text(delimiter)),
  starts_with: ([value, prefix]) => text(value).startsWith(text(prefix)),
  substring: ([value, begin, end]) => text(value).slice(number(begin), end === undefined ? undefined : number(end)),
  sum: ([list]) => numbers(list).reduce((sum, value) => sum + value, 0),
  to_json: ([value]) => JSON.stringify(json(value)),
  to_lower: ([value]) => text(value).toLowerCase(),
  to_number: ([value]) => number(value),
  to_string: ([value]) => text(value),
  to_upper: ([value]) => text(value).toUpperCase(),
  trim: ([value]) => text(value).trim(),
  url_decode: ([value]) => decodeURIComponent(text(value).replaceAll('+', ' ')),
  url_encode: ([value]) => encodeURIComponent(text(value)),
  uuid: (_, world) => world.uuid(),
  values: ([map]) => Object.values(object(map)),
};

export const functionNames: readonly string[] = Object.keys(functions);

/** @throws Error whose message says which argument does not fit. */
export function callFunction(name: string, args: Argument[], world: World): Json {
  const called = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!called) throw new Error('there is no function of this name.');
  return called(args, world);
}

/** Nothing in a blueprint is longer; what would be is not even begun. */
const longestText = 1_000_000;

function fitting(length: number): void {
  if (length > longestText) throw new Error(`a text of ${length} characters is longer than ${longestText}.`);
}

function replaced(value: string, target: string, replacement: string): string {
  const count = target === '' ? value.length + 1 : value.split(target).length - 1;
  fitting(value.length + count * (replacement.length - target.length));
  return value.replaceAll(target, () => replacement);
}

function joined(texts: string[], delimiter: string): string {
  fitting(texts.reduce((sum, one) => sum + one.length + delimiter.length, 0));
  return texts.join(delimiter);
}

/** A blueprint asks for tens of items, never for millions. */
const longestList = 100_000;

function bounded(length: number): number {
  if (length > longestList) throw new Error(`a list of ${length} items is longer than ${longestList}.`);
  return Math.max(0, length);
}

/** Lists give `x => ...` the item; maps give `(k, v) => ...` key and value and yield one-entry maps. */
function entriesOf(value: Argument | undefined): { given: Json[]; item: Json; key?: string }[] {
  if (Array.isArray(value)) return value.map((item) => ({ given: [item], item }));
  return Object.entries(object(value)).map(([key, item]) => ({
    given: [key, item],
    item: { [key]: item },
    key,
  }));
}

function json(value: Argument | undefined): Json {
  if (typeof value === 'function') throw new Error('`=>` stands where a value is needed.');
  return value ?? null;
}

function lambda(value: Argument | undefined): Lambda {
  if (typeof value !== 'function') throw new Error('needs a function such as `x => x > 1`.');
  return value;
}

function number(value: Argument | undefined): number {
  const found = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof found !== 'number' || Number.isNaN(found)) throw new Error(`${shown(value)} is not a number.`);
  return found;
}

const numbers = (value: Argument | undefined): number[] => array(value).map(number);

function text(value: Argument | undefined): string {
  const found = json(value);
  if (found === null) return '';
  return typeof found === 'object' ? JSON.stringify(found) : String(found);
}

function array(value: Argument | undefined): Json[] {
  if (!Array.isArray(value)) throw new Error(`${shown(value)} is not a list.`);
  return value;
}

function object(value: Argument | undefined): JsonObject {
  if (!isObject(value)) throw new Error(`${shown(value)} is not a map.`);
  return value;
}

const shown = (value: Argument | undefined): string =>
  typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? 'nothing');
const same = (a: Json, b: Json): boolean => stableText(a) === stableText(b);

function digestKind(kind: string): string {
  if (!['md5', 'sha1', 'sha256', 'sha384', 'sha512'].includes(kind)) throw new Error(`"${kind}" is no kind of digest.`);
  return kind;
}

/** `$.a.b[0].c`, `$['a']` and `[*]`: the part of JSONPath that people use. */
function jsonPath(value: Json, path: string): Json {
  const steps = [...path.replace(/^\$/, '').matchAll(/\[\*\]|\.\*|\[(\d+)\]|\['([^']*)'\]|\.?([^.[\]]+)/g)];
  let here: Json[] = [value];
  let many = false;
  for (const [step, index, quoted, name] of steps) {
    if (step === '[*]' || step === '.*') {
      many = true;
      here = here.flatMap((item) => (Array.isArray(item) ? item : isObject(item) ? Object.values(item) : []));
    } else {
      here = here
        .map((item) => at(item, [index === undefined ? (quoted ?? name!) : Number(index)]))
        .filter((item) => item !== undefined);
    }
  }
  return many ? here : (here[0] ?? null);
}
