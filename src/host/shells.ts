import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { JobEnd } from './job-record.ts';
import { openLaunchers } from './launchers.ts';
import { type ProcessMark, startTime } from './processes.ts';

/** A shell in a process group of its own, which waits for what it shall do: it does nothing, and ends, where we die before. */
export interface Shell {
  mark: ProcessMark;
  /** The file of all that it prints; whoever takes it moves that to where it belongs. */
  output: string;
  /**
   * What it does then is all that it ever does: its end is the end of that, told once. One that a signal ended tells the exit code
   * that shells give it: 128 and the number of the signal.
   */
  perform(order: string, ended: (end: JobEnd) => void): void;
  /** Ends it, and what it is doing, unheard. */
  dismiss(): void;
}

export interface Shells {
  /** One that stands ready where there is one. @throws where none can be started, as where the disk is full */
  take(): Promise<Shell>;
  /** Makes one more stand ready, where it can; whoever has time calls it. */
  refill(): void;
  /** Lets those go that stand ready beyond what is spare. */
  rest(): void;
}

/** More shells than this at a time are more than the processors can run, unless they wait for something. */
const mostLaunchers = 32;

/**
 * Starting a process is most of what a short step costs, and making a file is much of the rest: a file system that is busy writing
 * takes half a millisecond for it. Shells that were started before, each with the file that it prints to, are ready for the next step,
 * so that it waits for neither. Where none is ready, one is started on the spot.
 * @param environment what all of them have
 * @param spare so many stand ready at rest
 * @param directory where the files of those that stand ready are; on the file system of the outputs, and closed to everybody else
 */
export function openShells(environment: NodeJS.ProcessEnv, spare: number, directory: string): Shells {
  const { take, refill, rest } = openLaunchers(environment, directory, spare, mostLaunchers);
  let files = 0;
  return { take: async () => (await take()) ?? start(), refill, rest: () => rest(spare) };

  function start(): Shell {
    const output = join(directory, `own-${files++}`);
    const child = startWith(output);
    const input = child.stdin as Writable;
    // Its end is told by itself.
    input.on('error', () => undefined);
    child.on('error', () => undefined);
    const { pid = 0 } = child;
    return {
      mark: { pid, started: pid > 0 ? (startTime(pid) ?? '') : '' },
      output,
      perform(order, ended) {
        child.on('error', ({ message }) => ended({ exitCode: null, stopped: message }));
        child.on('exit', (code, signal) => ended({ exitCode: code ?? exitCodeOf(signal!), stopped: null }));
        input.end(order);
      },
      dismiss() {
        input.end();
        rmSync(output, { force: true });
      },
    };
  }

  function startWith(output: string): ChildProcess {
    const file = openSync(output, 'ax', 0o600);
    try {
      return spawn('/bin/sh', [], {
        ...{ cwd: '/', env: environment, detached: true },
        stdio: ['pipe', file, file],
      });
    } finally {
      closeSync(file);
    }
  }
}

const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];
