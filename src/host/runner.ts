// The runner: a small process that starts jobs, outlives the server, and knows how each job ended.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { messageOf } from '../core/error.ts';
import type { JobSpec, JobState } from '../sdk/powers.ts';
import { openDirectories } from './directories.ts';
import { type JobEnd, openRecord, settleLost } from './job-record.ts';
import { onLines } from './lines.ts';
import { memoryOfGroups } from './memory.ts';
import { orderOf } from './order.ts';
import { readOutput } from './output.ts';
import { isAlive, killGroup, ownProcess, removeTree, writeAtomic } from './processes.ts';
import type { Answered, Asked } from './runner-line.ts';
import { openShells } from './shells.ts';

interface Running {
  /** Its process, and the group of all that it starts. */
  pid: number;
  since: number;
  stopped: string | null;
  memoryMb: number;
  /** It has ended so, which is not written down yet. */
  end?: JobEnd;
  /** Whoever waits for its end. */
  ends: ((end: JobEnd) => void)[];
}

const directory = process.argv[2]!;
const token = process.env.MILLRACE_RUNNER_TOKEN!;
const jobsDirectory = join(dirname(directory), 'jobs');
mkdirSync(jobsDirectory, { recursive: true, mode: 0o700 });
const record = openRecord(join(directory, 'jobs.db'));
const running = new Map<string, Running>();
const beginning = new Map<string, Promise<void>>();
const lost: JobEnd = { exitCode: null, stopped: null, lost: true };
const isWatched = (name: string): boolean => running.has(name);
const keepEndedFor = 3_600_000;
/** The runner goes when nobody has needed it for this long and its server's data is gone or quiet. */
const idleLimit = 600_000;
/** Milliseconds. */
const refillAfter = 10;
const spares = join(directory, 'spare');
// The record is ours, so whoever left any is gone.
removeTree(spares);
mkdirSync(spares, { mode: 0o700 });
const shells = openShells(
  { PATH: process.env.PATH, LANG: 'C.UTF-8', MILLRACE_OWNER: `${process.env.MILLRACE_OWNER}/job` },
  2,
  spares,
);
const directories = openDirectories(spares);
const watchEvery = 500;
let lastNeeded = Date.now();
/** Since the last look. */
let hasStarted = false;

const server = createServer({ noDelay: true }, (socket) => {
  let isWelcome = false;
  const take = (line: string) => {
    if (!isWelcome && line !== token) return socket.destroy();
    if (isWelcome) void answer(JSON.parse(line) as Asked).then((told) => socket.write(`${JSON.stringify(told)}\n`));
    isWelcome = true;
  };
  socket.on('error', () => socket.destroy());
  onLines(socket, take, () => (isWelcome ? Number.POSITIVE_INFINITY : token.length));
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const { pid, started } = ownProcess();
  writeAtomic(join(directory, 'address.json'), JSON.stringify({ pid, started, port, token }));
});
setInterval(watch, watchEvery);
setInterval(sweep, 60_000);

async function answer(asked: Asked): Promise<Answered> {
  lastNeeded = Date.now();
  const { id, name } = asked;
  try {
    if (asked.what === 'start') {
      await begin(name, asked.spec);
      const end = await endWithin(name, asked.patience);
      return { id, state: end ? stateAt(name, end, 0) : stateOf(name, 0) };
    }
    // Who asks after one that is about to begin means the one that has begun.
    await beginning.get(name)?.catch(() => undefined);
    if (asked.what === 'cancel') stop(name, 'It was canceled.');
    return { id, state: stateOf(name, asked.what === 'state' ? asked.from : 0) };
  } catch (thrown) {
    return { id, refused: messageOf(thrown) };
  }
}

/** Started once per name: a second call finds the first one's job. */
async function begin(name: string, spec: JobSpec): Promise<void> {
  if (record.find(name)) return;
  const begun = beginning.get(name) ?? start(name, spec).finally(() => beginning.delete(name));
  beginning.set(name, begun);
  await begun;
}

function stateOf(name: string, from: number): JobState {
  const job = record.find(name);
  const state = running.get(name);
  if (job && !job.end && !state) settleLost(record, isWatched);
  return stateAt(name, job ? (state?.end ?? job.end ?? record.find(name)?.end) : lost, from);
}

function stateAt(name: string, end: JobEnd | undefined, from: number): JobState {
  const { exitCode = null, stopped = null } = end ?? {};
  const status = end?.lost ? 'lost' : end ? 'ended' : 'running';
  return { status, exitCode, stopped, ...readOutput(outputOf(name), from) };
}

/** Its end, where that comes in so many milliseconds. */
async function endWithin(name: string, patience: number): Promise<JobEnd | undefined> {
  const state = running.get(name);
  if (!state || state.end || patience <= 0) return state?.end;
  const { promise, resolve } = Promise.withResolvers<JobEnd | undefined>();
  state.ends.push(resolve);
  const timer = setTimeout(() => resolve(undefined), patience);
  const end = await promise;
  clearTimeout(timer);
  return end;
}

async function start(name: string, spec: JobSpec): Promise<void> {
  const own = join(jobsDirectory, name);
  writeFiles(own, spec.files ?? {});
  directories.make(spec.directory);
  const { seconds, memoryMb } = spec.limits;
  const shell = await shells.take();
  hasStarted = true;
  const { pid } = shell.mark;
  try {
    renameSync(shell.output, outputOf(name));
    record.begins(name, shell.mark);
  } catch (thrown) {
    shell.dismiss();
    throw thrown;
  }
  const state: Running = { pid, since: Date.now(), stopped: null, memoryMb, ends: [] };
  running.set(name, state);
  const limit = setTimeout(() => stop(name, `It ran longer than ${seconds} s.`), seconds * 1000);
  // A step that lasts leaves time to make the next shell ready; one that does not shall not wait for that.
  const spare = setTimeout(refill, refillAfter);
  shell.perform(orderOf(spec), (end) => {
    clearTimeout(limit);
    clearTimeout(spare);
    if (state.end) return;
    if (pid > 0) killGroup(pid, 'SIGKILL');
    const known = { ...end, stopped: state.stopped ?? end.stopped };
    state.end = known;
    for (const tell of state.ends) tell(known);
    // Whoever waited has heard of it first: the record is for those who could not hear.
    setImmediate(() => {
      record.ended(name, known);
      running.delete(name);
      refill();
    });
  });
}

function refill(): void {
  shells.refill();
  directories.refill();
}

function writeFiles(own: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    const inside = normalize(path);
    if (isAbsolute(inside) || inside.startsWith('..'))
      throw new Error(`A job's file must lie in its own directory: ${path}`);
    mkdirSync(dirname(join(own, inside)), { recursive: true, mode: 0o700 });
    // Not yet a job: half a file that a crash leaves is written anew.
    writeFileSync(join(own, inside), text, { mode: 0o700 });
  }
}

function stop(name: string, reason: string): void {
  const job = record.find(name);
  if (!job || job.end) return;
  const state = running.get(name);
  if (state) state.stopped ??= reason;
  const { mark } = job;
  if (isAlive(mark)) {
    killGroup(mark.pid, 'SIGTERM');
    setTimeout(() => isAlive(mark) && killGroup(mark.pid, 'SIGKILL'), 2000);
  }
  if (!state) record.ended(name, { exitCode: null, stopped: reason });
}

/** Memory is watched, not reserved: address space says nothing about a modern runtime. */
function watch(): void {
  const now = Date.now();
  const watched = [...running].filter(([, { since }]) => now - since > watchEvery / 2);
  const held = watched.length > 0 ? memoryOfGroups() : new Map<number, number>();
  for (const [name, { pid, memoryMb }] of watched)
    if ((held.get(pid) ?? 0) > memoryMb * 2 ** 20 * 1.5) stop(name, `It used more than ${memoryMb} MB of memory.`);
  if (!hasStarted) shells.rest();
  hasStarted = false;
  const isIdle = running.size === 0 && now - lastNeeded > idleLimit;
  if (isIdle || !existsSync(directory)) process.exit(0);
}

function sweep(): void {
  settleLost(record, isWatched);
  for (const name of record.forget(Date.now() - keepEndedFor)) {
    removeTree(join(jobsDirectory, name));
    removeTree(outputOf(name));
  }
}

function outputOf(name: string): string {
  return join(jobsDirectory, `${name}.out`);
}
