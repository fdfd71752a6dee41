import { descendants, type XmlElement } from '../../lang/xml.ts';
import { counted, mostNamed, type ResultFormat } from './format.ts';

const priorities = ['high', 'normal', 'low'];

/** FindBugs, and SpotBugs that took its place: `BugInstance` elements with a priority from 1. */
export const findbugs: ResultFormat = {
  type: 'FindBugs',
  summary: 'Likely bugs; SpotBugs writes the same.',
  roots: ['BugCollection'],
  figures: {
    bugs: 'How many were found.',
    high: 'Of priority 1.',
    normal: 'Of priority 2.',
    low: 'Of priority 3 and below.',
    found: `The first ${mostNamed}: \`{priority, type, category, where}\`.`,
  },
  read(reports) {
    const bugs = reports.flatMap((report) => descendants(report, 'BugInstance'));
    const having = (wanted: string) => bugs.filter((bug) => priorityOf(bug) === wanted).length;
    const found = bugs.slice(0, mostNamed).map((bug) => ({
      priority: priorityOf(bug),
      type: bug.attributes.type ?? '',
      category: bug.attributes.category ?? '',
      where: whereOf(bug),
    }));
    const [high, normal, low] = [having('high'), having('normal'), having('low')];
    return {
      figures: { bugs: bugs.length, high, normal, low, found },
      sentence: `${counted(bugs.length, 'bug')}, ${high} of high priority`,
    };
  },
};

const priorityOf = ({ attributes }: XmlElement): string =>
  priorities[Math.min(3, Math.max(1, Number(attributes.priority) || 3)) - 1]!;

function whereOf(bug: XmlElement): string {
  const [place] = descendants(bug, 'SourceLine');
  const { sourcepath, classname, start } = place?.attributes ?? {};
  return [sourcepath ?? classname ?? '', start].filter(Boolean).join(':');
}
