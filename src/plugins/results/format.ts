import type { JsonObject } from '../../core/json.ts';
import type { XmlElement } from '../../lang/xml.ts';

/** What a report says: figures that bindings read, and one line for people. */
export interface Findings {
  figures: JsonObject;
  sentence: string;
}

/** A kind of report that build tools write: one value, and one line in the list of formats. */
export interface ResultFormat {
  /** The word in `process: [{type: ...}]`, in any case. */
  type: string;
  summary: string;
  /** Names of root elements: a report of something else is refused. */
  roots: string[];
  /** The figures, and what they mean. */
  figures: Record<string, string>;
  /** Several reports, such as one for each module, count as one. */
  read(reports: XmlElement[]): Findings;
}

/** Long lists help nobody: the report itself is the place to look further. */
export const mostNamed = 20;

/** `2 warnings`, `1 warning`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
