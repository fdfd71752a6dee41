import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipelineOf } from '../../test/pipelines.ts';
import { MillraceError } from '../core/error.ts';
import { bindInputs } from './start.ts';

const pipeline = pipelineOf(
  '{name: P, input: {branch: main, key: ""}, _inputMeta: {key: {mandatory: true, description: ""}}}',
);

test('what is given stands over the defaults, and unknown inputs are kept', () => {
  assert.deepEqual(bindInputs(pipeline, { key: 'k', GIT_COMMIT_ID: 'abc' }), {
    branch: 'main',
    key: 'k',
    GIT_COMMIT_ID: 'abc',
  });
});

test('a mandatory input without a value is refused, with a guess at a misspelling', () => {
  assert.throws(
    () => bindInputs(pipeline, { kez: 'k' }),
    (thrown) =>
      thrown instanceof MillraceError &&
      thrown.code === 'input.invalid' &&
      /key/.test(thrown.message) &&
      /Was kez meant/.test(thrown.hint ?? ''),
  );
});
