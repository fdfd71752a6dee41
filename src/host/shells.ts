import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { shellQuote } from '../core/shell-quote.ts';
import type { JobSpec } from '../sdk/powers.ts';
import { type ProcessMark, startTime } from './processes.ts';

/** A shell in a session of its own, which waits for what it shall do: it does nothing, and ends, where we die before. */
export interface Shell {
  child: ChildProcess;
  mark: ProcessMark;
  /** What it does then is all that it ever does: its end is the end of that. */
  perform(text: string): void;
}

export interface Shells {
  /** One that stands ready where there is one. */
  take(): Shell;
  /** Makes more stand ready; whoever has time calls it. */
  refill(): void;
}

/**
 * Starting a process is most of what a short step costs. Shells that were started before are ready for the next step, so that it does
 * not wait for that. `environment`: what all of them have.
 */
export function openShells(environment: NodeJS.ProcessEnv, spare: number): Shells {
  const ready: Shell[] = [];

  return {
    take: () => ready.shift() ?? start(),
    refill() {
      if (ready.length >= spare) return;
      const shell = start();
      if (shell.child.pid === undefined) return;
      ready.push(shell);
      // Somebody has ended it before its time.
      shell.child.once('exit', () => {
        const place = ready.indexOf(shell);
        if (place >= 0) ready.splice(place, 1);
      });
    },
  };

  function start(): Shell {
    const child = spawn('/bin/sh', [], {
      ...{ cwd: '/', env: environment, detached: true },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const input = child.stdin as Writable;
    // Its end is told by itself.
    input.on('error', () => undefined);
    child.on('error', () => undefined);
    const { pid = 0 } = child;
    return {
      child,
      mark: { pid, started: pid > 0 ? (startTime(pid) ?? '') : '' },
      perform: (text) => void input.end(text),
    };
  }
}

/**
 * What a shell is told of a job: where its output goes, its place, its limits, its environment and what to run. It is one command, so
 * that a shell which is told half of it does nothing.
 */
export function orderOf(
  { run, environment, directory, limits: { fileMb, memoryMb } }: JobSpec,
  output: string,
): string {
  const variables = { HOME: directory, NODE_OPTIONS: `--max-old-space-size=${memoryMb}`, ...environment };
  const told = Object.entries(variables).filter(([name]) => canBeTold(name));
  const work =
    'script' in run ? `eval ${shellQuote(run.script)}` : `set -- ${run.command.map(shellQuote).join(' ')}; exec "$@"`;
  const lines = [
    `exec </dev/null >>${shellQuote(output)} 2>&1`,
    `cd ${shellQuote(directory)} || exit 126`,
    'unset OLDPWD',
    `ulimit -c 0; ulimit -f ${fileMb * 2048}; ulimit -n 1024`,
    `export ${told.map(([name, value]) => `${name}=${shellQuote(value)}`).join(' ')}`,
    work,
  ];
  return `{\n${lines.join('\n')}\n}\n`;
}

/** What is no name for a shell it would not hand on from its own environment either; some it keeps to itself. */
const canBeTold = (variable: string): boolean =>
  /^[A-Za-z_]\w*$/.test(variable) && !/^(IFS|PPID|E?UID|BASHOPTS|SHELLOPTS|BASH_VERSINFO)$/.test(variable);
