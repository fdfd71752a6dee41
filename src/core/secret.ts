const hidden = '********';

/** Texts shorter than this are not masked: hiding every `1` in a log hides the log. */
const shortestMasked = 3;

/** A function that replaces each of the secrets, and each of their lines, by asterisks, wherever they stand in a text. */
export function masker(secrets: Iterable<string>): (text: string) => string {
  const parts = new Set<string>();
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split('\n').map((line) => line.trim())]) {
      if (part.length >= shortestMasked) parts.add(part).add(JSON.stringify(part).slice(1, -1));
    }
  }
  const longestFirst = [...parts].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((masked, part) => masked.replaceAll(part, hidden), text);
}

/** The same over every string inside a value; what holds nothing to mask is answered as it is. */
export function maskDeep<T>(value: T, mask: (text: string) => string): T {
  if (typeof value === 'string') return mask(value) as T;
  if (typeof value !== 'object' || value === null) return value;
  const masked: [string, unknown][] = [];
  for (const key of Object.keys(value)) {
    const after = maskDeep<unknown>(value[key as never], mask);
    if (after !== value[key as never]) masked.push([key, after]);
  }
  if (masked.length === 0) return value;
  if (Array.isArray(value)) return Object.assign([...value], Object.fromEntries(masked)) as T;
  return Object.fromEntries([...Object.entries(value), ...masked]) as T;
}

/** What stands in API answers for a value that is never given back. */
export const maskedValue = hidden;

/** Where sealed secrets stand inside a longer text. */
export const sealedInside = /\(\(secret:v1:[A-Za-z0-9+/=]+\)\)/g;

/** Sealed values are of no use to whoever reads them, and of some to whoever wants to open them. */
export const withoutSeals = <T>(value: T): T => maskDeep(value, (text) => text.replace(sealedInside, hidden));
