import { messageOf } from '../core/error.ts';
import type { Instant } from '../core/instant.ts';
import { nextProject } from '../pipeline/fairness.ts';
import type { Command } from '../store/store.ts';
import type { Load } from './observe.ts';
import type { EngineParts } from './parts.ts';

/** At most this many commands are performed at once; most of them wait for a far side. */
const mostAtOnce = 64;
/** One project alone never holds more of these places: its far sides may hang, and others have work too. */
const mostOfOne = 48;
/** A sweep finds what no ring told of: a lost delivery is never a lost command. */
const sweepEvery = 1000;

export interface Dispatcher {
  /** Claims what is due from now on. */
  begin(): void;
  /** Performs commands that were claimed with the commit that asked for them. */
  take(commands: Command[]): void;
  load(): Load;
  /** Claims nothing more, and waits for what is under way for at most `grace` milliseconds. */
  stop(grace: number): Promise<void>;
}

/** Performs due commands, each in its own time; a failure of ours is put off and tried again, never lost. */
export function openDispatcher(parts: EngineParts, perform: (command: Command) => Promise<void>): Dispatcher {
  const underWay = new Set<Promise<void>>();
  /** How many commands of each project are under way. */
  const busy = new Map<string, number>();
  /** Claimed and not begun, by project, each in the order in which it came. */
  const ready = new Map<string, Arrival[]>();
  let arrivals = 0;
  let timer: NodeJS.Timeout | undefined;
  /** When the next claim is made. */
  let next = Number.POSITIVE_INFINITY;
  let claiming = false;
  /** Why the last claim may have left behind what was due: there was no room, or its project holds as much as it may. */
  let starved: 'for room' | 'of a crowd' | undefined;
  let stopped = false;
  let looked = parts.moment.now();

  return {
    begin() {
      parts.store.bell.on('work', claimAt);
      claimAt(0);
    },
    take(commands) {
      enqueue(commands);
      pump();
    },
    load: () => ({
      underWay: underWay.size,
      ready: [...ready.values()].reduce((sum, { length }) => sum + length, 0),
      sinceLook: parts.moment.now() - looked,
    }),
    async stop(grace) {
      stopped = true;
      parts.store.bell.off('work', claimAt);
      clearTimeout(timer);
      ready.clear();
      await Promise.race([Promise.allSettled(underWay), new Promise((resolve) => setTimeout(resolve, grace).unref())]);
    },
  };

  function enqueue(commands: Command[]): void {
    for (const command of commands) {
      const arrival = { command, number: arrivals++ };
      const others = ready.get(command.project);
      if (others) others.push(arrival);
      else ready.set(command.project, [arrival]);
    }
  }

  /** The next command of whoever's turn it is. */
  function dequeue(): Command | undefined {
    const shares = [...ready].map(([project, [first]]) => ({
      project,
      underWay: busy.get(project) ?? 0,
      oldest: first!.number,
    }));
    const project = nextProject(shares, mostOfOne);
    if (project === undefined) return undefined;
    const waiting = ready.get(project)!;
    const { command } = waiting.shift()!;
    if (waiting.length === 0) ready.delete(project);
    return command;
  }

  function pump(): void {
    while (!stopped && underWay.size < mostAtOnce) {
      const command = dequeue();
      if (!command) return;
      const { project } = command;
      busy.set(project, (busy.get(project) ?? 0) + 1);
      const work = performSafely(command);
      underWay.add(work);
      void work.finally(() => {
        underWay.delete(work);
        const left = busy.get(project)! - 1;
        if (left === 0) busy.delete(project);
        else busy.set(project, left);
        pump();
        if (starved === 'for room' || (starved && heldBy(project) < mostOfOne)) claimAt(0);
      });
    }
  }

  async function performSafely(command: Command): Promise<void> {
    try {
      await perform(command);
    } catch (thrown) {
      if (stopped) return;
      parts.report('A command failed and is tried again.', {
        ...(command.kind === 'execution' ? { execution: command.aggregate } : {}),
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

  function claimAt(due: Instant): void {
    if (stopped || due >= next) return;
    next = due;
    if (claiming) return;
    clearTimeout(timer);
    const delay = Math.max(due - parts.moment.now(), 0);
    timer = setTimeout(() => void claim(), Math.min(delay, sweepEvery));
  }

  /** Projects of which no more is claimed, since they have as much at hand as they may hold. */
  function crowded(): string[] {
    return [...new Set([...busy.keys(), ...ready.keys()])].filter((project) => project && heldBy(project) >= mostOfOne);
  }

  function heldBy(project: string): number {
    return (busy.get(project) ?? 0) + (ready.get(project)?.length ?? 0);
  }

  async function claim(): Promise<void> {
    claiming = true;
    next = Number.POSITIVE_INFINITY;
    const now = parts.moment.now();
    let soonest = now + sweepEvery;
    try {
      const room = mostAtOnce - underWay.size;
      const others = crowded();
      if (room > 0) {
        const found = await parts.store.claim(now, room, { perProject: mostOfOne, crowded: others });
        enqueue(found.commands);
        if (found.next !== undefined) soonest = Math.min(soonest, found.next);
        looked = parts.moment.now();
        const isCrowded = others.length > 0 || crowded().length > 0;
        starved = found.commands.length === room ? 'for room' : isCrowded ? 'of a crowd' : undefined;
      } else {
        starved = 'for room';
        looked = now;
      }
    } catch (thrown) {
      parts.report('The store could not be asked for work; it is asked again.', { error: messageOf(thrown) });
    }
    claiming = false;
    pump();
    const wanted = Math.min(next, soonest);
    next = Number.POSITIVE_INFINITY;
    claimAt(wanted);
  }
}

interface Arrival {
  command: Command;
  /** Counts what came, so that older is smaller. */
  number: number;
}
