import { MillraceError } from '../core/error.ts';
import { turnholderOf } from '../pipeline/decide.ts';
import type { Execution, Plan } from '../pipeline/execution.ts';
import type { ExecutionMessage } from '../pipeline/messages.ts';
import { decideEntries, emptyQueue, type Queue } from '../pipeline/queue.ts';
import type { AggregateKind, Applied, Loaded } from '../store/store.ts';
import { type Along, type Change, type Decided, decidedQueue, type Leaving, nothingElse } from './decided.ts';
import type { Turns } from './turns.ts';

type Documented = Pick<Along, 'documents'>;

interface TurnstileParts {
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

/** So many runs are written together at most. */
const mostTogether = 256;
/** A queue that others move all the time is moved in its own lane. */
const mostTries = 2;

/**
 * Lets runs into the queues of their pipelines and out again, each in one transaction with what becomes of the run itself. On one node
 * the changes of a queue follow one after the other.
 */
export function openTurnstile({ turns, load, decideRun, write }: TurnstileParts) {
  /** Who waits before the queue of each pipeline, as long as somebody is being let in. */
  const waiting = new Map<string, Comer[]>();

  return {
    /**
     * Creates a run. Those that come while others are being let in go together in the next change: the queue is written once for all
     * of them. False, and nothing of the run is written, where others are concerned by its coming, where it is there already, or where
     * another node moves the queue all the time.
     */
    begin: (plan: Plan, along: Documented): Promise<boolean> =>
      new Promise((resolve, reject) => {
        const comer = { plan, along, resolve, reject };
        const others = waiting.get(plan.pipelineId);
        if (others) others.push(comer);
        else {
          waiting.set(plan.pipelineId, [comer]);
          void letIn(plan.pipelineId);
        }
      }),

    /**
     * Writes that a run has ended and gives up its turn; those that are admitted by that are told by commands. Where the queue is being
     * moved already, or another node has moved it since we knew of it, the run leaves by the command that it has asked for.
     */
    async end(run: Change, { pipeline, limit, command }: Leaving, along: Along): Promise<Applied['result']> {
      if (turns.isTaken(pipeline)) return write([run], along);
      return turns.take(pipeline, async () => {
        const loaded = await load('queue', pipeline);
        const before = (loaded?.state as Queue | undefined) ?? emptyQueue;
        if (!before.running.some(({ execution }) => execution === run.id)) return write([run], along);
        const commands = run.decided.commands.filter(({ key }) => key !== command);
        const decided = decidedQueue(before, { type: 'leave', execution: run.id }, limit);
        const left: Change = { kind: 'queue', id: pipeline, version: loaded!.version, decided };
        return write([{ ...run, decided: { ...run.decided, commands } }, left], along);
      });
    },
  };

  async function letIn(pipeline: string): Promise<void> {
    const comers = waiting.get(pipeline)!;
    while (comers.length > 0) await turns.take(pipeline, () => enter(comers.splice(0, mostTogether)));
    waiting.delete(pipeline);
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
    const runs = comers.map(({ plan }) => decideRun(plan, { type: 'create', plan, queued: false }));
    const id = comers[0]!.plan.pipelineId;
    for (let tries = 0; tries < mostTries; tries++) {
      const loaded = await load('queue', id);
      const { queue, places } = decideEntries(
        (loaded?.state as Queue | undefined) ?? emptyQueue,
        comers.map(({ plan }, index) => ({
          entry: turnholderOf(runs[index]!.state),
          limit: plan.pipeline.concurrency,
        })),
      );
      const changes = comers.flatMap(({ plan }, index): Change[] => {
        if (!places[index]) return [];
        const waits = { type: 'create', plan, queued: true, stands: true } as const;
        const decided = places[index] === 'runs' ? runs[index]! : decideRun(plan, waits);
        return [{ kind: 'execution', id: plan.execution, version: 0, decided }];
      });
      const moved: Change = {
        ...{ kind: 'queue', id, version: loaded?.version ?? 0 },
        decided: { ...nothingElse, state: queue },
      };
      const documents = comers.flatMap(({ along }, index) => (places[index] ? (along.documents ?? []) : []));
      const hasBegun = changes.length === 0 || (await write([...changes, moved], { documents })) === 'applied';
      if (!hasBegun) continue;
      for (const [index, { resolve }] of comers.entries()) resolve(places[index] !== undefined);
      return true;
    }
    return false;
  }
}
