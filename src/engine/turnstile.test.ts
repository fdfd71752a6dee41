import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { planOf } from '../../test/pipelines.ts';
import type { Json } from '../core/json.ts';
import { decide } from '../pipeline/decide.ts';
import type { Plan } from '../pipeline/execution.ts';
import { executionRecord } from '../pipeline/record.ts';
import { openSqlite } from '../store/sqlite/store.ts';
import type { Loaded, NewCommand } from '../store/store.ts';
import { aggregateOf, type Change, type Decided, nothingElse } from './decided.ts';
import { openTurns } from './turns.ts';
import { openTurnstile } from './turnstile.ts';

const pipeline = (more = '') => `
name: P
concurrency: 3
input: {branch: ''}
${more}
stages: {S: {tasks: {T: {type: REST}}}}
`;

/** A door on a real store. Each write takes a turn of the event loop, and what `before` makes of it. */
function door(
  t: TestContext,
  before: (change: Change) => unknown = () => undefined,
  known: (loaded: Loaded | undefined) => Loaded | undefined = (loaded) => loaded,
) {
  const store = openSqlite(':memory:', { name: 'single', host: 'here' });
  t.after(() => store.close());
  const writes: Change[][] = [];
  const { begin, end } = openTurnstile({
    now: () => 0,
    turns: openTurns(),
    load: async (kind, id) => known(await store.load(kind, id)),
    decideRun(_plan, create): Decided<never> {
      const { state, events } = decide(null, create, { now: 0, newId: () => 'id' });
      return {
        ...{ state: state as never, events, commands: [], documents: [] },
        summary: executionRecord(state, { withStages: false }),
      };
    },
    async write(changes) {
      writes.push(changes);
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all(changes.map(before));
      return (await store.apply({ aggregates: changes.map(aggregateOf), commands: [] })).result;
    },
  });
  return {
    store,
    /** Ends a run; answers what was written of it, and by which commands. */
    async end(name: string) {
      // Whoever came last has been let in, and has yet to leave the door.
      await new Promise((resolve) => setImmediate(resolve));
      const { state, version } = (await store.load('execution', name))!;
      const commands = [{ key: `${name}/leave` } as NewCommand];
      const run: Change = { kind: 'execution', id: name, version, decided: { ...nothingElse, state, commands } };
      await end(run, { pipeline: 'pipeline-1', limit: 3, command: `${name}/leave` }, {});
      return writes.at(-1)!.map(({ kind, decided }) => [kind, ...decided.commands.map(({ key }) => key)].join(' '));
    },
    begin: (name: string, more: Partial<Plan> & { yaml?: string } = {}) =>
      begin(planOf(more.yaml ?? pipeline(), { execution: name, ...more }), {}),
    runsWritten: () => writes.map((changes) => changes.filter(({ kind }) => kind === 'execution').map(({ id }) => id)),
    async queue(): Promise<Json> {
      const { running, waiting } = (await store.load('queue', 'pipeline-1'))!.state as never as Record<
        'running' | 'waiting',
        { execution: string }[]
      >;
      return [running, waiting].map((all) => all.map(({ execution }) => execution).join(' '));
    },
  };
}

const names = Array.from({ length: 600 }, (_, index) => `r${index}`);

test('runs that come while one is let in go together, in their order, as many as may', async (t) => {
  const { begin, queue, runsWritten } = door(t);
  const begun = names.map((name, index) => begin(name, { index }));

  assert.deepEqual(await Promise.all(begun), Array(600).fill(true));
  assert.deepEqual(runsWritten(), [names.slice(0, 1), names.slice(1, 513), names.slice(513)]);
  assert.deepEqual(await queue(), ['r0 r1 r2', names.slice(3).join(' ')]);
});

test('who has come in is told so when the next are on their way', async (t) => {
  const { begin, runsWritten } = door(t);
  const written = begin('a').then(runsWritten);
  await new Promise((resolve) => setImmediate(resolve));
  const last = begin('b').then(runsWritten);

  assert.deepEqual(
    [await written, await last],
    [
      [['a'], ['b']],
      [['a'], ['b']],
    ],
  );
});

test('pipelines do not wait for each other', async (t) => {
  let release!: () => void;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { begin } = door(t, ({ id }) => (id === 'a' ? held : undefined));
  const begun = begin('a');
  assert.equal(await begin('b', { pipelineId: 'pipeline-2' }), true);
  release();

  assert.equal(await begun, true);
});

test('a run that is there already is not let in again, and keeps none of those out that came with it', async (t) => {
  const { begin, queue } = door(t);
  const begun = ['a', 'b', 'a', 'c'].map((name) => begin(name));
  assert.deepEqual(await Promise.all(begun), [true, true, false, true]);
  assert.deepEqual(await queue(), ['a b c', '']);
});

test('what one meets that cannot be written is its own, and the others go in', async (t) => {
  const { begin, queue } = door(t, ({ id }) => {
    if (id === 'odd') throw new Error('no such text');
  });
  const begun = ['a', 'b', 'odd', 'c'].map((name) => begin(name));

  const ends = await Promise.allSettled(begun);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(await queue(), ['a b c', '']);
});

test('one that takes the place of another is left to the queue, those who came with it are not', async (t) => {
  const { begin, queue } = door(t);
  const yaml = pipeline("millrace: {supersede: '${input.branch}'}");
  const of = (branch: string, index: number) => begin(`${branch}${index}`, { yaml, index, input: { branch } });
  const begun = [of('main', 1), of('main', 2), of('topic', 3)];

  assert.deepEqual(await Promise.all(begun), [true, false, true]);
  assert.deepEqual(await queue(), ['main1 topic3', '']);
});

test('where another moves the queue in between, those who come are let in behind it', async (t) => {
  const { store, begin, queue } = door(t);
  const begun = begin('a');
  const entry = { execution: 'elsewhere', index: 0, priority: 0, group: null };
  const state = { running: [entry], waiting: [] };
  await store.apply({
    aggregates: [{ kind: 'queue', id: 'pipeline-1', version: 0, state, summary: {}, events: [] }],
    commands: [],
  });

  assert.equal(await begun, true);
  assert.deepEqual(await queue(), ['elsewhere a', '']);
});

test('a run that ends gives up its turn in the same change, and whoever waits is told', async (t) => {
  const { begin, end, queue } = door(t);
  for (const name of ['a', 'b', 'c', 'd']) await begin(name);

  assert.deepEqual(await end('a'), ['execution', 'queue d/admit']);
  assert.deepEqual(await queue(), ['b c d', '']);
});

test('runs that end while the queue is moved give up their turns together, and as many as wait are told', async (t) => {
  const { begin, end, queue, runsWritten } = door(t);
  await Promise.all(names.slice(0, 6).map((name) => begin(name)));
  const before = runsWritten().length;
  const ends = await Promise.all(['r0', 'r1', 'r2'].map(end));

  assert.deepEqual(runsWritten().slice(before), [['r0'], ['r1', 'r2']]);
  assert.deepEqual(ends.at(-1), ['execution', 'execution', 'queue r4/admit r5/admit']);
  assert.deepEqual(await queue(), ['r3 r4 r5', '']);
});

test('what one that ends meets is its own: the others end, and leave by their commands', async (t) => {
  const { begin, end, runsWritten } = door(t, ({ id, version }) => {
    if (id === 'odd' && version > 0) throw new Error('no such text');
  });
  await Promise.all(['a', 'odd', 'c'].map((name) => begin(name)));
  const before = runsWritten().length;
  const ends = await Promise.allSettled(['a', 'odd', 'c'].map(end));

  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(runsWritten().slice(before), [['a'], ['odd', 'c'], ['odd'], ['c']]);
});

test('a run that another node has let in, unknown to this one, leaves by its command', async (t) => {
  let isStale = false;
  const { begin, end, queue } = door(
    t,
    () => undefined,
    (loaded) => (isStale ? { state: { running: [], waiting: [] }, version: 1 } : loaded),
  );
  await begin('a');
  isStale = true;

  assert.deepEqual(await end('a'), ['execution a/leave']);
  assert.deepEqual(await queue(), ['a', ''], 'until the command is performed');
});
