import { hash } from 'node:crypto';

/** A UUID that is always the same for the same key: asking twice finds the first one's work. */
export function idOfKey(key: string): string {
  const hex = hash('sha256', key);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
