import { hash } from 'node:crypto';

/** A name for directories and containers that follows from a longer one. */
export const shortHash = (text: string): string => hash('sha256', text).slice(0, 16);
