import { type Diagnostic, type DiagnosticCode, nearest } from '../core/diagnostic.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import type { Path, YamlDocument } from './yaml.ts';

/**
 * Reads the values of a document as real files hold them: texts for numbers and booleans, nothing for empty parts. What does not
 * fit is reported with its place and read as if it were not there.
 */
export function openReader(document: YamlDocument, diagnostics: Diagnostic[]) {
  return { map, list, texts, flag, count, warnUnknown, report };

  function map(value: Json | undefined, path: Path): JsonObject {
    if (value === undefined || value === null || value === '') return {};
    if (isObject(value)) return value;
    if (!(Array.isArray(value) && value.length === 0)) {
      report('error', 'value.not-a-map', `\`${String(path.at(-1))}\` must be a map, not ${kindOf(value)}.`, path);
    }
    return {};
  }

  function list(value: Json | undefined, path: Path): Json[] {
    if (value === undefined || value === null || value === '') return [];
    if (Array.isArray(value)) return value;
    report('error', 'value.not-a-list', `\`${String(path.at(-1))}\` must be a list, not ${kindOf(value)}.`, path);
    return [];
  }

  function texts(value: Json | undefined, path: Path): Record<string, string> {
    return Object.fromEntries(Object.entries(map(value, path)).map(([key, item]) => [key, text(item)]));
  }

  function flag(value: Json | undefined, path: Path, otherwise: boolean): boolean {
    if (value === undefined || value === null || value === '') return otherwise;
    if (typeof value === 'boolean') return value;
    if (/^(true|false)$/i.test(text(value))) return text(value).toLowerCase() === 'true';
    report('error', 'value.not-a-flag', `\`${String(path.at(-1))}: ${text(value)}\` must be true or false.`, path);
    return otherwise;
  }

  function count(value: Json | undefined, path: Path, otherwise: number): number {
    if (value === undefined || value === null || value === '') return otherwise;
    const found = Number(value);
    if (Number.isInteger(found) && found > 0) return found;
    report(
      'error',
      'value.not-a-count',
      `\`${String(path.at(-1))}: ${text(value)}\` must be a whole number from 1.`,
      path,
    );
    return otherwise;
  }

  function warnUnknown(
    value: JsonObject,
    known: readonly string[],
    path: Path,
    what: string,
    severity: 'warning' | 'error' = 'warning',
  ): void {
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      const close = nearest(key, known);
      report(
        severity,
        'key.unknown',
        `${sentenceCase(what)} has the unknown key \`${key}\`.`,
        [...path, key],
        close && `Did you mean \`${close}\`?`,
        'key',
      );
    }
  }

  function report(
    severity: 'error' | 'warning',
    code: DiagnosticCode,
    message: string,
    path: Path,
    hint?: string,
    at: 'value' | 'key' | number = 'value',
  ): void {
    const place =
      at === 'key'
        ? document.placeOfKey(path)
        : at === 'value'
          ? document.placeOf(path)
          : document.placeInside(path, at);
    diagnostics.push({ severity, code, message, hint, ...place });
  }
}

export type Reader = ReturnType<typeof openReader>;

/** Scalars as text: numbers and booleans stand for themselves, nothing is empty. */
export const text = (value: Json | undefined): string =>
  value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

const kindOf = (value: Json): string =>
  Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a map' : `"${String(value).slice(0, 40)}"`;
const sentenceCase = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
