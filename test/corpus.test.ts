import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkBlueprintDocument } from '../src/blueprint/parse.ts';
import { isError } from '../src/core/diagnostic.ts';
import { isObject } from '../src/core/json.ts';
import { parseYaml } from '../src/lang/yaml.ts';
import { checkPipelineDocument } from '../src/pipeline/validate.ts';
import { rules } from './rules.ts';

/** Files that others wrote for the originals. They lie beside a checkout where somebody has put them, and are never part of it. */
const corpus = join(import.meta.dirname, '../../shared/corpus');
const skip = existsSync(corpus) ? false : 'there is no ../shared/corpus beside this checkout';

interface Read {
  file: string;
  errors: string[];
}

const errorsOf = (diagnostics: { severity: string; code: string; message: string }[]): string[] =>
  diagnostics.filter((one) => isError(one as never)).map(({ code, message }) => `${code} ${message}`);

const files = (folder: string): string[] => globSync(`${folder}/**/*.{yaml,yml}`, { cwd: corpus }).sort();

/** What was taken out of a file before it was handed on is no fault of its writer. */
const isRedacted = (text: string): boolean => /REDACTED/.test(text);

test('the pipelines of others are read, and what is wrong with them is theirs', { skip }, () => {
  const read: Read[] = files('codestream').flatMap((file) => {
    const text = readFileSync(join(corpus, file), 'utf8');
    if (isRedacted(text)) return [];
    return parseYaml(text).documents.flatMap((document) => {
      if (!isObject(document.value) || (document.value.stages === undefined && document.value.stageOrder === undefined))
        return [];
      return [{ file, errors: errorsOf(checkPipelineDocument(document, rules).diagnostics) }];
    });
  });
  const wrong = read.filter(({ errors }) => errors.length > 0);

  assert.ok(read.length > 0);
  assert.deepEqual(
    wrong.filter(({ errors }) =>
      errors.some((error) => !/binding\.|task\.unknown|stage\.unknown|task\.unknown-type/.test(error)),
    ),
    [],
  );
  assert.ok(wrong.length <= Math.max(1, read.length * 0.05), JSON.stringify(wrong, null, 1));
});

test('the blueprints of others are read, and what is wrong with them is theirs', { skip }, () => {
  const read: Read[] = files('blueprints').flatMap((file) => {
    const text = readFileSync(join(corpus, file), 'utf8');
    if (isRedacted(text)) return [];
    const { documents, diagnostics } = parseYaml(text);
    return documents.flatMap((document) => {
      if (!isObject(document.value) || !isObject(document.value.resources)) return [];
      return [{ file, errors: errorsOf([...diagnostics, ...checkBlueprintDocument(document).diagnostics]) }];
    });
  });
  const wrong = read.filter(({ errors }) => errors.length > 0);

  assert.ok(read.length > 0);
  assert.ok(wrong.length <= Math.max(1, read.length * 0.05), JSON.stringify(wrong, null, 1));
});
