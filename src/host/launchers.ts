import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { JobEnd } from './job-record.ts';
import { onLines } from './lines.ts';
import { killGroup, type ProcessMark, startTime } from './processes.ts';
import type { Shell } from './shells.ts';

export interface Launchers {
  /** A shell that stands ready, at once or soon; undefined where all launchers are at work and there are enough of them. */
  take(): Promise<Shell | undefined>;
  /** Makes one more stand ready, where it can; whoever has time calls it. */
  refill(): void;
  /** Lets all go that are at no work, but so many. */
  rest(kept: number): void;
}

/** A launcher, and what becomes of its shell: it has none, is starting one, has it ready, or has it at work. */
interface Launcher {
  process: ChildProcess;
  state: 'free' | 'starting' | 'ready' | 'at work';
  mark: ProcessMark;
  output: string;
  ended(end: JobEnd): void;
}

const noMark: ProcessMark = { pid: 0, started: '' };

/**
 * Reads the name of a file, makes it for its owner alone, starts a shell that prints there, says its number and, when it has ended, its exit code. The
 * shell reads what it shall do from where the names come from. Job control (`-m`), which few shells have without a terminal, gives it
 * a process group of its own; it is off again when its end is waited for, since a shell that is stopped for a while has not ended.
 */
const program = `mask=$(umask)
while IFS= read -r output; do
umask 077
{ umask "$mask"; set -m; /bin/sh >&3 2>&1 3>&- & set +m; } 3>"$0/$output" || exit
echo "$!"
wait "$!"
echo "$?"
done`;

/**
 * Starting a process costs Node.js, which must copy the map of its own memory, several times what it costs a small one. A launcher is
 * such a small process: it starts one shell at a time, and has it stand ready before anybody asks for it. Where there is no bash there
 * are no launchers.
 * @param environment what all shells have
 * @param directory where the files are that the shells print to; closed to everybody else
 * @param spare so many shells stand ready at rest
 * @param most so many launchers there are when many shells are needed
 */
export function openLaunchers(
  environment: NodeJS.ProcessEnv,
  directory: string,
  spare: number,
  most: number,
): Launchers {
  const launchers = new Set<Launcher>();
  const waiting: ((shell: Shell | undefined) => void)[] = [];
  let files = 0;
  let hasBash = true;
  const inState = (state: Launcher['state']): Launcher[] => [...launchers].filter((each) => each.state === state);

  return {
    async take() {
      const [ready] = inState('ready');
      if (ready) return shellOf(ready);
      const isOnItsWay = inState('starting').length > waiting.length;
      if (!isOnItsWay && !prepareOne()) return undefined;
      return new Promise((resolve) => waiting.push(resolve));
    },
    refill() {
      const standing = inState('ready').length + inState('starting').length;
      if (inState('free').length > 0 || standing < spare) prepareOne();
    },
    rest(kept) {
      for (const launcher of [...inState('ready'), ...inState('free')].slice(kept)) dismiss(launcher);
    },
  };

  function prepareOne(): boolean {
    const launcher = inState('free')[0] ?? oneMore();
    if (launcher) prepare(launcher);
    return launcher !== undefined;
  }

  function oneMore(): Launcher | undefined {
    if (launchers.size >= most || !hasBash) return undefined;
    // Where its input is a socket, as Node.js makes it, bash takes itself for a shell from afar, and reads its owner's settings.
    const child = spawn('bash', ['--norc', '-c', program, directory], {
      ...{ cwd: '/', env: environment, detached: true },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      hasBash &&= error.code !== 'ENOENT';
    });
    if (child.pid === undefined) return undefined;
    const launcher: Launcher = { process: child, state: 'free', mark: noMark, output: '', ended: () => undefined };
    launchers.add(launcher);
    (child.stdin as Writable).on('error', () => undefined);
    onLines(child.stdout as Socket, (line) => hear(launcher, Number(line)));
    child.on('close', () => lose(launcher));
    return launcher;
  }

  function prepare(launcher: Launcher): void {
    const name = String(files++);
    Object.assign(launcher, { state: 'starting', mark: noMark, output: join(directory, name) });
    launcher.process.stdin!.write(`${name}\n`);
  }

  /** The number of a shell that stands ready from now on, or the exit code of one that has ended. */
  function hear(launcher: Launcher, told: number): void {
    if (launcher.state === 'starting') {
      const started = startTime(told);
      Object.assign(launcher, { state: 'ready', mark: { pid: told, started } });
      if (started === undefined) dismiss(launcher);
      else waiting.shift()?.(shellOf(launcher));
    } else if (launcher.state === 'at work') {
      launcher.state = 'free';
      // Where a signal ended it, it may have left some of what it should read to whoever reads next.
      if (told > 128) dismiss(launcher);
      launcher.ended({ exitCode: told, stopped: null });
    } else dismiss(launcher);
  }

  function shellOf(launcher: Launcher): Shell {
    launcher.state = 'at work';
    return {
      mark: launcher.mark,
      output: launcher.output,
      dismiss: () => dismiss(launcher),
      perform(order, ended) {
        launcher.ended = ended;
        launcher.process.stdin!.write(order);
      },
    };
  }

  /** Nobody would hear how its shell ends. */
  function lose(launcher: Launcher): void {
    const wasAtWork = launcher.state === 'at work';
    dismiss(launcher);
    if (wasAtWork) launcher.ended({ exitCode: null, stopped: null, lost: true });
  }

  function dismiss(launcher: Launcher): void {
    if (!launchers.delete(launcher)) return;
    if (launcher.state === 'starting' && waiting.length > inState('starting').length) waiting.pop()!(undefined);
    launcher.process.kill('SIGKILL');
    if (launcher.state === 'free') return;
    // One that is starting ends by itself: it is told nothing any more.
    if (launcher.mark.pid > 0) killGroup(launcher.mark.pid, 'SIGKILL');
    rmSync(launcher.output, { force: true });
  }
}
