import { messageOf } from '../../core/error.ts';
import { parseXml, type XmlElement, XmlError } from '../../lang/xml.ts';
import { checkstyle } from './checkstyle.ts';
import { findbugs } from './findbugs.ts';
import type { Findings, ResultFormat } from './format.ts';
import { jacoco } from './jacoco.ts';
import { junit } from './junit.ts';

/** Every kind of report that is understood. */
export const resultFormats: readonly ResultFormat[] = [junit, jacoco, checkstyle, findbugs];

/** The format that a word means, in any case; SpotBugs writes what FindBugs wrote. */
export const formatOf = (word: string): ResultFormat | undefined =>
  resultFormats.find(({ type }) => type.toLowerCase() === word.toLowerCase().replace(/^spotbugs$/, 'findbugs'));

/** What reports of one format say together. A broken one is no report: its place is named, and nothing is counted. */
export function readReports(
  format: ResultFormat,
  files: { path: string; text: string }[],
): Findings | { error: string } {
  const reports: XmlElement[] = [];
  for (const { path, text } of files) {
    try {
      const report = parseXml(text);
      if (!format.roots.includes(report.name))
        return { error: `${path} is no report of ${format.type}: its root is <${report.name}>` };
      reports.push(report);
    } catch (thrown) {
      const place = thrown instanceof XmlError ? `:${thrown.line}:${thrown.column}` : '';
      return { error: `${path}${place}: ${messageOf(thrown)}` };
    }
  }
  return format.read(reports);
}
