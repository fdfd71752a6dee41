import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { eventually } from '../../../test/eventually.ts';
import { newDatabase, withoutPostgres } from '../../../test/postgres/database.ts';
import { storeConformance } from '../../../test/store-conformance.ts';
import type { Node } from '../store.ts';
import { writeAndList } from './batches.ts';
import { openCluster } from './open.ts';

const openAt = (url: string, node: Node) =>
  openCluster({
    url,
    node,
    self: { pid: 1, started: node.name, space: '' },
    isGone: () => false,
    clock: Date.now,
    monotonic: () => performance.now(),
    lost: (reason) => assert.fail(reason),
    report: () => undefined,
  });

storeConformance(async () => {
  const { url, drop } = await newDatabase();
  return { open: (node) => openAt(url, node), close: drop };
}, withoutPostgres);

test('what the database cannot hold fails alone, and the others that came with it are written', {
  skip: withoutPostgres,
}, async (t) => {
  const { url, drop } = await newDatabase();
  const store = await openAt(url, { name: 'here', host: 'here' });
  t.after(async () => {
    await store.close();
    await drop();
  });
  const record = (id: string) => ({
    ...{ kind: 'record', id, project: '', name: id, body: {}, createdAt: 1, updatedAt: 1 },
  });
  const run = (id: string) => ({
    kind: 'execution' as const,
    id,
    version: 0,
    state: {},
    summary: {},
    events: [{ id }],
  });
  const ended = await Promise.allSettled(
    ['a', 'b', 'no \0 text', 'c', 'd'].map((id, number) =>
      store.apply({ aggregates: [run(`r${number}`)], commands: [], documents: [record(id)] }),
    ),
  );

  assert.deepEqual(
    ended.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual(
    (await store.list('record')).map(({ name }) => name),
    ['a', 'b', 'c', 'd'],
  );
  assert.deepEqual(
    (await store.events(0, 9)).map(({ sequence, body }) => [sequence, body.id]),
    ['r0', 'r1', 'r3', 'r4'].map((id, index) => [index + 1, id]),
    'nothing of what failed is left, and no gap in the numbers',
  );
});

test('what a change brings along is found by its key however many documents there are, and left out where it is long', {
  skip: withoutPostgres,
}, async (t) => {
  const { url, drop } = await newDatabase();
  const store = await openAt(url, { name: 'here', host: 'here' });
  const client = new pg.Client({ connectionString: url, options: '-c search_path=millrace' });
  await client.connect();
  t.after(async () => {
    await client.end();
    await store.close();
    await drop();
  });
  const fill = (kind: string, project: string, many: number) =>
    client.query(
      `INSERT INTO documents SELECT $1, $1 || $2 || n, $2, 'n' || n, '{}', 1, 1 FROM generate_series(1, $3::integer) AS n`,
      [kind, project, many],
    );
  const listed = async (project: string) => {
    const applied = await store.apply({ aggregates: [], commands: [], wants: { kind: 'variable', project } });
    return applied.result === 'applied' && applied.listed?.length;
  };
  await fill('question', 'Tito', 20_000);
  await fill('variable', 'Tito', 199);
  await fill('variable', 'Other', 200);
  await client.query('ANALYZE documents');
  await client.query(`SET plan_cache_mode = force_generic_plan; PREPARE change AS ${writeAndList}`);
  const { rows } = await client.query(`EXPLAIN EXECUTE change (${Array(15).fill('NULL')})`);

  assert.doesNotMatch(rows.map((row) => row['QUERY PLAN']).join('\n'), /Seq Scan on documents/);
  assert.deepEqual(await Promise.all(['Tito', 'Other', 'Nobody'].map(listed)), [199, undefined, 0]);
});

test('what is due is claimed without a look at all that waits', { skip: withoutPostgres }, async (t) => {
  const { url, drop } = await newDatabase();
  const client = new pg.Client({ connectionString: url, options: '-c search_path=millrace' });
  await client.connect();
  t.after(async () => {
    await client.end();
    await drop();
  });
  await client.query(
    `INSERT INTO commands (key, kind, aggregate, lane, project, host, body, due, fence, tries)
     SELECT 'waits/' || n, 'execution', 'r' || n, '', 'Tito', '', '{}', 9e12, 0, 0 FROM generate_series(1, 20000) AS n`,
  );
  await client.query('VACUUM ANALYZE commands');
  const read = async () => {
    const { rows } = await client.query(
      "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS rows FROM pg_stat_user_tables WHERE relname = 'commands'",
    );
    return Number(rows[0].rows);
  };
  const before = await read();
  const store = await openAt(url, { name: 'here', host: 'here' });
  for (let round = 0; round < 8; round++) {
    const work = {
      key: `due/${round}`,
      kind: 'execution' as const,
      aggregate: 'r',
      lane: '',
      project: 'Tito',
      host: '',
    };
    await store.apply({ aggregates: [], commands: [{ ...work, body: {}, due: 1 }] });
    assert.equal((await store.claim(2, 10)).commands.length, 1);
  }
  // What a connection has read is told when it ends.
  await store.close();

  await eventually(async () => assert.notEqual(await read(), before));
  assert.ok((await read()) - before < 2000, `${(await read()) - before} rows`);
});
