import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store, Transition } from '../src/store/store.ts';
import { pipelineAround, TestServer } from './server.ts';

const byClock = ['schedule', 'delayed-event', 'lease', 'sync-request', 'blueprint-request', 'request-tracker'];

/** Speed is measured in `bench`; what must not grow unseen is the work that is done, which can be counted. */
test('a pipeline of twenty short steps costs what it did: changes, trips to the store, bytes of events', async (t) => {
  const calls: Partial<Record<keyof Store, number>> = {};
  const [sizes, names] = [[] as number[], Array.from({ length: 20 }, (_, index) => `T${index}`)];
  const server = await TestServer.start(t, {
    watch(call, [given]) {
      // What starts by the clock is looked at now and then, however long this takes.
      if (call === 'list' && byClock.includes(String(given))) return;
      calls[call] = (calls[call] ?? 0) + 1;
      if (call !== 'apply') return;
      const { aggregates } = given as Transition;
      for (const { events } of aggregates) for (const event of events) sizes.push(JSON.stringify(event).length);
    },
  });
  const tasks = names.map((name) => `${name}: {type: CI, input: {steps: ["true"]}}`).join('\n');
  const around = 'workspace: {type: PROCESS, endpoint: "", image: ""}';
  await server.import(pipelineAround(tasks, around).replace('    tasks:', `    taskOrder: [${names}]\n    tasks:`));
  await server.run('P');
  sizes.length = 0;
  for (const call of Object.keys(calls)) calls[call as keyof Store] = 0;
  assert.equal((await server.run('P')).status, 'COMPLETED');
  const { apply = 0, load = 0, claim = 0, list = 0 } = calls;
  const eventBytes = sizes.reduce((sum, size) => sum + size, 0);
  t.diagnostic(
    `apply ${apply}, load ${load}, claim ${claim}, list ${list}, ${sizes.length} events of ${eventBytes} bytes`,
  );

  // One to create and begin it, one for each step, of which the last gives up its turn, and one for its directory.
  assert.ok(apply <= 23, `${apply} changes`);
  assert.ok(load <= 4, `${load} times a state was read`);
  // The variables of each step: a change brings them along where reading them is a trip.
  assert.ok(list <= (process.env.MILLRACE_TEST_STORE === 'postgres' ? 4 : 26), `${list} lists were read`);
  assert.equal(calls.next, 1);
  assert.ok(sizes.length <= 66, `${sizes.length} events`);
  assert.ok(eventBytes <= 7_500, `${eventBytes} bytes of events`);
});
