// The runner: a small process that starts jobs, outlives the server, and writes down how each job ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { JobEnd } from './jobs.ts';
import { groupMemory } from './memory.ts';
import { isAlive, killGroup, type ProcessMark, readJson, removeTree, startTime, writeAtomic } from './processes.ts';

interface StartRequest {
  directory: string;
  /** How many milliseconds the answer may wait for the end of the job. */
  patience: number;
  spec: {
    run: { command: string[] } | { script: string };
    environment: Record<string, string>;
    directory: string;
    limits: { seconds: number; memoryMb: number; fileMb: number };
  };
}

interface Running {
  child: ChildProcess;
  stopped: string | null;
  memoryMb: number;
  /** Whoever waits for its end. */
  ends: ((value?: unknown) => void)[];
}

const directory = process.argv[2]!;
const token = process.env.MILLRACE_RUNNER_TOKEN!;
const jobsDirectory = join(dirname(directory), 'jobs');
const running = new Map<string, Running>();
const keepEndedFor = 3_600_000;
/** The runner goes when nobody has needed it for this long and its server's data is gone or quiet. */
const idleLimit = 600_000;
let lastNeeded = Date.now();

const server = createServer((request, response) => {
  void answer(request).then(
    (hasEnded) => response.end(JSON.stringify({ hasEnded })),
    (error: Error) => response.writeHead(400).end(error.message),
  );
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  writeAtomic(join(directory, 'address.json'), JSON.stringify({ pid: process.pid, port, token }));
});
mkdirSync(jobsDirectory, { recursive: true });
setInterval(watch, 500);
setInterval(sweep, 60_000);

async function answer(request: IncomingMessage): Promise<boolean> {
  lastNeeded = Date.now();
  if (request.headers.authorization !== token) throw new Error('The token is wrong.');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as StartRequest;
  if (request.url === '/start') {
    start(body);
    return endWithin(body.directory, body.patience);
  }
  if (request.url === '/cancel') stop(body.directory, 'It was canceled.');
  else throw new Error(`There is no ${request.url}.`);
  return false;
}

async function endWithin(own: string, patience: number): Promise<boolean> {
  const state = running.get(own);
  if (state && patience > 0) {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise((resolve) => state.ends.push(resolve)),
      new Promise((resolve) => {
        timer = setTimeout(resolve, patience);
      }),
    ]);
    clearTimeout(timer);
  }
  return !running.has(own);
}

/** Started once per directory: a second call finds the first one's job. */
function start({ directory: own, spec }: StartRequest): void {
  if (running.has(own) || existsSync(join(own, 'job.json')) || existsSync(join(own, 'end.json'))) return;
  if (!existsSync(spec.directory)) mkdirSync(spec.directory, { recursive: true, mode: 0o700 });
  const output = openSync(join(own, 'output'), 'a', 0o600);
  const { seconds, memoryMb, fileMb } = spec.limits;
  const limits = `ulimit -c 0; ulimit -f ${fileMb * 2048}; ulimit -n 1024`;
  // A script goes on in the shell that has set the limits: one program less to start.
  const args =
    'script' in spec.run
      ? ['-c', `${limits}; . "$0"`, join(own, spec.run.script)]
      : ['-c', `${limits}; exec "$@"`, 'sh', ...spec.run.command];
  const child = spawn('/bin/sh', args, {
    cwd: spec.directory,
    env: {
      PATH: process.env.PATH,
      HOME: spec.directory,
      LANG: 'C.UTF-8',
      NODE_OPTIONS: `--max-old-space-size=${memoryMb}`,
      MILLRACE_OWNER: `${process.env.MILLRACE_OWNER}/job`,
      ...spec.environment,
    },
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const state: Running = { child, stopped: null, memoryMb, ends: [] };
  running.set(own, state);
  if (child.pid !== undefined)
    writeFileSync(
      join(own, 'job.json'),
      JSON.stringify({ pid: child.pid, started: startTime(child.pid) ?? '' } satisfies ProcessMark),
      { mode: 0o600 },
    );
  const limit = setTimeout(() => stop(own, `It ran longer than ${seconds} s.`), seconds * 1000);
  child.on('error', (error) => ended(null, error.message));
  child.on('exit', (code, signal) => ended(code, state.stopped ?? (signal ? `It was ended by ${signal}.` : null)));

  function ended(exitCode: number | null, stopped: string | null): void {
    clearTimeout(limit);
    if (!running.delete(own)) return;
    if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
    record(own, { exitCode, stopped });
    for (const tell of state.ends) tell();
  }
}

function stop(own: string, reason: string): void {
  const state = running.get(own);
  const mark = readJson<ProcessMark>(join(own, 'job.json'));
  if (state) state.stopped ??= reason;
  if (mark && isAlive(mark)) {
    killGroup(mark.pid, 'SIGTERM');
    setTimeout(() => killGroup(mark.pid, 'SIGKILL'), 2000);
  }
  if (!state && mark) record(own, { exitCode: null, stopped: reason });
}

function record(own: string, end: JobEnd): void {
  // One small write: whoever reads it in the middle finds nothing yet, and looks again.
  if (existsSync(own)) writeFileSync(join(own, 'end.json'), JSON.stringify(end), { mode: 0o600 });
}

/** Memory is watched, not reserved: address space says nothing about a modern runtime. */
function watch(): void {
  for (const [own, { child, memoryMb }] of running) {
    if (child.pid !== undefined && groupMemory(child.pid) > memoryMb * 2 ** 20 * 1.5)
      stop(own, `It used more than ${memoryMb} MB of memory.`);
  }
  const isIdle = running.size === 0 && Date.now() - lastNeeded > idleLimit;
  if (isIdle || !existsSync(directory)) process.exit(0);
}

function sweep(): void {
  for (const name of readdirSync(jobsDirectory)) {
    const end = join(jobsDirectory, name, 'end.json');
    if (existsSync(end) && Date.now() - statSync(end).mtimeMs > keepEndedFor) removeTree(join(jobsDirectory, name));
  }
}
