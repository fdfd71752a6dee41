import { descendants } from '../../lang/xml.ts';
import { counted, mostNamed, type ResultFormat } from './format.ts';

/** Checkstyle: `error` elements in `file` elements; the form of many linters of other languages, too. */
export const checkstyle: ResultFormat = {
  type: 'Checkstyle',
  summary: 'Faults of style.',
  roots: ['checkstyle'],
  figures: {
    files: 'How many files were looked at.',
    errors: 'Findings of severity `error`.',
    warnings: 'Findings of severity `warning`.',
    infos: 'Findings of severity `info`.',
    found: `The first ${mostNamed}: \`{severity, file, line, message}\`.`,
  },
  read(reports) {
    const files = reports.flatMap((report) => descendants(report, 'file'));
    const found = files.flatMap((file) =>
      descendants(file, 'error').map(({ attributes }) => ({
        severity: attributes.severity ?? 'error',
        file: file.attributes.name ?? '',
        line: Number(attributes.line) || 0,
        message: attributes.message ?? '',
      })),
    );
    const having = (wanted: string) => found.filter(({ severity }) => severity === wanted).length;
    const [errors, warnings, infos] = [having('error'), having('warning'), having('info')];
    return {
      figures: { files: files.length, errors, warnings, infos, found: found.slice(0, mostNamed) },
      sentence: `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`,
    };
  },
};
