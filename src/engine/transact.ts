import { type DeploymentMessage, decideDeployment } from '../blueprint/deploy.ts';
import type { Deployment } from '../blueprint/deployment.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { decide } from '../pipeline/decide.ts';
import type { Execution } from '../pipeline/execution.ts';
import type { ExecutionCommand, ExecutionMessage } from '../pipeline/messages.ts';
import { decideQueue, emptyQueue, type Queue, type QueueMessage } from '../pipeline/queue.ts';
import { executionRecord } from '../pipeline/record.ts';
import type { AggregateKind, Applied, Command, Transition } from '../store/store.ts';
import {
  type Along,
  aggregateOf,
  type Change,
  type Decided,
  decidedQueue,
  isChange,
  isTaskWork,
  nothingElse,
  queueMessage,
} from './decided.ts';
import { deploymentName, deploymentSummary, leaseOf } from './deployment-record.ts';
import { decideFunctionRun, type FunctionMessage, type FunctionRun } from './function-run.ts';
import { type EngineParts, momentOf } from './parts.ts';
import { questionsOf } from './questions.ts';
import { recentStates } from './recent.ts';
import { startVariables } from './start-variables.ts';
import { openTurns } from './turns.ts';
import { openTurnstile } from './turnstile.ts';

export type Mailbox = ReturnType<typeof openMailbox>;

/**
 * The only way that states change: load, decide (pure), write everything in one transaction; and again from the start where
 * somebody else was faster. Answers the new state, or undefined where the command that led here has been taken over.
 */
export function openMailbox(parts: EngineParts, perform: (commands: Command[]) => void) {
  const { store } = parts;
  const recent = recentStates(parts.moment.now, store);
  const variables = startVariables(parts.moment.now);
  const turns = openTurns();
  const turnstile = openTurnstile({
    now: parts.moment.now,
    turns,
    load: async (kind, id) => recent.of(kind, id) ?? (await store.load(kind, id)),
    decideRun: (plan, create) => decideExecution(plan.execution, null, create),
    write,
  });

  return {
    /** The state that a command is about. */
    async stateFor(command: Command): Promise<Json | undefined> {
      return (recent.behind(command) ?? (await store.load(command.kind, command.aggregate)))?.state;
    },

    /** The variables that a task starts with, where they are known already. */
    variablesFor: variables.variablesFor,

    execution: (id: string, message: ExecutionMessage, along: Along = {}): Promise<Execution | undefined> =>
      deliver<Execution>('execution', id, along, (before) => decideExecution(id, before, message)),

    begin: turnstile.begin,

    deployment: (id: string, message: DeploymentMessage, along: Along = {}): Promise<Deployment | undefined> =>
      deliver<Deployment>('deployment', id, along, (before) => decideOnDeployment(id, before, message)),

    /**
     * Accepts a plan that was made when the ground had a version. False where another plan has been accepted since, so that the room
     * which this one counts on may be taken: nothing is written.
     */
    async accept(id: string, message: DeploymentMessage, along: Along, ground: number): Promise<boolean> {
      const loaded = await store.load('deployment', id);
      const decided = decideOnDeployment(id, (loaded?.state as Deployment | undefined) ?? null, message);
      const own = { kind: 'deployment', id, version: loaded?.version ?? 0, decided } as const;
      const plans = { ...nothingElse, state: { plans: ground + 1 } };
      const next = { kind: 'ground', id: groundId, version: ground, decided: plans } as const;
      return (await write(decided.events.length > 0 ? [own, next] : [own], along)) === 'applied';
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
      turns.take(id, () =>
        deliver<Queue>('queue', id, along, (before) => decidedQueue(decideQueue(before ?? emptyQueue, message, limit))),
      ),

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
    const leaving = commands.find((command) => command.do === 'leave-queue');
    return {
      state,
      events,
      observe: () => parts.observer.happened(state, events),
      // A run that never began may have yet to enter, in the lane of its queue: so it leaves in that.
      leaves:
        leaving && before && before.startedAt !== null
          ? { pipeline: state.plan.pipelineId, limit: state.plan.pipeline.concurrency, command: leaving.key }
          : undefined,
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
    let isContested = false;
    for (let known = recent.of(kind, id); ; known = undefined) {
      const loaded = known ?? (await store.load(kind, id));
      const decided = decideOn((loaded?.state as S | undefined) ?? null);
      if (known && (!isChange({ kind, decided }) || decided.cameTooLate)) continue;
      if (decided.cameTooLate) return decided.state;
      const change: Change = { kind, id, version: loaded?.version ?? 0, decided };
      const { leaves } = decided;
      const result = leaves && !isContested ? await turnstile.end(change, leaves, along) : await write([change], along);
      isContested = true;
      if (result === 'conflict') continue;
      return result === 'fenced' ? undefined : decided.state;
    }
  }

  async function write(changes: Change[], along: Along): Promise<Applied['result']> {
    const now = parts.moment.now();
    const changed = changes.filter(isChange);
    const asked = [...changes.flatMap(({ decided }) => decided.commands), ...(along.commands ?? [])];
    const commands = asked.map((command) => ({ ...command, due: command.due <= now ? 0 : command.due }));
    const wants = variables.wantedBy(commands);
    const applied = await store.apply({
      settles: along.settles,
      ...(along.alsoSettles ? { alsoSettles: along.alsoSettles } : {}),
      aggregates: changed.map(aggregateOf),
      commands,
      documents: [...changes.flatMap(({ decided }) => decided.documents), ...(along.documents ?? [])],
      log: along.log,
      ...(wants ? { wants } : {}),
    });
    if (applied.result === 'applied') {
      if (wants && applied.listed) variables.keep(applied.listed, wants, applied.claimed, now);
      // Only what is on disk is known: a version alone says not whose it is.
      for (const { kind, id, version, decided } of changed)
        recent.wrote(kind, id, { state: decided.state as Json, version: version + 1 }, applied.claimed);
      perform(applied.claimed);
      for (const { decided } of changes) decided.observe?.();
    } else for (const { kind, id } of changed) recent.forget(kind, id);
    return applied.result;
  }
}

const groundId = 'ground';

/** Events after which a deployment may be found by another name. */
const namesMove = new Set<string>(['deployment-requested', 'deployment-finished', 'deployment-edited']);
