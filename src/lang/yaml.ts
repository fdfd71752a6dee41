import { isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseAllDocuments, Scalar } from 'yaml';
import type { Diagnostic, Place } from '../core/diagnostic.ts';
import type { Json } from '../core/json.ts';

export type Path = readonly (string | number)[];

/** One YAML document: its value, and where in the text each part of it stands. */
export interface YamlDocument {
  value: Json;
  /** The place of the value at a path; of the nearest parent where the path leads nowhere. */
  placeOf(path: Path): Place;
  /** The place of a key of the map at a path. */
  placeOfKey(path: Path): Place;
  /** The place of a character inside the text of a string at a path. Exact in plain, quoted and literal scalars of one line; the line of the scalar otherwise. */
  placeInside(path: Path, offset: number): Place;
}

export interface YamlText {
  documents: YamlDocument[];
  diagnostics: Diagnostic[];
}

/**
 * Reads a stream of YAML documents. Takes what real exports hold (byte order mark, CRLF, closing brackets at their key's
 * indent, repeated `---`, tabs, unknown tags); what cannot be read is a diagnostic with its place, never an exception.
 * Empty documents are left out.
 */
export function parseYaml(text: string): YamlText {
  const diagnostics: Diagnostic[] = [];
  const documents: YamlDocument[] = [];
  const clean = text.replace(/^\uFEFF/, '');
  const refusal = tooMuch(clean);
  if (refusal) return { documents, diagnostics: [refusal] };
  const lines = new LineCounter();
  const parsed = parseAllDocuments(clean, {
    lineCounter: lines,
    strict: false,
    uniqueKeys: false,
    logLevel: 'silent',
    prettyErrors: false,
    merge: true,
    maxAliasCount: 100,
  } as Parameters<typeof parseAllDocuments>[1]);
  for (const document of Array.isArray(parsed) ? parsed : []) {
    for (const error of document.errors) {
      diagnostics.push({
        severity: 'error',
        code: 'yaml.syntax',
        message: sentence(error.message),
        ...placeAt(error.pos[0]),
      });
    }
    if (document.contents === null || document.errors.length > 0) continue;
    try {
      const value = (document.toJS({ maxAliasCount: 100 }) ?? null) as Json;
      if (value !== null) documents.push(locate(document.contents as ParsedNode, value));
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      diagnostics.push({
        severity: 'error',
        code: 'yaml.aliases',
        message: sentence(message),
        line: 1,
        column: 1,
      });
    }
  }
  return { documents, diagnostics };

  function placeAt(offset: number): Place {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  function locate(root: ParsedNode, value: Json): YamlDocument {
    const placeOf = (path: Path): Place => placeAt(startOf(follow(root, path).node));
    return {
      value,
      placeOf,
      placeOfKey(path) {
        const { node, rest } = follow(root, path.slice(0, -1));
        const key = rest === 0 && isMap(node) ? keyNode(node, path.at(-1)!) : undefined;
        return key ? placeAt(startOf(key)) : placeAt(startOf(node));
      },
      placeInside(path, offset) {
        const { node } = follow(root, path);
        const place = placeAt(startOf(node));
        if (!isScalar(node) || typeof node.value !== 'string') return place;
        const before = node.value.slice(0, offset);
        if (node.type === Scalar.PLAIN && !node.value.includes('\n'))
          return { ...place, column: place.column + offset };
        if ((node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE) && !before.includes('\n')) {
          return { ...place, column: place.column + offset + 1 };
        }
        if (node.type !== Scalar.BLOCK_LITERAL) return place;
        const line = place.line + 1 + (before.match(/\n/g)?.length ?? 0);
        const start = before.lastIndexOf('\n') + 1;
        // What a line is indented more than the others is part of its text.
        const indent = blanksAt(clean, lines.lineStarts[line - 1] ?? 0) - blanksAt(node.value, start);
        return { line, column: indent + offset - start + 1 };
      },
    };
  }
}

const blanksAt = (text: string, start: number): number => /^[ \t]*/.exec(text.slice(start))?.[0].length ?? 0;

/** Real files are some ten thousand characters long, and nest some ten levels deep. */
const [mostCharacters, deepest] = [2_000_000, 200];

/** Texts that nobody would wait for, or that would exhaust the stack of whoever reads them. */
function tooMuch(text: string): Diagnostic | undefined {
  const refused = (message: string, line: number, column: number): Diagnostic => ({
    ...{ severity: 'error', code: 'yaml.too-large', message, line, column },
  });
  if (text.length > mostCharacters) return refused(`The text is longer than ${mostCharacters} characters.`, 1, 1);
  for (const [number, line] of text.split('\n').entries()) {
    const dashes = /^\s*((-\s+)+)/.exec(line)?.[1]?.match(/-/g)?.length ?? 0;
    const indent = line.search(/\S/);
    if (nesting(line) > deepest || dashes > deepest || indent > 3 * deepest)
      return refused(`Lists and maps are nested deeper than ${deepest} levels.`, number + 1, 1);
  }
  return undefined;
}

/** How deep the brackets of a line go, whatever they stand for. */
function nesting(line: string): number {
  if (line.length < deepest) return 0;
  let [depth, most] = [0, 0];
  for (const char of line) {
    if (char === '[' || char === '{') most = Math.max(most, ++depth);
    else if (char === ']' || char === '}') depth--;
  }
  return most;
}

const startOf = (node: Node): number => node.range?.[0] ?? 0;

/** Walks as far as the path leads; `rest` counts the steps that were left. */
function follow(root: Node, path: Path): { node: Node; rest: number } {
  let node = root;
  for (const [index, step] of path.entries()) {
    const next = isMap(node) || isSeq(node) ? node.get(isMap(node) ? keyValue(node, step) : step, true) : undefined;
    if (!isNode(next)) return { node: (isMap(node) && keyNode(node, step)) || node, rest: path.length - index };
    node = next;
  }
  return { node, rest: 0 };
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'range' in value;

/** YAML keys may be numbers or null; our paths are texts. */
function keyNode(map: Node, key: string | number): Node | undefined {
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
  return isNode(pair?.key) ? pair.key : undefined;
}

function keyValue(map: Node, key: string | number): unknown {
  const node = keyNode(map, key);
  return isScalar(node) ? node.value : key;
}

const sentence = (message: string): string => (message.endsWith('.') ? message : `${message}.`);
