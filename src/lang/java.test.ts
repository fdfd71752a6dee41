import assert from 'node:assert/strict';
import { test } from 'node:test';
import { javaFinds, javaFormat, javaMatches, patternFault } from './java.ts';

test('format strings are those of java.util.Formatter', () => {
  assert.equal(javaFormat('%s-%d-%03d', ['web', 7, 7]), 'web-7-007');
  assert.equal(javaFormat('%2$s %1$s', ['a', 'b']), 'b a');
  assert.equal(javaFormat('%-5s|%5s|%.2s', ['ab', 'ab', 'abc']), 'ab   |   ab|ab');
  assert.equal(
    javaFormat('%,d %+d %x %X %o %.2f %%%n', [1234567, 5, 255, 255, 8, 2.5]),
    '1,234,567 +5 ff FF 10 2.50 %\n',
  );
  assert.equal(javaFormat('%e %b %c', [12345.678, false, 65]), '1.234568e+04 false A');
  assert.equal(javaFormat('%05d', [-42]), '-0042');
});

test('a value that is missing or does not fit is named', () => {
  assert.throws(() => javaFormat('%s %s', ['a']), /"%s" has no value/);
  assert.throws(() => javaFormat('%d', ['abc']), /"abc" is not a number/);
});

test('`matches` means the whole text, as in Java; `finds` means anywhere', () => {
  assert.ok(javaMatches('[a-z]+', 'abc'));
  assert.ok(!javaMatches('[a-z]+', 'abc1'));
  assert.ok(javaFinds('[a-z]+', '1abc1'));
});

test('a pattern that would hang a backtracking engine answers at once', () => {
  assert.ok(!javaMatches('(a+)+b', 'a'.repeat(50_000)));
});

test('a pattern that cannot be used says why', () => {
  assert.match(patternFault('(a')!, /missing/i);
  assert.match(patternFault('(?=a)b')!, /./);
  assert.equal(patternFault('[a-z]{2,5}'), undefined);
});
