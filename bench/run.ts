// Measures Millrace beside its floor, a bare HTTP server that starts the same processes, in one run on one machine:
//   npm run bench [-- --only sqlite|postgres] [--quick]
// Writes bench/results.json and bench/results.svg, and prints the table of bench/README.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { JsonObject } from '../src/core/json.ts';
import { openStore } from '../src/store/open.ts';
import { connected, takeStock } from '../src/store/postgres/backup.ts';
import { upgrade } from '../src/store/postgres/upgrade.ts';
import type { Store } from '../src/store/store.ts';
import { type Cluster, postgresPrograms, startCluster } from '../test/postgres/cluster.ts';
import {
  atOnce,
  fill,
  floorIntake,
  floorSubject,
  intake,
  type Subject,
  serverSubject,
  several,
  type Times,
  timesOf,
  transitions,
} from './measures.ts';
import { draw } from './plot.ts';
import { BenchServer, startFloor } from './server.ts';
import { addressForNames, type SwitchFigures, switches } from './switch.ts';

export interface Figures {
  firstMs: Times;
  twentyMs: Times;
  hundredAtOnceMs: number;
}

export interface StoreFigures extends Figures {
  /** What the floor took meanwhile, turn by turn with it: the machine is now faster and now slower. */
  floor: Figures;
  readyMs: number;
  idleMemoryMb: number;
  idleCpuPercent: number;
  webhooksPerSecond: number;
  webhooksLost: number;
  thousandRunsEndedMs: number;
  transitionsPerSecond: number;
  restartToNextProcessMs: number;
  release: SwitchFigures;
  /** The same again with 10,000 runs in history and 100,000 that wait. */
  filled: Pick<Figures, 'firstMs' | 'twentyMs'> & { listMs: number; memoryMb: number; readyMs: number };
}

export interface Results {
  machine: string;
  date: string;
  /** Requests that the same client gets answered by a server that does nothing. */
  floorRequestsPerSecond: number;
  sqlite?: StoreFigures;
  postgres?: StoreFigures;
}

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const times = values.quick ? 10 : 60;
const rounds = values.quick ? 1 : 3;
const [ended, waiting] = values.quick ? [1000, 10_000] : [10_000, 100_000];
const cleanUp: (() => unknown)[] = [];
const results: Results = {
  machine: machine(),
  date: new Date().toISOString().slice(0, 10),
  floorRequestsPerSecond: await measureFloor(),
};
try {
  if (values.only !== 'postgres') results.sqlite = await measure('SQLite', undefined);
  if (values.only !== 'sqlite' && postgresPrograms()) {
    const cluster = await startCluster({ durable: true });
    cleanUp.push(cluster.stop);
    results.postgres = await measure('PostgreSQL', cluster);
  }
} finally {
  for (const work of cleanUp) await work();
}
if (!values.quick) {
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(import.meta.dirname, 'results.svg'), draw(results));
}
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
process.exit(0);

async function measureFloor(): Promise<number> {
  const floor = await startFloor();
  const perSecond = await floorIntake(floor.url, 1000);
  tell('floor', 'requests a second', perSecond);
  floor.stop();
  return perSecond;
}

/**
 * A subject and the floor by turns, each measured in every round. A first one does not count: a server that has run for a while is
 * compiled, and takes a fifth less for a step than one that has just started.
 */
async function measureBeside(subject: Subject, name: string): Promise<Figures & { floor: Figures }> {
  const server = await startFloor();
  const sides = [floorSubject(server.url), subject];
  const taken = sides.map(() => ({ first: [] as number[], twenty: [] as number[], hundred: [] as number[] }));
  for (let round = 0; round <= rounds; round++)
    for (const [side, { first, twenty }] of sides.entries()) {
      const [firsts, twenties] = [await several(times / rounds, first), await several(times / rounds / 2, twenty)];
      const hundred = await atOnce(100, twenty);
      if (round === 0) continue;
      taken[side]!.first.push(...firsts);
      taken[side]!.twenty.push(...twenties);
      taken[side]!.hundred.push(hundred);
    }
  server.stop();
  const [floor, own] = taken.map(({ first, twenty, hundred }) => ({
    firstMs: timesOf(first),
    twentyMs: timesOf(twenty),
    hundredAtOnceMs: Math.round(timesOf(hundred).p50),
  }));
  tell(name, 'beside the floor', JSON.stringify({ own, floor }));
  return { ...own!, floor: floor! };
}

async function measure(name: string, cluster: Cluster | undefined): Promise<StoreFigures> {
  const transitionsPerSecond = await withStore(cluster, 'transitions', (store) =>
    transitions(store, values.quick ? 2 : 5, 200),
  );
  tell(name, 'transitions a second', transitionsPerSecond);
  const release = await measureRelease(name, cluster);
  const url = cluster && (await newDatabase(cluster, 'bench'));
  const server = await new BenchServer(url).start();
  try {
    return { ...(await measureServer(name, server, url)), transitionsPerSecond, release };
  } finally {
    // What is measured next shall have the machine to itself.
    await server.end();
  }
}

async function measureRelease(name: string, cluster: Cluster | undefined): Promise<SwitchFigures> {
  const server = await new BenchServer(cluster && (await newDatabase(cluster, 'switch')), addressForNames()).start();
  try {
    const release = await switches(server, values.quick ? 5 : 30);
    tell(name, 'release', JSON.stringify(release));
    return release;
  } finally {
    await server.end();
    if (cluster) await removeDatabase(cluster, 'switch');
  }
}

async function measureServer(
  name: string,
  server: BenchServer,
  url: string | undefined,
): Promise<Omit<StoreFigures, 'transitionsPerSecond' | 'release'>> {
  const { readyMs } = server;
  const idle = await measureIdle(server);
  tell(name, 'idle', JSON.stringify(idle));
  const subject = await serverSubject(server);
  const figures = await measureBeside(subject, name);
  const taken = await intake(server, 1000);
  tell(name, 'webhooks', JSON.stringify(taken));
  const restartToNextProcessMs = await measureRestart(server);
  tell(name, 'restart', restartToNextProcessMs);
  const filled = await measureFilled(server, url, subject);
  tell(name, 'filled', JSON.stringify(filled));
  return {
    readyMs,
    ...idle,
    ...figures,
    webhooksPerSecond: taken.perSecond,
    webhooksLost: taken.lost,
    thousandRunsEndedMs: taken.endedMs,
    restartToNextProcessMs,
    filled,
  };
}

async function measureIdle(server: BenchServer): Promise<{ idleMemoryMb: number; idleCpuPercent: number }> {
  const seconds = values.quick ? 3 : 10;
  // What a start leaves to do is done by then, V8 giving back memory among it.
  await pause(15_000);
  const before = server.usage();
  await pause(seconds * 1000);
  const after = server.usage();
  return { idleMemoryMb: after.memoryMb, idleCpuPercent: (after.cpuMs - before.cpuMs) / (seconds * 10) };
}

/** Killed while the first of two processes runs; from the start of the next server to the time that the second one prints. */
async function measureRestart(server: BenchServer): Promise<number> {
  await server.define('Restart', ['sleep 1', 'date +%s%N']);
  const { execution } = await server.push('Restart', `restart ${Date.now()}`);
  await pause(300);
  await server.kill();
  await pause(1200);
  const begun = Date.now();
  await server.start();
  await server.ended(execution);
  const { text } = await server.client.json('GET', `/api/executions/${execution}/logs?task=S.T2`);
  return Math.round(Number(/^(\d{13,})$/m.exec(String(text))![1]) / 1e6 - begun);
}

async function measureFilled(
  server: BenchServer,
  url: string | undefined,
  subject: Subject,
): Promise<StoreFigures['filled']> {
  const { execution } = await server.push('First', `like ${Date.now()}`);
  await server.ended(execution);
  await server.kill();
  const store = await open(url, server.directory, 'filler');
  const like = await store.load('execution', execution);
  const [summary] = await store.summaries('execution', { skip: 0, limit: 1 });
  await fill(store, { state: like!.state as JsonObject, summary: summary! }, ended, waiting);
  await store.close();
  if (url) await connected(url, settle);
  await server.start();
  // As before: what it takes just after a start does not count.
  await several(times / rounds, subject.first);
  await atOnce(100, subject.twenty);
  const firstMs = timesOf(await several(times, subject.first));
  const twentyMs = timesOf(await several(times / 5, subject.twenty));
  const list = await several(10, async () => {
    const begun = performance.now();
    await server.client.json('GET', '/codestream/api/executions');
    return performance.now() - begun;
  });
  return { firstMs, twentyMs, listMs: timesOf(list).p50, memoryMb: server.usage().memoryMb, readyMs: server.readyMs };
}

async function withStore<T>(
  cluster: Cluster | undefined,
  name: string,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const store = await open(cluster && (await newDatabase(cluster, name)), directory, name);
  try {
    return await work(store);
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
    if (cluster) await removeDatabase(cluster, name);
  }
}

function open(url: string | undefined, directory: string, name: string): Promise<Store> {
  return openStore({
    url,
    directory,
    node: { name: url ? name : 'single', host: name },
    self: { pid: 1, started: '', space: '' },
    isGone: () => false,
    clock: Date.now,
    monotonic: () => performance.now(),
    lost: (reason) => {
      throw new Error(reason);
    },
    report: () => undefined,
  });
}

/** What the database has left to do after so many rows at once, it would do within a minute, in the middle of what is measured. */
async function settle(client: Parameters<typeof takeStock>[0]): Promise<void> {
  await takeStock(client);
  await client.query('VACUUM');
  await client.query('CHECKPOINT');
}

/** By its socket, as those reach it who have it on the same machine. */
async function newDatabase({ url, directory }: Cluster, name: string): Promise<string> {
  await connected(`${url}/postgres`, (client) => client.query(`CREATE DATABASE ${name}`));
  const own = `${url}/${name}?host=${directory}`;
  await upgrade(own, null);
  return own;
}

/** With what it has left for the database to do later. */
async function removeDatabase({ url }: Cluster, name: string): Promise<void> {
  await connected(`${url}/postgres`, async (client) => {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await client.query('CHECKPOINT');
  });
}

function machine(): string {
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return `${cpus().length} × ${cpus()[0]!.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${kernel}, Node ${process.versions.node}`;
}

function tell(name: string, what: string, value: unknown): void {
  process.stderr.write(`${name.padEnd(11)} ${what.padEnd(22)} ${String(value)}\n`);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
