import type { Tag } from './model.ts';

/** `[!]key[:value][:hard|:soft]`: hard unless it says soft. */
export interface Constraint {
  tag: Tag;
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
      tag: { key: key!, value: '' },
      mustNot: not === '!',
      hard: value.toLowerCase() === 'hard',
      text,
    };
  }
  return { tag: { key: key!, value }, mustNot: not === '!', hard: strength?.toLowerCase() !== 'soft', text };
}

/** Met when the tags hold exactly this key and value; no value means the empty one, not any. `!` turns it round. */
export const isMet = (constraint: Constraint, tags: readonly Tag[]): boolean =>
  tags.some(({ key, value }) => key === constraint.tag.key && value === constraint.tag.value) !== constraint.mustNot;

/** `key:value` or `key` as a tag. */
export function parseTag(text: string): Tag {
  const colon = text.indexOf(':');
  return colon < 0 ? { key: text, value: '' } : { key: text.slice(0, colon), value: text.slice(colon + 1) };
}

export const formatTag = ({ key, value }: Tag): string => (value ? `${key}:${value}` : key);
