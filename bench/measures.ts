import type { JsonObject } from '../src/core/json.ts';
import type { NewCommand, Store } from '../src/store/store.ts';
import { burst } from './burst.ts';
import { type BenchServer, takenOf } from './server.ts';

/** Milliseconds, with one digit. */
export interface Times {
  p50: number;
  p95: number;
}

const printTime = 'date +%s%N';

export function timesOf(values: number[]): Times {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p95: at(0.95) };
}

const round = (value: number): number => Math.round(value * 10) / 10;
const now = (): number => performance.timeOrigin + performance.now();

/** What both sides do the same: one process that tells the time, twenty that do nothing, and a hundred times twenty at once. */
export interface Subject {
  /** Milliseconds from the request to the time that its first process printed. */
  first(): Promise<number>;
  /** Milliseconds from the request to the end of the twentieth process. */
  twenty(): Promise<number>;
}

/** What the same client gets out of a server that reads a request, and answers: a thousand at the same moment. */
export async function floorIntake(url: string, count: number): Promise<number> {
  const request = { path: '/?tasks=0', headers: {}, body: JSON.stringify({ text: 'x'.repeat(500) }) };
  const all = (requests: number) => burst(url, Array(requests).fill(request));
  await all(warmUp);
  return (await all(count)).perSecond;
}

/** Code that is not compiled yet, connections that were never opened: the first hundreds cost more, on both sides. */
const warmUp = 500;

export function floorSubject(url: string): Subject {
  const ask = async (tasks: number, script: string) => {
    const answer = await fetch(`${url}/?tasks=${tasks}&script=${encodeURIComponent(script)}`, { method: 'POST' });
    return answer.text();
  };
  return {
    async first() {
      const asked = now();
      return Number(await ask(1, printTime)) / 1e6 - asked;
    },
    async twenty() {
      const asked = now();
      await ask(20, 'true');
      return now() - asked;
    },
  };
}

/** Asked by signed webhooks, as a push asks. */
export async function serverSubject(server: BenchServer): Promise<Subject> {
  await server.define('First', [printTime]);
  await server.define(
    'Twenty',
    Array.from({ length: 20 }, () => 'true'),
    { concurrency: 1000 },
  );
  let deliveries = 0;
  const run = async (name: string) => {
    const { execution } = await server.push(name, `${name} ${Date.now()} ${deliveries++}`);
    await server.ended(execution);
    return execution;
  };
  return {
    async first() {
      const asked = now();
      const execution = await run('First');
      return Number(/^(\d{13,})$/m.exec(await server.log(execution))![1]) / 1e6 - asked;
    },
    async twenty() {
      const asked = now();
      await run('Twenty');
      return now() - asked;
    },
  };
}

/** One after the other, after one that does not count. */
export async function several(times: number, work: () => Promise<number>): Promise<number[]> {
  await work();
  const values: number[] = [];
  for (let time = 0; time < times; time++) values.push(await work());
  return values;
}

/** So many at the same moment; milliseconds until the last has ended. */
export async function atOnce(count: number, work: () => Promise<unknown>): Promise<number> {
  const begun = now();
  await Promise.all(Array.from({ length: count }, work));
  return Math.round(now() - begun);
}

/**
 * So many signed webhooks at the same moment: how many a second are taken, and whether each became a run. Five times, each when the
 * runs of the last have ended: such a moment is short, and what else the machine does in it weighs; medians, and all that were lost.
 */
export async function intake(
  server: BenchServer,
  count: number,
): Promise<{ perSecond: number; lost: number; endedMs: number }> {
  await server.define('Light', [], {
    stages: { S: { tasks: { T: { type: 'Condition', input: { condition: 'true' } } } } },
    concurrency: 100,
  });
  const pushes = async (word: string, number: number) => {
    const all = await Promise.all(
      Array.from({ length: number }, (_, index) => server.pushOf('Light', `${word} ${Date.now()} ${index}`)),
    );
    const begun = now();
    const { answers, perSecond } = await burst(server.url, all);
    const taken = answers.map(({ status, body }) => takenOf(status, body));
    const runs = new Set(taken.filter(({ status }) => status < 300).map(({ execution }) => execution));
    for (const execution of runs) await server.ended(execution);
    return { perSecond, lost: number - runs.size, endedMs: Math.round(now() - begun) };
  };
  await pushes('warm', warmUp);
  const times: Awaited<ReturnType<typeof pushes>>[] = [];
  for (let time = 0; time < 5; time++) times.push(await pushes(`push ${time}`, count));
  const median = (figures: number[]) => figures.toSorted((a, b) => a - b)[2]!;
  return {
    perSecond: median(times.map(({ perSecond }) => perSecond)),
    lost: times.reduce((sum, { lost }) => sum + lost, 0),
    endedMs: median(times.map(({ endedMs }) => endedMs)),
  };
}

/** Transitions a second, each with an event, a settled command and the next: as a run makes them, many at the same time. */
export async function transitions(store: Store, seconds: number, chains: number): Promise<number> {
  const end = Date.now() + seconds * 1000;
  let done = 0;
  await Promise.all(Array.from({ length: chains }, (_, index) => chain(`run-${index}`)));
  return Math.round(done / seconds);

  async function chain(id: string): Promise<void> {
    let settles: { command: number; fence: number } | undefined;
    for (let version = 0; Date.now() < end; version++) {
      const applied = await store.apply({
        settles,
        aggregates: [
          { kind: 'execution', id, version, state: { version }, summary: { id }, events: [{ type: 'step', version }] },
        ],
        commands: [commandOf(`${id}/${version}`, id)],
      });
      if (applied.result !== 'applied') throw new Error(applied.result);
      settles = { command: applied.claimed[0]!.id, fence: applied.claimed[0]!.fence };
      done++;
    }
  }
}

const commandOf = (key: string, aggregate: string, due = 0): NewCommand => ({
  key,
  kind: 'execution',
  aggregate,
  lane: '',
  project: 'Bench',
  host: '',
  due,
  body: { do: 'step' },
});

/** Fills a store with runs that have ended, and with runs that wait for an approval which expires in a month. */
export async function fill(
  store: Store,
  like: { state: JsonObject; summary: JsonObject },
  ended: number,
  waiting: number,
): Promise<void> {
  const inAMonth = Date.now() + 30 * 86_400_000;
  const { plan, ...state } = like.state;
  for (let from = 0; from < ended + waiting; from += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, ended + waiting - from) }, (_, index) => {
        const id = `filled-${from + index}`;
        const isWaiting = from + index >= ended;
        return store.apply({
          aggregates: [
            {
              kind: 'execution',
              id,
              version: 0,
              fixed: { plan: plan! },
              state: { ...state, status: isWaiting ? 'WAITING' : 'COMPLETED' },
              summary: { ...like.summary, id, status: isWaiting ? 'WAITING' : 'COMPLETED' },
              events: Array.from({ length: 6 }, (_, number) => ({ type: 'filled', number })),
            },
          ],
          commands: isWaiting ? [{ ...commandOf(`${id}/expire`, id, inAMonth), body: { do: 'expire-question' } }] : [],
          documents: isWaiting
            ? [
                {
                  kind: 'user-operation',
                  id,
                  project: 'Bench',
                  name: id,
                  body: { status: 'ACTIVE', executionId: id },
                  createdAt: 1,
                  updatedAt: 1,
                },
              ]
            : [],
        });
      }),
    );
  }
}
