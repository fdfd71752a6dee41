import { MillraceError } from '../core/error.ts';
import type { Instant } from '../core/instant.ts';
import { newcomerOf } from '../pipeline/decide.ts';
import type { Execution, Plan } from '../pipeline/execution.ts';
import type { ExecutionMessage } from '../pipeline/messages.ts';
import { decideEntries, decideLeaves, emptyQueue, type Queue } from '../pipeline/queue.ts';
import type { AggregateKind, Applied, Loaded } from '../store/store.ts';
import { type Along, type Change, type Decided, decidedQueue, type Leaving, nothingElse } from './decided.ts';
import type { Turns } from './turns.ts';

type Documented = Pick<Along, 'documents'>;

interface TurnstileParts {
  now: () => Instant;
  turns: Turns;
  load(kind: AggregateKind, id: string): Promise<Loaded | undefined>;
  decideRun(plan: Plan, create: ExecutionMessage): Decided<Execution>;
  write(changes: Change[], along: Along): Promise<Applied['result']>;
}

interface Comer {
  plan: Plan;
  along: Documented;
  resolve(hasBegun: boolean): void;
  reject(error: unknown): void;
}

interface Leaver {
  run: Change;
  leaving: Leaving;
  along: Along;
  resolve(result: Applied['result']): void;
  reject(error: unknown): void;
}

/**
 * So many runs are written together at most: those that come are small yet, those that end bring their logs. What else this node has
 * to write waits meanwhile, a tenth of a second for as many comers as this.
 */
const [mostComers, mostLeavers] = [512, 64];
/** A queue that others move all the time is moved in its own lane. */
const mostTries = 2;

/**
 * Lets runs into the queues of their pipelines and out again, each in one transaction with what becomes of the run itself. On one node
 * the changes of a queue follow one after the other.
 */
export function openTurnstile({ now, turns, load, decideRun, write }: TurnstileParts) {
  const comeIn = gather<Comer>((comers) => enter(comers.splice(0, mostComers)));
  /** Tells those who have come in, when the next are on their way: to answer hundreds takes as long as to write hundreds. */
  const owed: (() => void)[] = [];
  const goOut = gather<Leaver>((leavers, pipeline) => leave(leavers.splice(0, mostLeavers), pipeline));

  return {
    /**
     * Creates a run. Those that come while others are being let in go together in the next change: the queue is written once for all
     * of them. False, and nothing of the run is written, where others are concerned by its coming, where it is there already, or where
     * another node moves the queue all the time.
     */
    begin: (plan: Plan, along: Documented): Promise<boolean> =>
      new Promise((resolve, reject) => comeIn(plan.pipelineId, { plan, along, resolve, reject })),

    /**
     * Writes that a run has ended and gives up its turn; those that are admitted by that are told by commands. Those that end while the
     * queue is being moved go together in the next change. Where another node has moved the queue since we knew of it, the run leaves by
     * the command that it has asked for.
     */
    end: (run: Change, leaving: Leaving, along: Along): Promise<Applied['result']> =>
      new Promise((resolve, reject) => goOut(leaving.pipeline, { run, leaving, along, resolve, reject })),
  };

  /** What is to be done with the queue of a pipeline while another is at it is done together, in the next turn. */
  function gather<T>(go: (waiting: T[], pipeline: string) => Promise<void>): (pipeline: string, one: T) => void {
    const gathered = new Map<string, T[]>();
    return (pipeline, one) => {
      const others = gathered.get(pipeline);
      if (others) return void others.push(one);
      gathered.set(pipeline, [one]);
      void takeTurns(pipeline);
    };

    async function takeTurns(pipeline: string): Promise<void> {
      const waiting = gathered.get(pipeline)!;
      while (waiting.length > 0) await turns.take(pipeline, () => go(waiting, pipeline));
      gathered.delete(pipeline);
      tell();
    }
  }

  function tell(): void {
    for (const answer of owed.splice(0)) answer();
  }

  /** What becomes of one of them must not keep in the others: who could not go together goes alone. */
  async function leave(leavers: Leaver[], pipeline: string): Promise<void> {
    try {
      const loaded = await load('queue', pipeline);
      const before = (loaded?.state as Queue | undefined) ?? emptyQueue;
      const running = new Set(before.running.map(({ execution }) => execution));
      const isKnown = ({ run, along }: Leaver) => running.has(run.id) && !along.settles?.again;
      const inTurn = leavers.filter(isKnown);
      const strangers = leavers.filter((leaver) => !isKnown(leaver));
      const together = inTurn.length > 0 ? await leaveTogether(inTurn, before, loaded!.version) : undefined;
      // Who was alone decides anew what has been refused; of several nobody knows whose that was.
      const isTold = together === 'applied' || inTurn.length === 1;
      if (isTold) for (const { resolve } of inTurn) resolve(together!);
      await Promise.all([...strangers, ...(isTold ? [] : inTurn)].map(leaveAlone));
    } catch (thrown) {
      if (leavers.length > 1 && !(thrown instanceof MillraceError)) await Promise.all(leavers.map(leaveAlone));
      else for (const { reject } of leavers) reject(thrown);
    }
  }

  function leaveTogether(leavers: Leaver[], before: Queue, version: number): Promise<Applied['result']> {
    let left: Decided<Queue> = { ...nothingElse, state: before };
    for (const [limit, those] of Map.groupBy(leavers, ({ leaving }) => leaving.limit)) {
      const next = decidedQueue(
        decideLeaves(
          left.state,
          those.map(({ run }) => run.id),
          limit,
        ),
      );
      left = { ...next, commands: [...left.commands, ...next.commands] };
    }
    const changes = leavers.map(({ run, leaving: { command } }): Change => {
      const commands = run.decided.commands.filter(({ key }) => key !== command);
      return { ...run, decided: { ...run.decided, commands } };
    });
    const queue: Change = { kind: 'queue', id: leavers[0]!.leaving.pipeline, version, decided: left };
    const [settles, ...alsoSettles] = leavers.flatMap(({ along }) => along.settles ?? []);
    return write([...changes, queue], {
      ...(settles ? { settles, alsoSettles } : {}),
      commands: leavers.flatMap(({ along }) => along.commands ?? []),
      documents: leavers.flatMap(({ along }) => along.documents ?? []),
      log: leavers.flatMap(({ along }) => along.log ?? []),
    });
  }

  function leaveAlone({ run, along, resolve, reject }: Leaver): Promise<void> {
    return write([run], along).then(resolve, reject);
  }

  /** What one of them meets must not keep out the others: who could not go together goes alone. */
  async function enter(comers: Comer[]): Promise<void> {
    const [first, ...others] = comers;
    try {
      if (await enterTogether(comers)) return;
      if (others.length === 0) return first!.resolve(false);
    } catch (thrown) {
      if (others.length === 0 || thrown instanceof MillraceError) {
        for (const { reject } of comers) reject(thrown);
        return;
      }
    }
    for (const comer of comers) await enter([comer]);
  }

  async function enterTogether(comers: Comer[]): Promise<boolean> {
    const id = comers[0]!.plan.pipelineId;
    for (let tries = 0; tries < mostTries; tries++) {
      const loaded = await load('queue', id);
      const { queue, places } = decideEntries(
        (loaded?.state as Queue | undefined) ?? emptyQueue,
        comers.map(({ plan }) => ({ entry: newcomerOf(plan, now()), limit: plan.pipeline.concurrency })),
      );
      const changes = comers.flatMap(({ plan }, index): Change[] => {
        if (!places[index]) return [];
        const create = { type: 'create', plan, queued: places[index] === 'waits', stands: true } as const;
        return [{ kind: 'execution', id: plan.execution, version: 0, decided: decideRun(plan, create) }];
      });
      const moved: Change = {
        ...{ kind: 'queue', id, version: loaded?.version ?? 0 },
        decided: { ...nothingElse, state: queue },
      };
      const documents = comers.flatMap(({ along }, index) => (places[index] ? (along.documents ?? []) : []));
      const written = changes.length === 0 ? 'applied' : write([...changes, moved], { documents });
      setImmediate(tell);
      if ((await written) !== 'applied') continue;
      owed.push(() => {
        for (const [index, { resolve }] of comers.entries()) resolve(places[index] !== undefined);
      });
      return true;
    }
    return false;
  }
}
