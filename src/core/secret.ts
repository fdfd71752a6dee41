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

/** The same over every string inside a value. */
export function maskDeep<T>(value: T, mask: (text: string) => string): T {
  if (typeof value === 'string') return mask(value) as T;
  if (Array.isArray(value)) return value.map((item) => maskDeep(item, mask)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskDeep(item, mask)])) as T;
}

/** What stands in API answers for a value that is never given back. */
export const maskedValue = hidden;

/** Where sealed secrets stand inside a longer text. */
export const sealedInside = /\(\(secret:v1:[A-Za-z0-9+/=]+\)\)/g;

/** Sealed values are of no use to whoever reads them, and of some to whoever wants to open them. */
export const withoutSeals = <T>(value: T): T => maskDeep(value, (text) => text.replace(sealedInside, hidden));
