import { type DeploymentMessage, decideDeployment } from '../blueprint/deploy.ts';
import type { Deployment } from '../blueprint/deployment.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { decide, turnholderOf } from '../pipeline/decide.ts';
import type { Execution, Plan } from '../pipeline/execution.ts';
import type { ExecutionCommand, ExecutionMessage } from '../pipeline/messages.ts';
import { decideQueue, emptyQueue, type Queue, type QueueMessage } from '../pipeline/queue.ts';
import { executionRecord } from '../pipeline/record.ts';
import type { AggregateKind, Applied, Command, Document, NewCommand, Transition } from '../store/store.ts';
import { type Aggregate, aggregateOf, type Decided, isTaskWork, queueMessage } from './decided.ts';
import { deploymentName, deploymentSummary, leaseOf } from './deployment-record.ts';
import { decideFunctionRun, type FunctionMessage, type FunctionRun } from './function-run.ts';
import { type EngineParts, momentOf } from './parts.ts';
import { questionsOf } from './questions.ts';
import { recentStates } from './recent.ts';

/** What a message may bring along into the same transaction. */
export interface Along {
  settles?: Transition['settles'];
  commands?: NewCommand[];
  documents?: Document[];
  log?: Transition['log'];
}

export type Mailbox = ReturnType<typeof openMailbox>;

/**
 * The only way that states change: load, decide (pure), write everything in one transaction; and again from the start where
 * somebody else was faster. Answers the new state, or undefined where the command that led here has been taken over.
 */
export function openMailbox(parts: EngineParts, perform: (commands: Command[]) => void) {
  const { store } = parts;
  const recent = recentStates(parts.moment.now);

  return {
    /** The state that a command is about. */
    async stateFor(command: Command): Promise<Json | undefined> {
      return (recent.behind(command) ?? (await store.load(command.kind, command.aggregate)))?.state;
    },

    execution: (id: string, message: ExecutionMessage, along: Along = {}): Promise<Execution | undefined> =>
      deliver<Execution>('execution', id, along, (before) => decideExecution(id, before, message)),

    /**
     * Creates a run with its place in the queue of its pipeline, all in one transaction. False, and nothing is written, where others are
     * concerned by that, where the run is there already, or where somebody else moves the queue all the time.
     */
    async begin(plan: Plan, along: Along): Promise<boolean> {
      for (let tries = 0; tries < mostTries; tries++) {
        const loaded = recent.of('queue', plan.pipelineId) ?? (await store.load('queue', plan.pipelineId));
        const create = { type: 'create', plan, queued: false } as const;
        const admittedRun = decideExecution(plan.execution, null, create);
        const before = (loaded?.state as Queue | undefined) ?? emptyQueue;
        const message = { type: 'enter', entry: turnholderOf(admittedRun.state) } as const;
        const { queue, admitted, superseded } = decideQueue(before, message, plan.pipeline.concurrency);
        const isAdmitted = admitted.join() === plan.execution;
        if (superseded.length > 0 || (admitted.length > 0 && !isAdmitted)) return false;
        const run = isAdmitted
          ? admittedRun
          : decideExecution(plan.execution, null, { ...create, queued: true, stands: true });
        const standing: Aggregate = {
          ...{ kind: 'queue', id: plan.pipelineId, version: loaded?.version ?? 0, state: queue as unknown as Json },
          ...{ summary: {}, events: [] },
        };
        if ((await write([aggregateOf('execution', plan.execution, 0, run), standing], run, along)) === 'applied')
          return true;
        if (await store.load('execution', plan.execution)) return false;
      }
      return false;
    },

    deployment: (id: string, message: DeploymentMessage, along: Along = {}): Promise<Deployment | undefined> =>
      deliver<Deployment>('deployment', id, along, (before) => decideOnDeployment(id, before, message)),

    /**
     * Accepts a plan that was made when the ground had a version. False where another plan has been accepted since, so that the room
     * which this one counts on may be taken: nothing is written.
     */
    async accept(id: string, message: DeploymentMessage, along: Along, ground: number): Promise<boolean> {
      const loaded = await store.load('deployment', id);
      const decided = decideOnDeployment(id, (loaded?.state as Deployment | undefined) ?? null, message);
      const next: Aggregate = {
        ...{ kind: 'ground', id: groundId, version: ground, state: { plans: ground + 1 }, summary: {}, events: [] },
      };
      const own = aggregateOf('deployment', id, loaded?.version ?? 0, decided);
      return (await write(decided.events.length > 0 ? [own, next] : [], decided, along)) === 'applied';
    },

    /** Read before a plan is made. */
    ground: async (): Promise<number> => (await store.load('ground', groundId))?.version ?? 0,

    functionRun: (id: string, message: FunctionMessage, along: Along = {}): Promise<FunctionRun | undefined> =>
      deliver<FunctionRun>('function-run', id, along, (before) => {
        const { state, events, commands } = decideFunctionRun(before, message, parts.moment.now());
        return {
          state,
          events,
          summary: state as unknown as JsonObject,
          commands: commands.map(({ key, due, ...body }) => ({
            key,
            due,
            kind: 'function-run' as const,
            aggregate: id,
            lane: '',
            project: state.project,
            host: state.host ?? '',
            body: body as unknown as JsonObject,
          })),
          documents: [],
        };
      }),

    queue: (id: string, message: QueueMessage, limit: number, along: Along = {}): Promise<Queue | undefined> =>
      deliver<Queue>('queue', id, along, (before) => {
        const { queue, admitted, superseded } = decideQueue(before ?? emptyQueue, message, limit);
        const commands = admitted.map((execution) => ({
          key: `${execution}/admit`,
          due: 0,
          kind: 'execution' as const,
          aggregate: execution,
          lane: '',
          project: '',
          host: '',
          body: { do: 'admit' },
        }));
        const recalls = superseded.map(({ execution, by }) => ({
          key: `${execution}/superseded`,
          due: 0,
          kind: 'execution' as const,
          aggregate: execution,
          lane: '',
          project: '',
          host: '',
          body: { do: 'supersede', by: by.index },
        }));
        return { state: queue, events: [], summary: {}, commands: [...recalls, ...commands], documents: [] };
      }),

    /** Writes what belongs to no aggregate, under the same fence. False: somebody else has taken over. */
    async settle(along: Along & { settles: NonNullable<Transition['settles']> }): Promise<boolean> {
      const applied = await store.apply({ aggregates: [], commands: [], ...along });
      if (applied.result === 'applied') perform(applied.claimed);
      return applied.result === 'applied';
    },
  };

  function decideExecution(id: string, before: Execution | null, message: ExecutionMessage): Decided<Execution> {
    const { state, events, commands } = decide(before, message, momentOf(parts));
    const ended = events.some(({ type }) => type === 'execution-ended');
    const traces: ExecutionCommand[] =
      ended && parts.sendTrace ? [{ do: 'send-trace', key: `${id}/trace/${state.resumes?.count ?? 0}`, due: 0 }] : [];
    return {
      state,
      events,
      observe: () => parts.observer.happened(state, events),
      cameTooLate: message.type === 'create' && before !== null,
      summary: state ? executionRecord(state, { withStages: false }) : {},
      commands: [...commands, ...traces].map(({ key, due, ...body }) => {
        const isForQueue = body.do === 'leave-queue' || body.do === 'enter-queue';
        const common = { key, due, project: state.plan.project };
        if (isForQueue)
          return {
            ...common,
            kind: 'queue' as const,
            aggregate: state.plan.pipelineId,
            lane: `queue/${state.plan.pipelineId}`,
            host: '',
            body: queueMessage(id, body) as unknown as JsonObject,
          };
        return {
          ...common,
          kind: 'execution' as const,
          aggregate: id,
          lane: body.do === 'notify' ? `notify/${id}` : '',
          host: isTaskWork(body) ? (state.plan.host ?? '') : '',
          body: body as unknown as JsonObject,
        };
      }),
      documents: questionsOf(before, message, state, events, parts.moment.now()),
    };
  }

  function decideOnDeployment(id: string, before: Deployment | null, message: DeploymentMessage): Decided<Deployment> {
    const { state, events, commands } = decideDeployment(before, message, momentOf(parts));
    return {
      state,
      events,
      summary: state ? deploymentSummary(state) : {},
      commands: commands.map(({ key, due, ...body }) => ({
        key,
        due,
        kind: 'deployment' as const,
        aggregate: id,
        lane: '',
        project: state.project,
        host: body.do === 'tell-owner' ? '' : (state.host ?? ''),
        body: body as unknown as JsonObject,
      })),
      documents: events.some(({ type }) => namesMove.has(type)) ? [deploymentName(state), ...leaseOf(state)] : [],
    };
  }

  async function deliver<S>(
    kind: AggregateKind,
    id: string,
    along: Along,
    decideOn: (before: S | null) => Decided<S>,
  ): Promise<S | undefined> {
    for (let known = recent.of(kind, id); ; known = undefined) {
      const loaded = known ?? (await store.load(kind, id));
      const decided = decideOn((loaded?.state as S | undefined) ?? null);
      const isChanged = decided.events.length > 0 || kind === 'queue';
      if (known && (!isChanged || decided.cameTooLate)) continue;
      if (decided.cameTooLate) return decided.state;
      const aggregates = isChanged ? [aggregateOf(kind, id, loaded?.version ?? 0, decided)] : [];
      const result = await write(aggregates, decided, along);
      if (result === 'conflict') continue;
      return result === 'fenced' ? undefined : decided.state;
    }
  }

  async function write(
    aggregates: Aggregate[],
    decided: Pick<Decided<unknown>, 'state' | 'commands' | 'documents' | 'observe'>,
    along: Along,
  ): Promise<Applied['result']> {
    const now = parts.moment.now();
    const applied = await store.apply({
      settles: along.settles,
      aggregates,
      commands: [...decided.commands, ...(along.commands ?? [])].map((command) => ({
        ...command,
        due: command.due <= now ? 0 : command.due,
      })),
      documents: [...decided.documents, ...(along.documents ?? [])],
      log: along.log,
    });
    const [first, ...beside] = aggregates;
    if (applied.result === 'applied') {
      const known = (one: Aggregate, state: Json): void =>
        recent.wrote(one.kind, one.id, { state, version: one.version + 1 }, applied.claimed);
      if (first) known(first, decided.state as Json);
      // What is written beside the first holds all of its state. Only what is on disk is known: a version alone says not whose it is.
      for (const one of beside) known(one, one.state);
      perform(applied.claimed);
      decided.observe?.();
    } else for (const { kind, id } of aggregates) recent.forget(kind, id);
    return applied.result;
  }
}

const groundId = 'ground';
/** A queue that others move all the time is moved in its own lane. */
const mostTries = 2;

/** Events after which a deployment may be found by another name. */
const namesMove = new Set<string>(['deployment-requested', 'deployment-finished', 'deployment-edited']);
