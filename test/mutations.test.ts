import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyLand, planChanges } from '../src/blueprint/changes.ts';
import { checkBlueprint } from '../src/blueprint/parse.ts';
import type { Diagnostic } from '../src/core/diagnostic.ts';
import { checkPipeline } from '../src/pipeline/validate.ts';
import { readCloudConfig } from '../src/plugins/clouds/local/cloud-config.ts';
import { titoText, zones } from './blueprints.ts';
import { rules } from './rules.ts';

const pipeline = readFileSync(join(import.meta.dirname, '../examples/tito/pipeline.yaml'), 'utf8');
const pieces = [
  '${',
  '}',
  '[',
  ']',
  '{',
  ': ',
  '- ',
  '\n',
  '\t',
  '"',
  "'",
  '&a',
  '*a',
  '<<: ',
  '!!',
  '|',
  '%',
  '\u0000',
  '😀',
  '()',
  '=>',
  '-1',
  'null',
  '__proto__',
];

/** The same numbers from 0 up to 1 each time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** A text after a few accidents: pieces lost, doubled or put in. */
function mutated(text: string, roll: () => number): string {
  let result = text;
  for (let n = 0; n < 1 + roll() * 4; n++) {
    const at = Math.floor(roll() * result.length);
    const length = Math.floor(roll() * 40);
    const choice = roll();
    const middle =
      choice < 0.4
        ? ''
        : choice < 0.6
          ? result.slice(at, at + length).repeat(2)
          : pieces[Math.floor(roll() * pieces.length)]!;
    result = result.slice(0, at) + middle + result.slice(choice < 0.6 ? at + length : at);
  }
  return result;
}

const inPlace = (text: string, diagnostics: Diagnostic[]): void => {
  const lines = text.split('\n').length;
  for (const { line, column, message } of diagnostics) {
    assert.ok(line >= 1 && line <= lines + 1 && column >= 1, `${line}:${column} of ${lines} lines: ${message}`);
    assert.ok(message.length > 0);
  }
};

test('a pipeline after any accident is read or refused with a place, and never throws', () => {
  const roll = dice(1);
  for (let n = 0; n < 300; n++) {
    const text = mutated(pipeline, roll);
    inPlace(text, checkPipeline(text, rules).diagnostics);
  }
});

test('a blueprint after any accident is read, planned or refused with a reason, and never throws', () => {
  const roll = dice(2);
  for (let n = 0; n < 300; n++) {
    const text = mutated(titoText, roll);
    const { blueprint, diagnostics } = checkBlueprint(text);
    inPlace(text, diagnostics);
    if (!blueprint || diagnostics.some(({ severity }) => severity === 'error')) continue;
    const request = {
      request: 'r',
      kind: 'CREATE' as const,
      blueprint,
      blueprintName: 'B',
      inputs: {},
      requestedBy: '',
      requestedAt: '',
    };
    planChanges(request, null, emptyLand(zones));
  }
});

test('a cloud configuration after any accident is read or refused with a place, and never throws', () => {
  const text =
    '#cloud-config\npackages: [git]\nusers:\n  - name: ci\n    plain_text_passwd: x\nwrite_files:\n  - path: /a\n    content: |\n      b\nruncmd:\n  - [echo, hi]\n';
  const roll = dice(3);
  for (let n = 0; n < 500; n++) {
    const accident = mutated(text, roll);
    inPlace(accident, readCloudConfig(accident, { packages: ['git'] }).diagnostics);
  }
});
