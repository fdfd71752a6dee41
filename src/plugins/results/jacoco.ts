import type { JsonObject } from '../../core/json.ts';
import type { XmlElement } from '../../lang/xml.ts';
import type { ResultFormat } from './format.ts';

const measures = ['instruction', 'branch', 'line', 'complexity', 'method', 'class'];

/** JaCoCo: the counters of the whole report, which are children of its root. */
export const jacoco: ResultFormat = {
  type: 'JaCoCo',
  summary: 'Test coverage.',
  roots: ['report'],
  figures: Object.fromEntries(
    measures.map((measure) => [measure, `\`{covered, missed, percent}\`; percent is null where there is none.`]),
  ),
  read(reports) {
    const figures = Object.fromEntries(measures.map((measure) => [measure, coverage(reports, measure)]));
    const { line } = figures;
    return {
      figures,
      sentence: line?.percent === null ? 'no lines to cover' : `${line?.percent} % of lines covered`,
    };
  },
};

function coverage(reports: XmlElement[], measure: string): JsonObject {
  const counters = reports
    .flatMap(({ children }) => children)
    .filter(({ name, attributes }) => name === 'counter' && attributes.type === measure.toUpperCase());
  const sum = (what: string) => counters.reduce((all, { attributes }) => all + (Number(attributes[what]) || 0), 0);
  const [covered, missed] = [sum('covered'), sum('missed')];
  const percent = covered + missed === 0 ? null : Math.round((covered / (covered + missed)) * 1000) / 10;
  return { covered, missed, percent };
}
