export type Severity = 'error' | 'warning' | 'info';

/** A place in a text, counted from 1, as editors do. */
export interface Place {
  line: number;
  column: number;
}

/** One thing worth saying about a text somebody wrote: what, where, and what to do about it. */
export interface Diagnostic extends Place {
  severity: Severity;
  /** Stable, dotted: `task.unknown-type`. */
  code: string;
  message: string;
  hint?: string;
}

export const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === 'error';

/** `file:line:column: error: message (hint)`: the form that editors make clickable. */
export function formatDiagnostic(file: string, diagnostic: Diagnostic): string {
  const { line, column, severity, message, hint, code } = diagnostic;
  return `${file}:${line}:${column}: ${severity}: ${message}${hint ? `\n    ${hint}` : ''} [${code}]`;
}

/** The candidate closest to a misspelt word, if one is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= Math.max(1, word.length / 3) && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
