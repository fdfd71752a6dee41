import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pages } from '../scripts/reference.ts';
import { operations } from '../src/api/operations.ts';
import { pipelineKeys, stageKeys, taskKeys } from '../src/pipeline/parse.ts';
import { checkPipeline } from '../src/pipeline/validate.ts';
import { everything, rules } from './rules.ts';

const directory = join(import.meta.dirname, '../docs/reference');

test('the reference pages say what the definitions say; `npm run docs` writes them anew', () => {
  const made = pages();

  assert.deepEqual(readdirSync(directory).sort(), Object.keys(made).sort());
  for (const [name, text] of Object.entries(made))
    assert.equal(readFileSync(join(directory, name), 'utf8'), text, name);
});

test('every definition says what it is, and every key what it means', () => {
  const { tasks, endpoints, triggers, notifiers, metricSinks } = everything;
  for (const { type, title, summary } of [...tasks, ...endpoints, ...triggers, ...notifiers, ...metricSinks])
    assert.ok(title && summary.endsWith('.'), type);
  const pagesWithoutMeaning = Object.entries(pages()).filter(([, text]) => / \| *\| *\|$|\| *\|$/m.test(text));
  assert.deepEqual(
    pagesWithoutMeaning.map(([name]) => name),
    [],
  );
});

test('every example of a task is a good task', () => {
  for (const { type, examples } of everything.tasks) {
    assert.ok(examples.length > 0, type);
    for (const { title, yaml } of examples) {
      const text = `name: P\nstages:\n  Other:\n    tasks:\n      Here:\n${yaml.replace(/^/gm, '        ')}`;
      const errors = checkPipeline(text, rules).diagnostics.filter(
        ({ severity, code }) => severity === 'error' && !code.startsWith('binding.'),
      );
      assert.deepEqual(errors, [], `${type}: ${title}`);
    }
  }
});

test('every operation says what it does, has a permission and an id of its own', () => {
  assert.equal(new Set(operations.map(({ id }) => id)).size, operations.length);
  for (const { id, summary } of operations) assert.ok(summary.endsWith('.'), id);
});

test('the page for those who come from Code Stream tells of every key and every type of task that is read', () => {
  const page = readFileSync(join(directory, '../code-stream.md'), 'utf8');
  const [pipeline = '', task = ''] = page.split('A task:');
  for (const key of [...pipelineKeys, ...stageKeys.filter((one) => one !== 'description' && one !== 'tags')])
    assert.ok(pipeline.includes(`\`${key}\``), key);
  for (const key of taskKeys.filter((one) => one !== 'millrace')) assert.ok(task.includes(`\`${key}\``), key);
});
