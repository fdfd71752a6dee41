import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseAddress } from './database-address.ts';

const read = (DATABASE_URL: string) => databaseAddress({ DATABASE_URL });

test('an address of a PostgreSQL is taken as it is, by its network or by its socket', () => {
  for (const url of [
    'postgres://db/millrace',
    'postgresql://ann:p%40ss@[::1]:5433/millrace?sslmode=require',
    'postgres://localhost/millrace?host=/run/postgresql',
    'postgres://ann@/millrace?host=/run/postgresql',
    'postgres:///millrace',
  ])
    assert.equal(read(url), url);
});

test('no address is none', () => {
  assert.equal(databaseAddress({}), undefined);
  assert.equal(read(''), undefined);
});

test('what is no address of a PostgreSQL is refused without its password', () => {
  const told = (url: string): string => {
    try {
      return String(read(url));
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };

  assert.equal(told('mysql://ann:s3cret@db/shop'), 'DATABASE_URL is no address of a PostgreSQL: "mysql://db/shop".');
  assert.equal(
    told('postgres://ann:s3@cret@db:99999/shop'),
    'DATABASE_URL is no address of a PostgreSQL: "postgres://db:99999/shop".',
  );
  assert.equal(told('ann:s3cret@db/shop'), 'DATABASE_URL is no address of a PostgreSQL: "db/shop".');
  assert.equal(
    told('mysql://db/shop?password=s3cret'),
    'DATABASE_URL is no address of a PostgreSQL: "mysql://db/shop".',
  );
  assert.equal(told('nonsense'), 'DATABASE_URL is no address of a PostgreSQL: "nonsense".');
});
