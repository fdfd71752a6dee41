import { descendants, type XmlElement } from '../../lang/xml.ts';
import { counted, mostNamed, type ResultFormat } from './format.ts';

/** JUnit: `testcase` elements in suites of any depth, as Maven, Gradle, pytest, Jest and many others write them. */
export const junit: ResultFormat = {
  type: 'JUnit',
  summary: 'Test results.',
  roots: ['testsuites', 'testsuite'],
  figures: {
    tests: 'How many tests there were.',
    failures: 'Of these, how many found what they should not.',
    errors: 'How many broke.',
    skipped: 'How many were left out.',
    seconds: 'How long they took.',
    failed: `The first ${mostNamed} that failed or broke: \`{name, message}\`.`,
  },
  read(reports) {
    const cases = reports.flatMap((report) => descendants(report, 'testcase'));
    const having = (what: string) => cases.filter(({ children }) => children.some(({ name }) => name === what));
    const [failures, errors, skipped] = [having('failure'), having('error'), having('skipped')];
    const failed = cases.filter((one) => failures.includes(one) || errors.includes(one));
    const seconds = cases.reduce((sum, { attributes }) => sum + (Number(attributes.time) || 0), 0);
    const bad = failures.length + errors.length;
    const names = failed.slice(0, 3).map(nameOf).join(', ');
    return {
      figures: {
        tests: cases.length,
        failures: failures.length,
        errors: errors.length,
        skipped: skipped.length,
        seconds: Math.round(seconds * 1000) / 1000,
        failed: failed.slice(0, mostNamed).map((one) => ({ name: nameOf(one), message: messageOf(one) })),
      },
      sentence: `${counted(cases.length, 'test')}, ${bad} failed${bad > 0 ? ` (${names}${bad > 3 ? ', ...' : ''})` : ''}`,
    };
  },
};

const nameOf = ({ attributes: { classname, name } }: XmlElement): string => [classname, name].filter(Boolean).join('.');

function messageOf({ children }: XmlElement): string {
  const why = children.find(({ name }) => name === 'failure' || name === 'error');
  return (why?.attributes.message || why?.text.split('\n')[0] || '').slice(0, 500);
}
