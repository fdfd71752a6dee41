/** A point in time: milliseconds since 1970-01-01T00:00:00Z. Always an argument, never read from a clock below floor 4. */
export type Instant = number;

/** What the outside world gives to pure code: the time and a source of new ids. */
export interface Moment {
  readonly now: Instant;
  /** A fresh UUID at each call. */
  readonly newId: () => string;
}

/** The originals' API counts in microseconds. */
export const toMicros = (at: Instant): number => at * 1000;

export const toIso = (at: Instant): string => new Date(at).toISOString();
