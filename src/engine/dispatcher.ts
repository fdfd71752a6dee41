import { messageOf } from '../core/error.ts';
import type { Command } from '../store/store.ts';
import type { EngineParts } from './parts.ts';

/** At most this many commands are performed at once; most of them wait for a far side. */
const mostAtOnce = 64;
/** A sweep finds what no wake-up told of: a lost delivery is never a lost command. */
const sweepEvery = 1000;

export interface Dispatcher {
  /** Performs commands that were claimed with the commit that asked for them. */
  take(commands: Command[]): void;
  /** Looks for due commands now. */
  wake(): void;
  /** Claims nothing more, and waits for what is under way for at most `grace` milliseconds. */
  stop(grace: number): Promise<void>;
}

/** Performs due commands, each in its own time; a failure of ours is put off and tried again, never lost. */
export function startDispatcher(parts: EngineParts, perform: (command: Command) => Promise<void>): Dispatcher {
  const underWay = new Set<Promise<void>>();
  const ready: Command[] = [];
  let timer: NodeJS.Timeout | undefined;
  let claiming = false;
  let again = false;
  let stopped = false;
  schedule(0);

  return {
    take(commands) {
      ready.push(...commands);
      pump();
      schedule(0);
    },
    wake: () => schedule(0),
    async stop(grace) {
      stopped = true;
      clearTimeout(timer);
      ready.length = 0;
      await Promise.race([Promise.allSettled(underWay), new Promise((resolve) => setTimeout(resolve, grace).unref())]);
    },
  };

  function pump(): void {
    while (!stopped && ready.length > 0 && underWay.size < mostAtOnce) {
      const work = performSafely(ready.shift()!);
      underWay.add(work);
      void work.finally(() => {
        underWay.delete(work);
        pump();
        if (ready.length === 0) schedule(0);
      });
    }
  }

  async function performSafely(command: Command): Promise<void> {
    try {
      await perform(command);
    } catch (thrown) {
      if (stopped) return;
      parts.report('A command failed and is tried again.', {
        command: command.key,
        tries: command.tries,
        error: messageOf(thrown),
        stack: thrown instanceof Error ? thrown.stack : '',
      });
      await putOff(command);
    }
  }

  /** A claimed command that cannot even be put off (the disk is full) would wait for a restart, so this goes on until it can. */
  async function putOff(command: Command): Promise<void> {
    const wait = Math.min(30_000, 500 * 2 ** Math.min(command.tries, 6));
    while (!stopped) {
      const again = { due: parts.moment.now() + wait, body: command.body, keepTries: true };
      try {
        await parts.store.apply({
          settles: { command: command.id, fence: command.fence, again },
          aggregates: [],
          commands: [],
        });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, sweepEvery));
      }
    }
  }

  function schedule(delay: number): void {
    if (stopped) return;
    if (claiming) {
      again = true;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => void claim(), delay);
  }

  async function claim(): Promise<void> {
    claiming = true;
    again = false;
    let next = sweepEvery;
    try {
      const room = mostAtOnce - underWay.size - ready.length;
      if (room > 0) ready.push(...(await parts.store.claim(parts.node, parts.moment.now(), room)));
      const due = await parts.store.nextDue();
      if (due !== undefined) next = Math.min(sweepEvery, Math.max(5, due - parts.moment.now()));
    } catch (thrown) {
      parts.report('The store could not be asked for work; it is asked again.', { error: messageOf(thrown) });
    }
    claiming = false;
    pump();
    schedule(again ? 0 : next);
  }
}
