import { nearest } from '../core/diagnostic.ts';
import { isObject, type Json } from '../core/json.ts';
import { type Path, parseYaml } from '../lang/yaml.ts';
import { keys, type Shape, user } from './cloud-config-keys.ts';

/** What looks wrong in a cloud configuration, and where: an offset in its text. */
export interface CloudConfigFault {
  message: string;
  hint?: string;
  offset: number;
}

/** Scripts, lists of files, archives; of Cloudbase-Init as well. */
const otherUserData =
  /^\s*(#!|#include|#part|#upstart|#cloud-boothook|## template|Content-Type|MIME-Version|#ps1|<powershell>|<script>|rem cmd)/i;

/**
 * Holds a cloud configuration against what cloud-init knows, as far as it can be read before its expressions have values. Only maps are
 * looked at: scripts and other user data have rules of their own.
 */
export function cloudConfigFaults(text: string): CloudConfigFault[] {
  if (otherUserData.test(text)) return [];
  const readable = withoutExpressions(text);
  const { documents, diagnostics } = parseYaml(readable);
  const offsetOf = offsets(readable);
  if (diagnostics.some(({ severity }) => severity === 'error'))
    return diagnostics.slice(0, 1).map(({ message, line, column }) => ({
      message: `it is no YAML: ${message}`,
      hint: 'cloud-init takes nothing of it.',
      offset: offsetOf(line, column),
    }));
  const document = documents[0];
  if (!document || document.value === null) return [];
  const faults: CloudConfigFault[] = [];
  const tell = (message: string, path: Path, hint?: string) => {
    const { line, column } = document.placeOfKey(path);
    faults.push({ message, ...(hint ? { hint } : {}), offset: offsetOf(line, column) });
  };
  if (!isObject(document.value)) {
    tell('it is no map.', [], 'It begins with `#cloud-config`, and then has keys such as `packages` and `runcmd`.');
    return faults;
  }
  for (const [key, value] of Object.entries(document.value)) {
    const shape = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (shape) check(value, shape, [key]);
    else if (!isPlaceholder(key)) {
      const close = nearest(key, Object.keys(keys));
      tell(`\`${key}\` is no key that cloud-init knows.`, [key], close && `Did you mean \`${close}\`?`);
    }
  }
  const { users } = document.value;
  for (const [index, item] of Array.isArray(users) ? users.entries() : [])
    if (isObject(item)) check(item, user, ['users', index]);
  return faults;

  function check(value: Json, shape: Shape, path: Path): void {
    if (value === null || shape === 'any' || isPlaceholder(value)) return;
    const what = path.join('.');
    if (typeof shape === 'object' && 'each' in shape) {
      if (!Array.isArray(value)) return tell(`\`${what}\` must be a list.`, path);
      for (const [index, item] of value.entries()) check(item, shape.each, [...path, index]);
      return;
    }
    if (typeof shape === 'object') {
      if (!isObject(value)) return tell(`\`${what}\` must be a map.`, path);
      for (const [key, item] of Object.entries(value)) {
        const inner = Object.hasOwn(shape.map, key) ? shape.map[key] : undefined;
        if (inner) check(item, inner, [...path, key]);
        else if (!isPlaceholder(key)) {
          const close = nearest(key, Object.keys(shape.map));
          tell(`\`${key}\` has no meaning in \`${what}\`.`, [...path, key], close && `Did you mean \`${close}\`?`);
        }
      }
      return;
    }
    const wrong = {
      list: !Array.isArray(value),
      map: !isObject(value),
      flag: !isFlag(value),
      number: typeof value !== 'number',
    };
    if (shape === 'text') {
      if (typeof value === 'object') tell(`\`${what}\` must be a text.`, path);
    } else if (wrong[shape])
      tell(
        `\`${what}\` must be ${{ list: 'a list', map: 'a map', flag: 'true or false', number: 'a number' }[shape]}.`,
        path,
      );
  }
}

const isFlag = (value: Json): boolean =>
  typeof value === 'boolean' || /^(true|false|yes|no|on|off|0|1)$/i.test(String(value));

/** Stands for an expression, whose value may be anything. It has its length, so that places stay what they are. */
const mark = 'ǁ';
const isPlaceholder = (value: Json): boolean => typeof value === 'string' && value.includes(mark);
const withoutExpressions = (text: string): string =>
  text.replace(/\$\{[^}]*\}/g, (found) => found.replace(/[^\n]/g, mark));

function offsets(text: string): (line: number, column: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (line, column) => Math.min(text.length, (starts[line - 1] ?? 0) + column - 1);
}
