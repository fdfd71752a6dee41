import { type DeploymentMessage, decideDeployment } from '../blueprint/deploy.ts';
import type { Deployment, DeploymentEvent } from '../blueprint/deployment.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { decide, turnholderOf } from '../pipeline/decide.ts';
import type { Execution, ExecutionEvent, Plan } from '../pipeline/execution.ts';
import type { ExecutionCommand, ExecutionMessage } from '../pipeline/messages.ts';
import { decideQueue, emptyQueue, type Queue, type QueueMessage } from '../pipeline/queue.ts';
import { executionRecord } from '../pipeline/record.ts';
import type { AggregateKind, Applied, Command, Document, NewCommand, Transition } from '../store/store.ts';
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
     * Creates a run and gives it its turn, all in one transaction. False where it has to wait for its turn, or somebody else
     * has moved the queue meanwhile: nothing is written.
     */
    async begin(plan: Plan, along: Along): Promise<boolean> {
      const loaded = await store.load('queue', plan.pipelineId);
      const decided = decideExecution(plan.execution, null, { type: 'create', plan, queued: false });
      const entry = turnholderOf(decided.state);
      const before = (loaded?.state as Queue | undefined) ?? emptyQueue;
      const { queue, admitted, superseded } = decideQueue(before, { type: 'enter', entry }, plan.pipeline.concurrency);
      if (admitted.join() !== plan.execution || superseded.length > 0) return false;
      const written: Aggregate = {
        kind: 'queue',
        id: plan.pipelineId,
        version: loaded?.version ?? 0,
        state: queue as unknown as Json,
        summary: {},
        events: [],
      };
      const run = aggregateOf('execution', plan.execution, 0, decided);
      return (await write([run, written], decided, along)) === 'applied';
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
    const [first] = aggregates;
    if (applied.result === 'applied') {
      // What is written beside the first is of another kind: a queue, which all nodes move.
      if (first)
        recent.wrote(
          first.kind,
          first.id,
          { state: decided.state as Json, version: first.version + 1 },
          applied.claimed,
        );
      perform(applied.claimed);
      decided.observe?.();
    } else if (first) recent.forget(first.kind, first.id);
    return applied.result;
  }
}

const groundId = 'ground';

/** Events after which a deployment may be found by another name. */
const namesMove = new Set<string>(['deployment-requested', 'deployment-finished', 'deployment-edited']);

type Aggregate = Transition['aggregates'][number];

/** What a message to an aggregate leads to, in the words of the store. */
interface Decided<S> {
  state: S;
  events: (ExecutionEvent | DeploymentEvent | JsonObject)[];
  summary: JsonObject;
  commands: NewCommand[];
  documents: Document[];
  /** Told when it has been written. */
  observe?: () => void;
  /** What was to be created is there: nothing is written, nor what came along. */
  cameTooLate?: boolean;
}

const aggregateOf = <S>(kind: AggregateKind, id: string, version: number, decided: Decided<S>): Aggregate => ({
  kind,
  id,
  version,
  ...divided(kind, version, decided.state as unknown as JsonObject),
  summary: decided.summary,
  events: decided.events as JsonObject[],
});

/** The plan of a run never changes and is most of what there is to write: it is written once. */
function divided(kind: AggregateKind, version: number, state: JsonObject): Pick<Aggregate, 'fixed' | 'state'> {
  if (kind !== 'execution') return { state };
  const { plan, ...moving } = state;
  return { ...(version === 0 ? { fixed: { plan: plan! } } : {}), state: moving };
}

/** What touches the machine that a run lives on; all else can be done anywhere. */
const isTaskWork = ({ do: what }: Untold<ExecutionCommand>): boolean =>
  what === 'start-task' || what === 'poll-task' || what === 'cancel-task' || what === 'tidy';

/** A command without what says when and how often. */
type Untold<C> = C extends unknown ? Omit<C, 'key' | 'due'> : never;

const queueMessage = (execution: string, command: Untold<ExecutionCommand>): QueueMessage =>
  command.do === 'enter-queue' ? { type: 'enter', entry: command.entry } : { type: 'leave', execution };
