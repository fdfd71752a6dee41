import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { unmountUnder } from './mounts.ts';

/** A process that outlives this one and is found again: its number, and when the kernel started it, since numbers are used again. */
export interface ProcessMark {
  pid: number;
  started: string;
}

export interface OwnedProcess {
  /** Directory for its pid file and log. */
  directory: string;
  name: string;
  command: string[];
  environment: Record<string, string | undefined>;
  cwd?: string;
}

/** Milliseconds: so long a process may take to end by itself when it is asked to. */
const grace = 2000;

/** In the environment of everything we start: how strays are found. */
const ownerVariable = 'MILLRACE_OWNER';

/** Starts a process in a group of its own, or adopts the one that was started before. Its output goes to `<name>.log`. */
export function startOwned({ directory, name, command, environment, cwd }: OwnedProcess): ProcessMark {
  mkdirSync(directory, { recursive: true });
  const standing = ownedProcess(directory, name);
  if (standing) return standing;
  const output = openSync(join(directory, `${name}.log`), 'a');
  try {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: cwd ?? directory,
      env: { ...environment, [ownerVariable]: join(directory, name) },
      detached: true,
      stdio: ['ignore', output, output],
    });
    child.on('error', () => undefined);
    if (child.pid === undefined) throw new Error(`${command[0]} could not be started.`);
    child.unref();
    const mark = { pid: child.pid, started: startTime(child.pid) ?? '' };
    writeAtomic(join(directory, `${name}.pid`), JSON.stringify(mark));
    return mark;
  } finally {
    closeSync(output);
  }
}

/** The living process of this name, also where a crash fell between its start and the writing of its pid file. */
export function ownedProcess(directory: string, name: string): ProcessMark | undefined {
  const mark = readJson<ProcessMark>(join(directory, `${name}.pid`));
  if (mark && isAlive(mark)) return mark;
  const [stray] = markedProcesses(join(directory, name)).filter(({ exact }) => exact);
  return stray && { pid: stray.pid, started: startTime(stray.pid) ?? '' };
}

/**
 * Of two processes of one name, that which finds its address taken leaves it to the other. Two come to be where a server dies in the
 * moment in which it starts one: the next server does not see that one yet, and starts another.
 */
export function leaveToTwin(directory: string, name: string, { code }: NodeJS.ErrnoException): void {
  if (code !== 'EADDRINUSE' || !markedProcesses(join(directory, name)).some(({ exact }) => exact)) return;
  process.stderr.write('Another process of this name has the address; this one ends.\n');
  process.exit(0);
}

/**
 * Stops everything that was started under a directory: groups, and whatever left its group but kept our mark. Resolves when the
 * last of them is dead; one that is dying has lost its mark already, and still holds its ports.
 * @param confirm throws where this is no longer ours to stop: this process may have slept while others started it anew
 */
export async function stopOwned(directory: string, confirm = () => {}): Promise<void> {
  const deadline = Date.now() + grace;
  const seen = new Map<number, ProcessMark>();
  signalAll('SIGTERM');
  while (someLive()) {
    if (Date.now() >= deadline) signalAll('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
    confirm();
  }

  function someLive(): boolean {
    for (const { pid } of markedProcesses(directory)) seen.set(pid, { pid, started: startTime(pid) ?? '' });
    return [...seen.values()].some(isAlive);
  }

  function signalAll(signal: NodeJS.Signals): void {
    someLive();
    for (const mark of seen.values()) {
      try {
        if (isAlive(mark)) process.kill(mark.pid, signal);
      } catch {
        // It ended by itself.
      }
    }
  }
}

export function isAlive({ pid, started }: ProcessMark): boolean {
  const now = pid > 0 ? startTime(pid) : undefined;
  return now !== undefined && (started === '' || now === started);
}

/** This process, as others on the machine can find out whether it lives. `space`: one boot of one kernel, one container. */
export function ownProcess(): ProcessMark & { space: string } {
  return { pid: process.pid, started: startTime(process.pid) ?? '', space: processSpace() };
}

/** Whether a process has certainly ended: one of another boot or container cannot be asked after. */
export const isCertainlyGone = (mark: ProcessMark & { space: string }): boolean =>
  mark.space !== '' && mark.space === processSpace() && !isAlive(mark);

function processSpace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** The kernel's word for when a process started; undefined where there is none, or only its remains. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return process.platform === 'linux' ? undefined : aliveBySignal(pid);
  }
}

function aliveBySignal(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return '';
  } catch {
    return undefined;
  }
}

export function killGroup(pid: number, signal: NodeJS.Signals): void {
  const { stackTraceLimit } = Error;
  // Most often nobody is left in the group, which is what was wanted: where that is said is of no interest, and dear to find out.
  Error.stackTraceLimit = 0;
  try {
    process.kill(-pid, signal);
  } catch {
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function markedProcesses(path: string): { pid: number; exact: boolean }[] {
  return processIds().flatMap((pid) => {
    const mark = markOf(pid);
    const isBelow = mark !== undefined && `${mark}/`.startsWith(`${path}/`);
    return isBelow && startTime(pid) !== undefined ? [{ pid, exact: mark === path }] : [];
  });
}

/** Whether a process was started under a directory, by us or by what we started there. */
export const isMarked = (pid: number, path: string): boolean => `${markOf(pid) ?? ''}/`.startsWith(`${path}/`);

function markOf(pid: number): string | undefined {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return variables.find((variable) => variable.startsWith(`${ownerVariable}=`))?.slice(ownerVariable.length + 1);
  } catch {
    return undefined;
  }
}

export function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 1 && pid !== process.pid);
  } catch {
    return [];
  }
}

/** Either the old content or the new, never half of it. */
export function writeAtomic(path: string, text: string, mode = 0o600): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, path);
}

export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** With all that is in it; what is mounted there is let go of first. */
export function removeTree(path: string): void {
  unmountUnder(path);
  rmSync(path, { recursive: true, force: true });
}
