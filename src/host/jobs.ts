import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobSpec, JobState, Jobs } from '../sdk/powers.ts';
import { isAlive, type ProcessMark, readJson, removeTree, startOwned } from './processes.ts';
import { openRunnerLine, type RunnerAddress, type RunnerLine, type RunnerQuestion } from './runner-line.ts';

/** Where the runner listens, and which process it is. */
type Runner = ProcessMark & RunnerAddress;

/** Larger results are none: a job must not fill the memory of the server. */
const mostFile = 64 * 2 ** 20;
const longestStart = 5000;
/** Starting a process takes the longer the more memory and threads the starter has: these halve what Node adds to it. */
const small = ['--v8-pool-size=0', '--max-semi-space-size=1'];

/**
 * Jobs on this machine. A runner process starts them, outlives the server, is found again and knows how each job ended; a step
 * costs one spawn.
 */
export function openJobs(root: string, nodeCommand: string[]): Jobs {
  const runnerDirectory = join(root, 'job-runner');
  const jobsDirectory = join(root, 'jobs');
  /** Ends that came with the answer to a start, until they are looked at. */
  const justEnded = new Map<string, JobState>();
  let line: RunnerLine | undefined;

  return {
    directory: (key: string) => join(jobsDirectory, nameOf(key)),

    async start(key: string, spec: JobSpec, patience = 0): Promise<{ hasEnded: boolean }> {
      const state = await ask({ what: 'start', name: nameOf(key), spec, patience });
      const hasEnded = state.status !== 'running';
      if (hasEnded) justEnded.set(key, state);
      return { hasEnded };
    },

    async state(key: string, from: number): Promise<JobState> {
      const known = justEnded.get(key);
      justEnded.delete(key);
      return known && from === 0 ? known : ask({ what: 'state', name: nameOf(key), from });
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
      removeTree(join(jobsDirectory, `${nameOf(key)}.out`));
    },

    async cancel(key: string): Promise<void> {
      await ask({ what: 'cancel', name: nameOf(key) });
    },
  };

  async function ask(question: RunnerQuestion): Promise<JobState> {
    for (const begun = Date.now(); ; ) {
      try {
        line = line?.isOpen() ? line : openRunnerLine(await findRunner());
        return await line.ask(question);
      } catch (thrown) {
        // It died, or went because nobody had needed it for long; another knows all that it knew.
        const { code } = thrown as { code?: string };
        if (!/^(ECONN|EPIPE)/.test(code ?? '') || Date.now() - begun > longestStart) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  /** The address of the living runner, which is started where there is none: of two that start, one gets hold of the record. */
  async function findRunner(): Promise<Runner> {
    const program = fileURLToPath(new URL('./runner.ts', import.meta.url));
    mkdirSync(runnerDirectory, { recursive: true, mode: 0o700 });
    for (const begun = Date.now(); Date.now() - begun < longestStart; ) {
      const address = readJson<Runner>(join(runnerDirectory, 'address.json'));
      if (address && isAlive(address)) return address;
      startOwned({
        directory: runnerDirectory,
        name: 'runner',
        command: [...nodeCommand, ...small, program, runnerDirectory],
        environment: {
          PATH: process.env.PATH,
          MILLRACE_RUNNER_TOKEN: randomBytes(24).toString('hex'),
          // What was stripped of its types the last time need not be again, nor the stripper be in memory.
          NODE_COMPILE_CACHE: getCompileCacheDir(),
        },
      });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`The runner does not answer; see ${join(runnerDirectory, 'runner.log')}.`);
  }
}

/** Keys hold slashes and blanks; directories are short and flat. */
const nameOf = (key: string): string => hash('sha256', key).slice(0, 24);
