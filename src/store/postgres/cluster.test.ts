import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import { newDatabase, withoutPostgres } from '../../../test/postgres/database.ts';
import { lossyProxy } from '../../../test/postgres/proxy.ts';
import type { NewCommand, Transition } from '../store.ts';
import { openCluster } from './open.ts';

const skip = withoutPostgres;

async function database(t: TestContext): Promise<string> {
  const { url, drop } = await newDatabase();
  t.after(drop);
  return url;
}

async function node(t: TestContext, url: string, name: string, clock = Date.now) {
  const told: string[] = [];
  let slept = 0;
  const store = await openCluster({
    url,
    node: { name, host: name },
    self: { pid: 1, started: '', space: '' },
    isGone: () => false,
    clock,
    monotonic: () => performance.now() + slept,
    lost: (reason) => told.push(reason),
    report: (message) => told.push(message),
  });
  t.after(() => store.close());
  const sleep = (milliseconds: number) => {
    slept += milliseconds;
  };
  return { store, told, sleep };
}

const command: NewCommand = {
  key: 'a',
  kind: 'execution',
  aggregate: 'r',
  lane: '',
  project: '',
  host: '',
  body: {},
  due: 0,
};
const created: Transition = {
  aggregates: [{ kind: 'execution', id: 'r', version: 0, state: {}, summary: {}, events: [{ type: 'created' }] }],
  commands: [command],
};

test('a change whose answer was lost is neither repeated nor given up: the database is asked', { skip }, async (t) => {
  const proxy = await lossyProxy(t, await database(t));
  const { store } = await node(t, proxy.url, 'one');
  await store.apply({ aggregates: [], commands: [] });
  proxy.loseAnswers(1);
  const applied = await store.apply(created);

  assert.deepEqual(applied, { result: 'applied', claimed: [{ ...command, id: 1, fence: 1, tries: 1 }] });
  assert.equal((await store.events(0, 10)).length, 1);
  assert.equal((await store.apply({ aggregates: [], commands: [{ ...command, key: 'b' }] })).result, 'applied');
});

test('a change that was lost before it reached the database is refused, and the next is written', {
  skip,
}, async (t) => {
  const proxy = await lossyProxy(t, await database(t));
  const { store } = await node(t, proxy.url, 'one');
  await store.apply({ aggregates: [], commands: [{ ...command, key: 'b', due: 5 }] });
  proxy.loseCalls(1);
  await assert.rejects(store.apply(created), /broke before this change was written; nothing of it was/);
  proxy.loseCalls(1);
  await assert.rejects(store.claim(10, 10), /nothing of it was/);

  assert.equal((await store.apply(created)).result, 'applied');
  assert.deepEqual(
    (await store.claim(10, 10)).commands.map(({ key }) => key),
    ['b'],
  );
});

test('a node that was taken for dead writes nothing, and what it held is done by another', { skip }, async (t) => {
  const url = await database(t);
  const [one, other] = [await node(t, url, 'one'), await node(t, url, 'other')];
  const applied = await one.store.apply(created);
  const [held] = applied.result === 'applied' ? applied.claimed : [];
  const client = new pg.Client(url);
  await client.connect();
  await client.query("SET search_path = millrace; SELECT take_over('one')");
  await client.end();
  const late = { aggregates: [], commands: [], settles: { command: held!.id, fence: held!.fence } };

  await assert.rejects(one.store.apply(late), /took node one for dead/);
  await assert.rejects(one.store.claim(Date.now(), 10), /took node one for dead/);
  const { commands } = await other.store.claim(Date.now(), 10);
  assert.deepEqual([commands[0]?.key, commands[0]?.fence, commands[0]?.tries], ['a', 2, 2]);
  while (one.told.length === 0) await pause(20);
  assert.match(one.told.join(), /others took it for dead and took over its work/);
});

test('a node that wakes sends nothing more: it does not wait for its timers to find out how long it slept', {
  skip,
}, async (t) => {
  const { store, told, sleep } = await node(t, await database(t), 'one');
  store.confirmTenure();
  sleep(9000);

  assert.throws(() => store.confirmTenure(), /This server is stopping; nothing of this was begun/);
  assert.match(told.join(), /could not say for 8 s that it lives/);
});

test('a node that has left sends nothing more', { skip }, async (t) => {
  const { store } = await node(t, await database(t), 'one');
  await store.close();

  assert.throws(() => store.confirmTenure(), /This server is stopping/);
  await assert.rejects(store.apply(created), /This server is stopping/);
});

test('work that was claimed and whose news got lost is not forgotten', { skip }, async (t) => {
  const proxy = await lossyProxy(t, await database(t));
  const { store } = await node(t, proxy.url, 'one');
  await store.apply({ aggregates: [], commands: [{ ...command, due: 5 }] });
  proxy.loseAnswers(1);

  assert.deepEqual(
    (await store.claim(10, 10)).commands.map(({ key }) => key),
    ['a'],
  );
});

test('servers whose clocks are minutes apart go by the clock of the database', { skip }, async (t) => {
  const url = await database(t);
  const early = await node(t, url, 'early', () => Date.now() - 300_000);
  const late = await node(t, url, 'late', () => Date.now() + 300_000);

  assert.ok(Math.abs(early.store.now() - late.store.now()) < 1000);
  assert.ok(Math.abs(late.store.now() - Date.now()) < 1000);
  for (const { told } of [early, late]) assert.match(told.join(), /clock of this machine is not that of the database/);
});

test('what is written at one node rings at the others', { skip }, async (t) => {
  const url = await database(t);
  const [one, other] = [await node(t, url, 'one'), await node(t, url, 'other')];
  const heard = new Promise((resolve) => other.store.bell.once('log', resolve));
  while ((await Promise.race([heard, pause(50)])) === undefined) await one.store.appendLog('the log', 0, 'x');

  assert.equal(await heard, 'the log');
});

test('events have no gap and no later one comes before an earlier, whoever writes', { skip }, async (t) => {
  const url = await database(t);
  const nodes = [await node(t, url, 'one'), await node(t, url, 'two'), await node(t, url, 'three')];
  const seen: number[] = [];
  let isOver = false;
  const reading = (async () => {
    while (!isOver || seen.length < 300) {
      for (const { sequence } of await nodes[0]!.store.events(seen.at(-1) ?? 0, 1000)) seen.push(sequence);
    }
  })();
  const writing = nodes.flatMap(({ store }, number) =>
    Array.from({ length: 100 }, (_, index) => store.apply(aggregate(`${number}/${index}`))),
  );
  await Promise.all(writing);
  isOver = true;
  await reading;

  assert.deepEqual(
    seen,
    Array.from({ length: 300 }, (_, index) => index + 1),
  );
});

const pause = (milliseconds: number) =>
  new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), milliseconds));

const aggregate = (id: string): Transition => ({
  aggregates: [{ kind: 'execution', id, version: 0, state: {}, summary: {}, events: [{ type: 'made' }] }],
  commands: [],
});
