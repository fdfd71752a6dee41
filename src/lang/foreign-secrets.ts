import type { Diagnostic } from '../core/diagnostic.ts';
import { isObject, type Json } from '../core/json.ts';
import type { Path, YamlDocument } from './yaml.ts';

/** Sealed with a key of another server, shown as asterisks, or taken out by somebody who shared the file. */
const foreign = /s2enc~|^\*{4,}$|\b(REDACTED|redacted)\b/;

/** Whether a value was a secret elsewhere, and is none that could be used here. */
export const isForeign = (value: unknown): boolean => typeof value === 'string' && foreign.test(value);

/** Every value of a document that was a secret elsewhere: it is kept as it is, and somebody must give it anew. */
export function foreignSecrets(document: YamlDocument): Diagnostic[] {
  return [...pathsTo(document.value, [])].map((path) => ({
    severity: 'warning' as const,
    code: 'secret.foreign' as const,
    message: `\`${path.join('.')}\` was sealed by another server, or taken out: it needs a new value.`,
    hint: 'Put it into a SECRET variable, and write ${var.NAME} here.',
    ...document.placeOf(path),
  }));
}

function* pathsTo(value: Json, path: Path): Generator<Path> {
  if (typeof value === 'string') {
    if (isForeign(value)) yield path;
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* pathsTo(item, [...path, index]);
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) yield* pathsTo(item, [...path, key]);
  }
}
