import { z } from 'zod';
import { javaMatches, patternFault } from '../../lang/java.ts';
import { flag } from '../../sdk/fields.ts';

const filter = z
  .object({
    type: z
      .preprocess((value) => String(value).toUpperCase(), z.enum(['PLAIN', 'REGEX']))
      .describe('A path as it is, or a pattern in the syntax of Java.'),
    value: z.string().describe('The path or pattern.'),
  })
  .refine(({ type, value }) => type === 'PLAIN' || patternFault(value) === undefined, 'the pattern cannot be read');

/** Which changed files count, as every trigger that knows of files has it. */
export const fileFilters = {
  inclusions: z
    .array(filter)
    .describe('At least one changed file must match one of these, where there are any.')
    .default([]),
  exclusions: z.array(filter).describe('Files that do not count.').default([]),
  prioritizeExclusion: flag('Any excluded file stops the run.').default(false),
};

type Filter = z.infer<typeof filter>;

/** Why these files fire nothing; undefined where they do, and where none are known. */
export function fileReason(
  files: string[],
  wanted: { inclusions: Filter[]; exclusions: Filter[]; prioritizeExclusion: boolean },
): string | undefined {
  const { inclusions, exclusions, prioritizeExclusion } = wanted;
  if (files.length === 0) return undefined;
  const matches = (file: string, { type, value }: Filter) =>
    type === 'PLAIN'
      ? file === value || file.startsWith(value.endsWith('/') ? value : `${value}/`)
      : javaMatches(value, file);
  const isIn = (file: string) => inclusions.some((one) => matches(file, one));
  const isOut = (file: string) => exclusions.some((one) => matches(file, one));
  const excluded = files.find(isOut);
  if (prioritizeExclusion && excluded) return `The changed file ${excluded} is excluded.`;
  if (inclusions.length > 0 && !files.some(isIn)) return 'No changed file is included.';
  if (inclusions.length === 0 && files.every(isOut)) return 'All changed files are excluded.';
  return undefined;
}
