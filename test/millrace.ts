import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../src/millrace.mjs');

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** The command line, as a process of its own. */
export function startMillrace(args: string[], environment: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: 'pipe',
  });
}

/** Runs one command to its end. */
export function millrace(args: string[], environment: Record<string, string> = {}, input = ''): Promise<Ended> {
  const child = startMillrace(args, environment);
  child.stdin!.end(input);
  let [out, err] = ['', ''];
  child.stdout!.on('data', (chunk) => (out += chunk));
  child.stderr!.on('data', (chunk) => (err += chunk));
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, out, err })));
}
