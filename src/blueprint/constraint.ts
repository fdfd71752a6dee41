import type { Tag } from './model.ts';

/** `[!]key[:value][:hard|:soft]`: hard unless it says soft. */
export interface Constraint {
  tag: Tag;
  /** Its tag as one word, to look it up by. */
  mark: string;
  mustNot: boolean;
  hard: boolean;
  /** As it was written. */
  text: string;
}

/** Undefined where the text has not the form of a constraint (`a:b:c`), which the original drops too. */
export function parseConstraint(text: string): Constraint | undefined {
  const parts = /^(!)?([^:]+?)(?::([^:]*?))?(?::(hard|soft))?$/i.exec(text.trim());
  if (!parts) return undefined;
  const [, not, key, value = '', strength] = parts;
  if (!strength && /^(hard|soft)$/i.test(value)) {
    return {
      ...tagged(key!, ''),
      mustNot: not === '!',
      hard: value.toLowerCase() === 'hard',
      text,
    };
  }
  return { ...tagged(key!, value), mustNot: not === '!', hard: strength?.toLowerCase() !== 'soft', text };
}

const tagged = (key: string, value: string) => ({ tag: { key, value }, mark: markOf({ key, value }) });

/** Two tags are the same where their marks are. */
export const markOf = ({ key, value }: Tag): string => `${key}:${value}`;

/** `key:value` or `key` as a tag. */
export function parseTag(text: string): Tag {
  const colon = text.indexOf(':');
  return colon < 0 ? { key: text, value: '' } : { key: text.slice(0, colon), value: text.slice(colon + 1) };
}

export const formatTag = ({ key, value }: Tag): string => (value ? `${key}:${value}` : key);
