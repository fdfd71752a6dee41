import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOf, numberOf } from './address.ts';

test('addresses are numbers in their order, and come back from them', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => addressOf(numberOf(address)!, 4) === address));
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const number = numberOf(address)!;
      return numberOf(addressOf(number, 6)) === number;
    }),
  );
  assert.equal(numberOf('10.0.1.0')! - numberOf('10.0.0.255')!, 1n);
  assert.equal(addressOf(numberOf('fd00::ff')! + 1n, 6), 'fd00::100');
  assert.equal(numberOf('::ffff:10.0.0.1')! & 0xffffffffn, numberOf('10.0.0.1'));
  assert.equal(numberOf('10.0.0'), undefined);
});
