import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { checkBlueprintDocument } from '../../blueprint/parse.ts';
import { type Diagnostic, emptyFile, formatDiagnostic, isError, nearest } from '../../core/diagnostic.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type Json } from '../../core/json.ts';
import { foreignSecrets } from '../../lang/foreign-secrets.ts';
import { kindOf } from '../../lang/kind.ts';
import { parseYaml, type YamlDocument } from '../../lang/yaml.ts';
import { checkPipelineDocument } from '../../pipeline/validate.ts';
import type { Catalogue } from '../../sdk/catalogue.ts';
import { taskRules } from '../../sdk/rules.ts';
import { type OutputFormat, outputOption, paints, print } from '../output.ts';
import type { CliParts, ExitCode } from '../program.ts';

interface FileReport {
  path: string;
  kind: string;
  valid: boolean;
  diagnostics: Diagnostic[];
}

export const validateCommand = ({ catalogue }: CliParts, done: (code: ExitCode) => void): Command =>
  new Command('validate')
    .description('Check pipelines, blueprints and other definitions, without a server.')
    .argument('<paths...>', 'files or directories')
    .addOption(outputOption())
    .action((paths: string[], { output }: { output: OutputFormat }) => {
      const files = paths.flatMap(filesIn).map((path) => validateFile(path, catalogue));
      const valid = files.filter((file) => file.valid).length;
      const summary = { files: files.length, valid, invalid: files.length - valid };
      print(output, { files, summary } as unknown as Json, () => asText(files, summary));
      done(summary.invalid === 0 ? 0 : 1);
    });

function filesIn(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
  } catch (cause) {
    throw new MillraceError('not.found', { message: `There is no file or directory ${path}.`, cause });
  }
  return globSync(['**/*.yaml', '**/*.yml', '**/*.abx'], { cwd: path, exclude: ['**/node_modules/**'] })
    .sort()
    .map((name) => join(path, name));
}

/** What a file holds, and everything worth saying about it. */
export function validateFile(path: string, catalogue: Catalogue): FileReport {
  const types = taskRules(catalogue);
  const { documents, diagnostics } = parseYaml(readFileSync(path, 'utf8'));
  const found = [...diagnostics];
  const kinds = documents.map((document) => {
    const kind = kindOf(document.value);
    if (kind === 'PIPELINE') found.push(...checkPipelineDocument(document, types).diagnostics);
    if (kind === 'ENDPOINT' || kind === 'VARIABLE')
      found.push(...foreignSecrets(document), ...typeFaults(kind, document, catalogue));
    found.push(...triggerFaults(kind, document, catalogue));
    if (kind === 'BLUEPRINT') found.push(...checkBlueprintDocument(document).diagnostics);
    if (kind === 'unknown')
      found.push({
        severity: 'error',
        code: 'file.unknown-kind',
        message: 'This is no definition that Millrace knows.',
        hint: 'Pipelines have `stages`, blueprints `resources`; others name their `kind`.',
        line: 1,
        column: 1,
      });
    return kind;
  });
  if (documents.length === 0 && diagnostics.length === 0) found.push(emptyFile);
  return {
    path,
    kind: [...new Set(kinds)].join(', ') || 'unknown',
    valid: !found.some(isError),
    diagnostics: found,
  };
}

/** An endpoint or a variable of a type that there is not. */
function typeFaults(kind: string, document: YamlDocument, { endpoints }: Catalogue): Diagnostic[] {
  const written = isObject(document.value) ? String(document.value.type ?? '') : '';
  const type = kind === 'VARIABLE' ? (written || 'REGULAR').toUpperCase() : written.split(':').at(-1)!;
  const known = kind === 'VARIABLE' ? ['REGULAR', 'SECRET', 'RESTRICTED'] : endpoints.map((one) => one.type);
  if (known.includes(type)) return [];
  const close = nearest(type, known);
  return [
    {
      severity: 'error',
      code: kind === 'VARIABLE' ? 'variable.unknown-type' : 'endpoint.unknown-type',
      message: `The ${kind.toLowerCase()} has the unknown type ${written || '(none)'}.`,
      hint: close ? `Did you mean ${close}?` : `Known: ${known.join(', ')}.`,
      ...document.placeOf(['type']),
    },
  ];
}

/** What is wrong about something that starts pipelines, at its place. */
function triggerFaults(kind: string, document: YamlDocument, { triggers, streams }: Catalogue): Diagnostic[] {
  const word = kind.toLowerCase().replaceAll('_', '-').replace('docker-', 'registry-');
  const config = [...triggers, ...streams].find(({ words }) => words.kind === word)?.config;
  const issues = config?.safeParse(document.value).error?.issues ?? [];
  return issues.map(({ path, message }) => ({
    severity: 'error',
    code: 'trigger.invalid',
    message: `\`${path.join('.')}\`: ${message}.`,
    ...document.placeOf(path as (string | number)[]),
  }));
}

function asText(files: FileReport[], { files: count, invalid }: { files: number; invalid: number }): string {
  const lines = files.flatMap(({ path, kind, valid, diagnostics }) => [
    `${valid ? paints.good('✔') : paints.bad('✘')} ${path} ${paints.dim(`(${kind})`)}`,
    ...diagnostics.map((diagnostic) => `  ${formatDiagnostic(path, diagnostic)}`),
  ]);
  const counted = count === 1 ? '1 file' : `${count} files`;
  return [...lines, '', invalid === 0 ? `${counted}, all valid.` : `${counted}, ${invalid} invalid.`].join('\n');
}
