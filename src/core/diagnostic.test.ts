import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostic, nearest } from './diagnostic.ts';

test('a diagnostic is one line that an editor can follow, with the hint below it', () => {
  const text = formatDiagnostic('tito.yaml', {
    severity: 'error',
    code: 'task.unknown-type',
    message: 'Task Build.Deploy has the unknown type Blueprnt.',
    hint: 'Did you mean Blueprint?',
    line: 12,
    column: 7,
  });

  assert.equal(
    text,
    'tito.yaml:12:7: error: Task Build.Deploy has the unknown type Blueprnt.\n    Did you mean Blueprint? [task.unknown-type]',
  );
});

test('the nearest word is found over a misspelling, and none over a different word', () => {
  const types = ['Blueprint', 'POLL', 'REST', 'SSH', 'UserOperation'];

  assert.equal(nearest('Bluprint', types), 'Blueprint');
  assert.equal(nearest('useroperation', types), 'UserOperation');
  assert.equal(nearest('Terraform', types), undefined);
  assert.equal(nearest('', types), undefined);
});
