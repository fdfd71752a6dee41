import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../core/json.ts';
import { openSqlite } from '../store/sqlite/store.ts';
import { asHappened, withoutPlan } from './stored-plan.ts';

test('the plan of a run is kept once, and told with the event that made it', async (t) => {
  const store = openSqlite(':memory:', { name: 'single', host: 'here' });
  t.after(() => store.close());
  const plan = { pipeline: { name: 'P' } };
  const events: JsonObject[] = [
    { type: 'execution-created', plan, at: 1 },
    { type: 'execution-started', at: 1 },
  ];
  const written = withoutPlan('execution', 0, { plan, status: 'RUNNING' }, events);
  await store.apply({
    aggregates: [{ kind: 'execution', id: 'r', version: 0, summary: {}, ...written }],
    commands: [],
  });

  assert.deepEqual(
    (await store.events(0, 9)).map(({ body }) => body),
    [{ type: 'execution-created', at: 1 }, events[1]],
  );
  assert.deepEqual(
    (await asHappened(store, await store.events(0, 9))).map(({ body }) => body),
    [{ type: 'execution-created', at: 1, plan }, events[1]],
  );
  assert.deepEqual((await store.load('execution', 'r'))?.state, { plan, status: 'RUNNING' });
  assert.equal(withoutPlan('execution', 1, { plan, status: 'RUNNING' }, []).fixed, undefined);
});

test('an event that was written with its plan, as by older versions, is told as it is', async (t) => {
  const store = openSqlite(':memory:', { name: 'single', host: 'here' });
  t.after(() => store.close());
  const event = { type: 'execution-created', plan: { pipeline: { name: 'Then' } }, at: 1 };
  const run = { kind: 'execution', id: 'r', version: 0, state: {}, summary: {}, events: [event] } as const;
  await store.apply({ aggregates: [{ ...run, events: [event], fixed: { plan: {} } }], commands: [] });

  assert.deepEqual(
    (await asHappened(store, await store.events(0, 9))).map(({ body }) => body),
    [event],
  );
});
