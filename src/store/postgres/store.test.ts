import assert from 'node:assert/strict';
import pg from 'pg';
import { newDatabase, withoutPostgres } from '../../../test/postgres/database.ts';
import { storeConformance } from '../../../test/store-conformance.ts';
import { openCluster } from './open.ts';

storeConformance(async () => {
  const { url, drop } = await newDatabase();
  const store = await openCluster({
    url,
    node: { name: 'here', host: 'here' },
    self: { pid: 1, started: '', space: '' },
    isGone: () => false,
    clock: Date.now,
    lost: (reason) => assert.fail(reason),
    report: () => undefined,
  });
  const client = new pg.Client(url);
  await client.connect();
  for (const name of ['there', 'dead', 'living', 'other'])
    await client.query(
      "INSERT INTO millrace.nodes (name, host, pid, started, space, since) VALUES ($1, $1, 1, '', '', 0)",
      [name],
    );
  await client.end();
  return {
    ...store,
    async close() {
      await store.close();
      await drop();
    },
  };
}, withoutPostgres);
