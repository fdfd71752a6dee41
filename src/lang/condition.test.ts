import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, type Json } from '../core/json.ts';
import { parseCondition } from './condition.ts';
import { ExpressionError } from './tokens.ts';

const run = {
  input: { branch: 'main', count: '10', flag: 'true' },
  Test: { Load: { output: { p95: 280, errors: null } } },
};

function holds(condition: string, fields?: Json): boolean {
  return parseCondition(condition).holds((path) => at(run as unknown as Json, path as (string | number)[]), fields);
}

test('conditions compare what a run knows', () => {
  assert.ok(holds('${input.branch} == "main"'));
  assert.ok(holds('${input.branch} != "dev" && ${Test.Load.output.p95} > 200'));
  assert.ok(!holds('${Test.Load.output.p95} <= 200 || !(${input.branch} == "main")'));
});

test('values that both look like numbers compare as numbers', () => {
  assert.ok(holds('${input.count} > 9'));
  assert.ok(holds('${input.count} == "10"'));
  assert.ok(holds('"b" > "a"'));
});

test('&& binds tighter than ||, and brackets bind tightest', () => {
  assert.ok(holds('"a" == "a" || "a" == "b" && "a" == "b"'));
  assert.ok(!holds('("a" == "a" || "a" == "b") && "a" == "b"'));
});

test('a text holding only true is true, anything else is not', () => {
  assert.ok(holds('${input.flag}'));
  assert.ok(holds('"TRUE"'));
  assert.ok(!holds('${input.branch}'));
});

test('what is not known is null: equal to null and to nothing else, neither less nor greater', () => {
  assert.ok(holds('${Test.Load.output.errors} == null'));
  assert.ok(holds('${Nothing.Here.output.x} != "main"'));
  assert.ok(!holds('${Test.Load.output.errors} < 5'));
  assert.ok(!holds('${Test.Load.output.errors} >= 5'));
});

test('bare names and unknown bindings look into the answer of a POLL', () => {
  const answer = { status: 'FINISHED', items: [{ ok: true }] };

  assert.ok(holds('status == "FINISHED"', answer));
  assert.ok(holds('${status} == "FINISHED"', answer));
  assert.ok(holds('items[0].ok', answer));
});

test('a binding inside a text is filled in', () => {
  assert.ok(holds('"${input.branch}" == "main"'));
  assert.ok(holds('"refs/heads/${input.branch}" == "refs/heads/main"'));
});

test('a condition that cannot be read names the character that is wrong', () => {
  for (const [text, place] of [
    ['${a} == ', 8],
    ['${a} = 1', 5],
    ['(${a} == 1', 10],
    ['${a} == "x', 8],
    ['', 0],
  ] as const) {
    assert.throws(
      () => parseCondition(text),
      (thrown) => thrown instanceof ExpressionError && thrown.at === place,
      text,
    );
  }
});

test('functions and lists are refused, since the original would never find them true', () => {
  assert.throws(() => parseCondition('length("a") == 1'), ExpressionError);
  assert.throws(() => parseCondition('[1] == 1'), ExpressionError);
});

test('a condition tells which bindings it needs', () => {
  assert.deepEqual(parseCondition('${a.b} == "${c.d}"').bindings, ['a.b', 'c.d']);
});

test('what can hold in no run is told, and nothing that might', () => {
  const why = (text: string) => parseCondition(text).contradiction;
  assert.equal(why('false'), 'it is false whatever happens');
  assert.equal(why('"a" == "b"'), 'it is false whatever happens');
  assert.equal(why('"${input.x}" == "a" && ${input.x} == \'b\''), '${input.x} cannot be "a" and "b" at once');
  assert.equal(why('(${input.x} == "a" && "b" == ${input.x}) || false'), '${input.x} cannot be "a" and "b" at once');
  for (const text of [
    'true',
    '${input.x} == "a" || ${input.x} == "b"',
    '${input.x} == "1" && ${input.x} == "1.0"',
    '${input.x} == "a" && ${input.y} == "b"',
    '${S.T.output.n} > 0 && ${S.T.output.n} == 5',
    '"${X.Y.output.exitCode}" == "null"',
    '!(${input.x} == "a") && ${input.x} == "b"',
  ])
    assert.equal(why(text), undefined, text);
});
