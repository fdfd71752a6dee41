import type { Json } from '../core/json.ts';
import { closingBrace } from './tokens.ts';

/** One `${...}` in a text: what it says and where it stands. */
export interface Binding {
  source: string;
  start: number;
  end: number;
}

/** All `${...}` of a text, in order. `$` without a brace is plain text. */
export function findBindings(text: string): Binding[] {
  const found: Binding[] = [];
  for (let start = text.indexOf('${'); start >= 0; start = text.indexOf('${', start)) {
    const close = closingBrace(text, start + 2);
    if (close < 0) break;
    found.push({ source: text.slice(start + 2, close), start, end: close + 1 });
    start = close + 1;
  }
  return found;
}

export type BindingPath = readonly (string | number)[];

/** `Stage.My Task.output.list[0].key` as steps. Names may hold blanks and dashes, so only dots and `[n]` divide. Undefined: no path. */
export function bindingPath(source: string): BindingPath | undefined {
  const trimmed = source.trim();
  if (!/^[^.[\]]+(\.[^.[\]]+|\[\s*\d+\s*\]|\["[^"]*"\]|\['[^']*'\])*$/.test(trimmed)) return undefined;
  const steps = trimmed.matchAll(/\[\s*(\d+)\s*\]|\["([^"]*)"\]|\['([^']*)'\]|([^.[\]]+)/g);
  return [...steps].map(([, index, double, single, name]) => (index ? Number(index) : (double ?? single ?? name!)));
}

/** What a binding stands for; undefined where nothing of that name is known. */
export type Lookup = (path: BindingPath) => Json | undefined;

/**
 * Puts values in place of the bindings of a text. A text that is one binding keeps the type of its value; a binding of which
 * nothing is known stays as it is written, since scripts are full of `${...}` of their own.
 */
export function resolveText(text: string, lookup: Lookup): Json {
  const bindings = findBindings(text);
  const [only] = bindings;
  if (bindings.length === 1 && only && only.start === 0 && only.end === text.length) return valueFor(only) ?? text;
  let result = '';
  let from = 0;
  for (const binding of bindings) {
    const value = valueFor(binding);
    result += text.slice(from, binding.start);
    result += value === undefined ? text.slice(binding.start, binding.end) : asText(value);
    from = binding.end;
  }
  return result + text.slice(from);

  function valueFor({ source }: Binding): Json | undefined {
    const path = bindingPath(source);
    return path && lookup(path);
  }
}

/** The same for every text inside a value. */
export function resolveDeep(value: Json, lookup: Lookup): Json {
  if (typeof value === 'string') return resolveText(value, lookup);
  if (Array.isArray(value)) return value.map((item) => resolveDeep(item, lookup));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveDeep(item, lookup)]));
}

/** How a value looks inside a longer text: objects as JSON, as the originals do. */
export const asText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));
