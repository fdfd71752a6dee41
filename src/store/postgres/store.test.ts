import assert from 'node:assert/strict';
import { newDatabase, withoutPostgres } from '../../../test/postgres/database.ts';
import { storeConformance } from '../../../test/store-conformance.ts';
import { openCluster } from './open.ts';

storeConformance(async () => {
  const { url, drop } = await newDatabase();
  return {
    open: (node) =>
      openCluster({
        url,
        node,
        self: { pid: 1, started: node.name, space: '' },
        isGone: () => false,
        clock: Date.now,
        monotonic: () => performance.now(),
        lost: (reason) => assert.fail(reason),
        report: () => undefined,
      }),
    close: drop,
  };
}, withoutPostgres);
