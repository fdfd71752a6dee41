import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import type { JobSpec, JobState, Jobs } from '../sdk/powers.ts';
import { isAlive, type ProcessMark, readJson, removeTree, startOwned } from './processes.ts';

/** What the runner writes when a job is over. */
export interface JobEnd {
  exitCode: number | null;
  stopped: string | null;
}

/** A start may wait for the end of its job, so each has a connection of its own. */
const toRunner = new Agent({ keepAliveTimeout: 4000 });

const mostOutputAtOnce = 256 * 1024;
/** Larger results are none: a job must not fill the memory of the server. */
const mostFile = 64 * 2 ** 20;
/** Between the end of a job's process and the runner's record of it. */
const graceForRecord = 3000;

/**
 * Jobs on this machine. A runner process starts them, outlives the server and is found again; a step costs one spawn. What a job
 * prints and how it ended are files, so a state is read without asking anybody.
 */
export function openJobs(root: string, nodeCommand: string[]): Jobs {
  const runnerDirectory = join(root, 'runner');
  const jobsDirectory = join(root, 'jobs');
  const missingSince = new Map<string, number>();
  let runner: Runner | undefined;

  return {
    directory: (key: string) => join(jobsDirectory, nameOf(key)),

    async start(key: string, spec: JobSpec, patience = 0): Promise<{ hasEnded: boolean }> {
      const directory = join(jobsDirectory, nameOf(key));
      if (existsSync(join(directory, 'end.json'))) return { hasEnded: true };
      if (existsSync(join(directory, 'job.json'))) return { hasEnded: false };
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      for (const [path, text] of Object.entries(spec.files ?? {})) {
        const inside = normalize(path);
        if (isAbsolute(inside) || inside.startsWith('..'))
          throw new Error(`A job's file must lie in its own directory: ${path}`);
        // Not yet a job: half a file that a crash leaves is written anew.
        writeFileSync(join(directory, inside), text, { mode: 0o700 });
      }
      return ask('start', { directory, spec: { ...spec, files: undefined }, patience });
    },

    async state(key: string, from: number): Promise<JobState> {
      const directory = join(jobsDirectory, nameOf(key));
      const end = readJson<JobEnd>(join(directory, 'end.json'));
      const job = readJson<ProcessMark>(join(directory, 'job.json'));
      const { text: output, offset, hasMore } = readFrom(join(directory, 'output'), from);
      const read = { output, offset, hasMore };
      if (end) return { status: 'ended', ...end, ...read };
      if (job && isAlive(job)) return { status: 'running', exitCode: null, stopped: null, ...read };
      const since = missingSince.get(key) ?? Date.now();
      missingSince.set(key, since);
      const status = Date.now() - since < graceForRecord ? 'running' : 'lost';
      return { status, exitCode: null, stopped: null, ...read };
    },

    async read(key: string, file: string): Promise<string | undefined> {
      const path = join(jobsDirectory, nameOf(key), normalize(file));
      try {
        return statSync(path).size > mostFile ? undefined : readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },

    async remove(key: string): Promise<void> {
      removeTree(join(jobsDirectory, nameOf(key)));
    },

    async cancel(key: string): Promise<void> {
      const directory = join(jobsDirectory, nameOf(key));
      if (existsSync(directory) && !existsSync(join(directory, 'end.json'))) await ask('cancel', { directory });
    },
  };

  async function ask(what: 'start' | 'cancel', body: unknown): Promise<{ hasEnded: boolean }> {
    runner = runner && isAlive(runner) ? runner : await findRunner();
    const { port, token } = runner;
    const answer = await request(`http://127.0.0.1:${port}/${what}`, {
      method: 'POST',
      headers: { authorization: token, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
      dispatcher: toRunner,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`The runner refused to ${what} a job: ${text}`);
    return JSON.parse(text) as { hasEnded: boolean };
  }

  /** The address of the living runner, which is started where there is none. */
  async function findRunner(): Promise<Runner> {
    const program = fileURLToPath(new URL('./runner.ts', import.meta.url));
    mkdirSync(runnerDirectory, { recursive: true, mode: 0o700 });
    const mark = startOwned({
      directory: runnerDirectory,
      name: 'runner',
      command: [...nodeCommand, program, runnerDirectory],
      environment: { PATH: process.env.PATH, MILLRACE_RUNNER_TOKEN: randomBytes(24).toString('hex') },
    });
    for (let wait = 0; wait < 500; wait++) {
      const address = readJson<{ pid: number; port: number; token: string }>(join(runnerDirectory, 'address.json'));
      if (address?.pid === mark.pid) return { ...address, ...mark };
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`The runner does not answer; see ${join(runnerDirectory, 'runner.log')}.`);
  }
}

/** Where the runner listens, and which process it is. */
type Runner = ProcessMark & { port: number; token: string };

/** Keys hold slashes and blanks; directories are short and flat. */
const nameOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 24);

/** Reads at most a piece, cut behind a whole character. */
function readFrom(path: string, from: number): { text: string; offset: number; hasMore: boolean } {
  const nothing = { text: '', offset: from, hasMore: false };
  if (!existsSync(path)) return nothing;
  const file = openSync(path, 'r');
  try {
    const left = fstatSync(file).size - from;
    const size = Math.min(left, mostOutputAtOnce);
    if (size <= 0) return nothing;
    const bytes = Buffer.alloc(size);
    const read = readSync(file, bytes, 0, size, from);
    const whole = wholeCharacters(bytes.subarray(0, read));
    return { text: whole.toString('utf8'), offset: from + whole.length, hasMore: left > size };
  } finally {
    closeSync(file);
  }
}

/** The bytes up to the last complete character of UTF-8. */
export function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
