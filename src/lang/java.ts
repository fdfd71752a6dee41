import { RE2JS } from 're2js';
import type { Json } from '../core/json.ts';

/**
 * The originals run on Java, so their regular expressions and format strings are Java's. Patterns are run by RE2, whose time
 * grows only with the length of the text: no pattern can hang the server. Look-around and back-references are refused.
 */
export function javaMatches(pattern: string, text: string): boolean {
  return compiled(pattern, text).matches(text);
}

/** Whether the pattern occurs anywhere in the text. @throws when the pattern cannot be read. */
export function javaFinds(pattern: string, text: string): boolean {
  return compiled(pattern, text).matcher(text).find();
}

/** The time that RE2 takes grows with both: this is about a second. */
const mostWork = 20_000_000;
const longestPattern = 2000;

/** @throws Error where the pattern cannot be read, or both are so long that nobody would wait. */
function compiled(pattern: string, text: string): RE2JS {
  if (pattern.length > longestPattern) throw new Error(`the pattern is longer than ${longestPattern} characters.`);
  if (pattern.length * text.length > mostWork)
    throw new Error(`a text of ${text.length} characters is too long for a pattern of ${pattern.length}.`);
  return RE2JS.compile(pattern);
}

/** Why a pattern cannot be used, or undefined when it can. */
export function patternFault(pattern: string): string | undefined {
  try {
    compiled(pattern, '');
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** `java.util.Formatter` for the conversions that blueprints use: %s %S %d %x %X %o %f %e %b %c %n %% with flags, width and precision. */
export function javaFormat(pattern: string, values: Json[]): string {
  let next = 0;
  return pattern.replace(
    /%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (
      whole,
      position: string | undefined,
      flags: string,
      width: string | undefined,
      precision: string | undefined,
      kind: string,
    ) => {
      if (kind === '%') return '%';
      if (kind === 'n') return '\n';
      const value = values[position ? Number(position) - 1 : next++];
      if (value === undefined) throw new Error(`"${whole}" has no value.`);
      if (Number(width ?? 0) > widest) throw new Error(`"${whole}" is wider than ${widest} characters.`);
      return pad(converted(value, kind, flags, precision), flags, Number(width ?? 0));
    },
  );
}

const widest = 10_000;

function converted(value: Json, kind: string, flags: string, precision: string | undefined): string {
  const upper = kind === kind.toUpperCase();
  const text = conversion(value, kind.toLowerCase(), precision === undefined ? undefined : Number(precision), flags);
  return upper ? text.toUpperCase() : text;
}

function conversion(value: Json, kind: string, precision: number | undefined, flags: string): string {
  switch (kind) {
    case 's': {
      const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
      return precision === undefined ? text : text.slice(0, precision);
    }
    case 'b':
      return String(value !== null && value !== false);
    case 'c':
      return typeof value === 'number' ? String.fromCodePoint(value) : String(value).slice(0, 1);
    case 'd':
      return signed(Math.trunc(numeric(value)).toString(), flags);
    case 'x':
      return Math.trunc(numeric(value)).toString(16);
    case 'o':
      return Math.trunc(numeric(value)).toString(8);
    case 'f':
      return signed(numeric(value).toFixed(precision ?? 6), flags);
    case 'e':
      return numeric(value)
        .toExponential(precision ?? 6)
        .replace(/e([+-])(\d)$/, 'e$10$2');
    default:
      throw new Error(`"%${kind}" is not a conversion.`);
  }
}

function numeric(value: Json): number {
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) throw new Error(`${JSON.stringify(value)} is not a number.`);
  return number;
}

function signed(text: string, flags: string): string {
  const grouped = flags.includes(',') ? text.replace(/\B(?=(\d{3})+(?!\d))/g, ',') : text;
  if (grouped.startsWith('-')) return grouped;
  return flags.includes('+') ? `+${grouped}` : flags.includes(' ') ? ` ${grouped}` : grouped;
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0')) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}
