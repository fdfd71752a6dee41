import { createHash } from 'node:crypto';

/** A name for directories and containers that follows from a longer one. */
export const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
