import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../core/error.ts';
import { parseFilter, parseOrder } from './filter.ts';

const records = [
  { name: 'Tito', status: 'FAILED', project: 'a', nested: false, index: 1, meta: { owner: "O'Hara" } },
  { name: 'Release', status: 'COMPLETED', project: 'a', nested: true, index: 2, meta: { owner: 'ann' } },
  { name: 'Titan', status: 'COMPLETED', project: 'b', nested: false, index: 3, meta: { owner: 'bob' } },
];
const found = (filter: string): string[] => records.filter(parseFilter(filter)).map(({ name }) => name);

test('records are found by what clients of the originals send', () => {
  assert.deepEqual(found("name eq 'Tito'"), ['Tito']);
  assert.deepEqual(found("((project eq 'a') and (status eq 'COMPLETED'))"), ['Release']);
  assert.deepEqual(found("status ne 'COMPLETED' or project eq 'b'"), ['Tito', 'Titan']);
  assert.deepEqual(found("startswith(name,'Tit')"), ['Tito', 'Titan']);
  assert.deepEqual(found("endswith(name,'o') eq true"), ['Tito']);
  assert.deepEqual(found("substringof('lea',tolower(name))"), ['Release']);
  assert.deepEqual(found("toupper(name) eq 'TITO'"), ['Tito']);
  assert.deepEqual(found("nested eq 'false' and index eq 3"), ['Titan']);
  assert.deepEqual(found("name eq 'Tit*'"), ['Tito', 'Titan']);
});

test('a quote in a text is doubled, and a path leads inside', () => {
  assert.deepEqual(found("meta.owner eq 'O''Hara'"), ['Tito']);
  assert.deepEqual(found("meta/owner eq 'ann'"), ['Release']);
});

test('and binds tighter than or', () => {
  assert.deepEqual(found("name eq 'Tito' or name eq 'Titan' and project eq 'a'"), ['Tito']);
});

test('sizes, lists and negations are understood', () => {
  assert.deepEqual(found('index gt 1 and index le 3'), ['Release', 'Titan']);
  assert.deepEqual(found("index ge '2'"), ['Release', 'Titan']);
  assert.deepEqual(found("not (project eq 'a')"), ['Titan']);
  assert.deepEqual(found("status in ('FAILED', 'CANCELED')"), ['Tito']);
  assert.deepEqual(found("contains(concat(name, status), 'oFAIL')"), ['Tito']);
  assert.deepEqual(found('length(name) lt 5'), ['Tito']);
  assert.deepEqual(found("missing eq null and missing eq ''"), ['Tito', 'Release', 'Titan']);
  assert.deepEqual(found('missing gt 0 or missing le 0'), []);
});

test('a flag may be asked for as a flag or as a text', () => {
  assert.deepEqual(found('nested eq true'), found("nested eq 'true'"));
});

test('records are put in order by several names', () => {
  const sorted = (text: string) => [...records].sort(parseOrder(text)).map(({ name }) => name);
  assert.deepEqual(sorted('project asc, index desc'), ['Release', 'Tito', 'Titan']);
  assert.deepEqual(sorted('name'), ['Release', 'Titan', 'Tito']);
  assert.throws(() => parseOrder('name upwards'), /at "name upwards"/);
});

test('a refusal names the character', () => {
  assert.throws(() => parseFilter("name eq 'x' and"), /at character 16: it has its end/);
  assert.throws(() => parseFilter("name eq 'x"), /at character 9: a text begins there/);
  assert.throws(() => parseFilter(`${'('.repeat(5000)}name eq 'x'`), /at most 100 brackets/);
});

test('what cannot be read is refused at its word', () => {
  for (const filter of ['name', "name like 'x'", "(name eq 'x'", "name eq 'x' extra", 'startswith(name)', ''])
    assert.throws(
      () => parseFilter(filter),
      (thrown) => thrown instanceof MillraceError && thrown.code === 'request.invalid',
      filter,
    );
});
