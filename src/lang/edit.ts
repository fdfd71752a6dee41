import { isMap, isScalar, type Node, parseAllDocuments } from 'yaml';
import type { Json } from '../core/json.ts';

/**
 * Sets keys at the top of the first document of a text, and leaves every other byte as it is. A key that is missing comes before the
 * first one. Undefined where the text is no block map, so that nothing can be set this way.
 */
export function withKeys(text: string, wanted: Record<string, Json>): string | undefined {
  const [document] = parseAllDocuments(text, { strict: false, uniqueKeys: false, logLevel: 'silent' });
  const map = document && 'contents' in document ? document.contents : undefined;
  if (!isMap(map) || map.flow || !map.range) return undefined;
  const edits: { from: number; to: number; with: string }[] = [];
  const missing: string[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const written = JSON.stringify(value);
    const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
    const [keyNode, node] = [pair?.key as Node | undefined, pair?.value as Node | null | undefined];
    if (!keyNode?.range) missing.push(`${key}: ${written}\n`);
    else {
      const colon = text.indexOf(':', keyNode.range[1]) + 1;
      const isThere = node?.range && node.range[1] > node.range[0];
      // What begins on a line of its own comes up beside its key.
      const isBelow = isThere && text.slice(colon, node.range![0]).includes('\n');
      if (!isThere) edits.push({ from: colon, to: colon, with: ` ${written}` });
      else if (isBelow) edits.push({ from: colon, to: endOf(text, node.range![1]), with: ` ${written}` });
      else edits.push({ from: node.range![0], to: endOf(text, node.range![1]), with: written });
    }
  }
  if (missing.length > 0) edits.push({ from: map.range[0], to: map.range[0], with: missing.join('') });
  return edits
    .sort((a, b) => b.from - a.from)
    .reduce((changed, edit) => changed.slice(0, edit.from) + edit.with + changed.slice(edit.to), text);
}

/** A block ends behind the line break that closes its last line; that belongs to what follows. */
const endOf = (text: string, end: number): number => end - (/\r?\n?$/.exec(text.slice(0, end))?.[0].length ?? 0);
