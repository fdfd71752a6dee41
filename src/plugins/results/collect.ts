import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import { filledText, text } from '../../sdk/fields.ts';
import { formatOf, readReports, resultFormats } from './formats.ts';

const mostReports = 500;
const mostBytes = 16 * 2 ** 20;
const mostBytesTogether = 4 * mostBytes;
const known = resultFormats.map(({ type }) => type).join(', ');

/** A file of the job's own directory; undefined where there is none. */
type ReadFile = (file: string) => Promise<string | undefined>;

/** One item of `process`. */
export const reportItem = z.looseObject({
  type: filledText(`What kind of report: ${known}.`).refine((word) => formatOf(word), {
    message: `it is no known kind of report; known are ${known}`,
  }),
  name: text('The word under which the figures are put out; the type when empty.').default(''),
  path: filledText('Where the reports lie: `*` stands for part of a name, `**/` for any directories.'),
});
type ReportItem = z.infer<typeof reportItem>;

/** Lines of shell that put the reports aside, in the directory of the job. */
export function collectReports(items: ReportItem[]): string[] {
  return items.map(({ path }, index) => {
    const own = `"$JOB/reports/${index}"`;
    const list = path.includes('**/')
      ? `find . -type f -path ${shellQuote(`./${path.replace(/^\.\//, '').replaceAll('**/', '*')}`)} | sort`
      : `for f in ${globWord(path)}; do if [ -f "$f" ]; then echo "$f"; fi; done`;
    const keep = `head -c ${mostBytes} "$f" > ${own}/$i; echo "$f" >> ${own}/list; i=$((i+1))`;
    return `mkdir -p ${own}; { ${list}; } | head -n ${mostReports} | { i=0; while IFS= read -r f; do ${keep}; done; }`;
  });
}

/** A path in which only the signs of patterns are more than themselves. */
const globWord = (path: string): string => path.replace(/[^\w*?[\]./-]/g, (sign) => `\\${sign}`);

/** What the reports say, by name, and one line about all of them. A report that cannot be read says why in `error`. */
export async function readCollected(
  read: ReadFile,
  items: ReportItem[],
): Promise<{ figures: JsonObject; sentence: string }> {
  const figures: JsonObject = {};
  const sentences: string[] = [];
  for (const [index, { type, name, path }] of items.entries()) {
    const format = formatOf(type)!;
    const files = await filesOf(read, index);
    const found =
      files === undefined
        ? { error: `the reports hold more than ${mostBytesTogether / 2 ** 20} MB` }
        : files.length === 0
          ? { error: `there is no file ${path}` }
          : readReports(format, files);
    figures[name || format.type] =
      'error' in found ? { type: format.type, error: found.error } : { type: format.type, ...found.figures };
    sentences.push(`${name || format.type}: ${'error' in found ? found.error : found.sentence}.`);
  }
  return { figures, sentence: sentences.join(' ') };
}

/** Undefined where they are more than a server should hold at once. */
async function filesOf(read: ReadFile, index: number): Promise<{ path: string; text: string }[] | undefined> {
  const paths = ((await read(`reports/${index}/list`)) ?? '').split('\n').filter(Boolean);
  const files: { path: string; text: string }[] = [];
  let together = 0;
  for (const [number, path] of paths.entries()) {
    const text = (await read(`reports/${index}/${number}`)) ?? '';
    together += text.length;
    if (together > mostBytesTogether) return undefined;
    files.push({ path, text });
  }
  return files;
}
