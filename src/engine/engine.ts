import type { Deployment } from '../blueprint/deployment.ts';
import { MillraceError, messageOf } from '../core/error.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Execution, Parent, Plan } from '../pipeline/execution.ts';
import type { Pipeline } from '../pipeline/model.ts';
import type { QueueMessage } from '../pipeline/queue.ts';
import { succeeded } from '../pipeline/reopen.ts';
import { bindInputs } from '../pipeline/start.ts';
import { spansOf } from '../pipeline/trace.ts';
import type { Surroundings } from '../pipeline/validate.ts';
import type { Command, Document } from '../store/store.ts';
import { answerer, type Responder } from './answer.ts';
import { startClock } from './clock.ts';
import { lookAtSyncs } from './content-sources.ts';
import { type DeploymentDesk, deploymentDesk } from './deployments.ts';
import { openDispatcher } from './dispatcher.ts';
import type { FunctionRun } from './function-run.ts';
import { functionDesk } from './functions.ts';
import { housekeeper } from './housekeeping.ts';
import { integrationsOf } from './integrations.ts';
import { lookAtLeases } from './leases.ts';
import { needsTurn, nestedRuns } from './nested.ts';
import type { Load } from './observe.ts';
import type { EngineParts } from './parts.ts';
import { actionPerformer } from './perform-action.ts';
import { noticePerformer } from './perform-notice.ts';
import { notificationPerformer } from './perform-notification.ts';
import { taskPerformer } from './perform-task.ts';
import { runnablePipeline } from './runnable.ts';
import { streamDesk } from './streams.ts';
import { causeTeller } from './tell-cause.ts';
import { ownerTeller } from './tell-owner.ts';
import { openMailbox } from './transact.ts';
import { removeWorkspace } from './workspace.ts';

const mostTracesTries = 5;

export interface StartRequest {
  pipeline: Document;
  /** What it may name, where that was read already. */
  around?: Surroundings;
  input: Record<string, Json>;
  comments: string;
  tags: string[];
  requestedBy: string;
  triggeredBy?: string;
  source: string;
  /** The same key twice is one execution: a webhook that is delivered again. */
  id?: string;
  /** What has this key was never begun, as far as is known: it need not be looked for first. */
  isNew?: boolean;
  documents?: (execution: string, index: number) => Document[];
  /** A run that failed, whose pipeline, inputs and successes are taken over. */
  from?: Execution;
  parent?: Parent;
  /** Where it is not the pipeline's. */
  priority?: number;
  /** The machine that it shares with the run that asked for it. */
  host?: string;
  root?: string;
  cause?: Plan['cause'];
}

export interface Engine {
  /** Performs what is due from now on; it may call this server. */
  begin(): void;
  startExecution(request: StartRequest): Promise<{ id: string; index: number }>;
  cancel(execution: string, by: string, reason: string): Promise<void>;
  pause(execution: string, by: string, reason: string): Promise<void>;
  /** Goes on after a pause; a run that failed waits for its turn again and goes on from there. */
  resume(execution: string, by: string, reason: string): Promise<void>;
  tag(execution: string, tags: string[]): Promise<void>;
  answer(question: Document, approved: boolean, by: Responder, comment: string): Promise<void>;
  deployments: DeploymentDesk;
  runFunction(actionId: string, inputs: JsonObject, by: string, key: string | undefined): Promise<FunctionRun>;
  cancelFunction(id: string): Promise<FunctionRun | undefined>;
  /** Opens the lines of listeners that were just told to be connected, sooner than at the next look. */
  lookAtStreams(): Promise<void>;
  load(): Load;
  stop(): Promise<void>;
}

/** The hands: takes what was decided, performs it durably with what the catalogue offers, and writes what happened. */
export async function openEngine(parts: EngineParts): Promise<Engine> {
  const { store } = parts;
  await store.release(parts.node.name);
  const mailbox = openMailbox(parts, (commands) => dispatcher.take(commands));
  const functions = functionDesk(parts, mailbox);
  const deployments = deploymentDesk(parts, mailbox, functions);
  const nested = nestedRuns(parts, mailbox, startExecution);
  const tasks = taskPerformer(parts, mailbox, {
    deployments,
    integrations: integrationsOf(parts),
    executions: nested.forTask,
  });
  const actions = actionPerformer(parts, mailbox, functions);
  const tellOwner = ownerTeller(parts, mailbox);
  const notices = noticePerformer(parts, mailbox);
  const sendNotification = notificationPerformer(parts, mailbox);
  const tellCause = causeTeller(parts, mailbox);
  const dispatcher = openDispatcher(parts, perform);
  const streams = streamDesk(parts, { startExecution });
  let clock: ReturnType<typeof startClock> | undefined;

  return {
    begin() {
      dispatcher.begin();
      clock = startClock(parts, { startExecution }, [
        streams.look,
        () => lookAtLeases(parts, deployments),
        () => lookAtSyncs(parts),
        housekeeper(parts),
      ]);
    },
    deployments,
    runFunction: functions.request,
    cancelFunction: functions.cancel,

    startExecution,

    async cancel(execution, by, reason) {
      const state = await mailbox.execution(execution, { type: 'cancel', by, reason });
      if (!state) throw new MillraceError('not.found', { message: `There is no execution ${execution}.` });
    },

    async pause(execution, by, reason) {
      await mailbox.execution(execution, { type: 'pause', by, reason });
    },

    async resume(execution, by, reason) {
      await mailbox.execution(execution, { type: 'resume', by, reason });
    },

    async tag(execution, tags) {
      await mailbox.execution(execution, { type: 'tag', tags });
    },

    answer: answerer(parts, mailbox),

    lookAtStreams: streams.look,
    load: dispatcher.load,
    stop() {
      clock?.stop();
      streams.stop();
      return dispatcher.stop(3000);
    },
  };

  async function startExecution({
    pipeline: document,
    around,
    input,
    comments,
    tags,
    requestedBy,
    triggeredBy = requestedBy,
    source,
    id: key,
    isNew = key === undefined,
    documents,
    from,
    parent,
    priority,
    host,
    root,
    cause,
  }: StartRequest): Promise<{ id: string; index: number }> {
    const id = key ?? parts.moment.newId();
    const known = isNew ? undefined : await store.load('execution', id);
    if (known) return { id, index: (known.state as unknown as Execution).plan.index };
    const current = await runnablePipeline(parts, document, around);
    const pipeline = from?.plan.pipeline ?? current;
    const inputs = from?.plan.input ?? bindInputs(pipeline, input);
    const index = await store.next(`pipeline/${document.id}`);
    const plan = {
      execution: id,
      index,
      project: document.project,
      pipelineId: document.id,
      pipeline,
      input: inputs,
      requestedBy,
      triggeredBy,
      source,
      comments,
      tags,
      ...(priority === undefined ? {} : { priority }),
      ...(parent ? { parent } : {}),
      ...placeOf(pipeline, host),
      ...(root ? { root } : {}),
      ...(cause ? { cause } : {}),
      ...(from ? { carried: succeeded(from) } : {}),
    };
    const queued = needsTurn(parent, document.id);
    const along = { documents: documents?.(id, index) };
    if (queued && (await mailbox.begin(plan, along))) return { id, index };
    const made = await mailbox.execution(id, { type: 'create', plan, queued }, along);
    return { id, index: made!.plan.index };
  }

  /** A run with tasks that work on a machine of ours keeps to one: that of the server which it came to. */
  function placeOf({ stages }: Pipeline, host: string | undefined): { host?: string } {
    const types = new Set(stages.flatMap(({ tasks }) => Object.values(tasks).map(({ type }) => type)));
    const isBound = parts.catalogue.tasks.some(({ type, worksHere }) => worksHere && types.has(type));
    return host ? { host } : isBound ? { host: parts.node.host } : {};
  }

  async function perform(command: Command): Promise<void> {
    if (command.kind === 'queue') {
      const message = command.body as unknown as QueueMessage;
      const execution = message.type === 'enter' ? message.entry.execution : message.execution;
      const state = (await store.load('execution', execution))?.state as unknown as Execution;
      await mailbox.queue(command.aggregate, message, state.plan.pipeline.concurrency, {
        settles: { command: command.id, fence: command.fence },
      });
      return;
    }
    const state = await mailbox.stateFor(command);
    if (command.kind === 'deployment') return performForDeployment(command, state as unknown as Deployment);
    if (command.kind === 'function-run') {
      const run = state as unknown as FunctionRun;
      if (command.body.do === 'stop-run') return functions.stop(command, run);
      return command.body.do === 'start-run' ? functions.start(command, run) : functions.poll(command, run);
    }
    return performForExecution(command, state as unknown as Execution);
  }

  /** Nobody waits for a trace for ever: a collector that stays away is told of and passed by. */
  async function sendTrace(command: Command, execution: Execution): Promise<void> {
    try {
      await parts.sendTrace?.(spansOf(execution));
    } catch (thrown) {
      if (command.tries < mostTracesTries) throw thrown;
      parts.report('A trace could not be sent and is given up.', {
        execution: command.aggregate,
        error: messageOf(thrown),
      });
    }
    await mailbox.settle({ settles: { command: command.id, fence: command.fence } });
  }

  async function performForDeployment(command: Command, deployment: Deployment): Promise<void> {
    if (command.body.do === 'tell-owner') return tellOwner(command, deployment);
    return command.body.do === 'start-action' ? actions.start(command, deployment) : actions.poll(command, deployment);
  }

  async function performForExecution(command: Command, execution: Execution): Promise<void> {
    const settles = { command: command.id, fence: command.fence };
    const id = command.aggregate;
    switch (command.body.do) {
      case 'admit':
        return void (await mailbox.execution(id, { type: 'admit' }, { settles }));
      case 'supersede':
        await mailbox.execution(id, { type: 'supersede', by: Number(command.body.by) }, { settles });
        return;
      case 'start-task':
        return tasks.start(command, execution);
      case 'poll-task':
        return tasks.poll(command, execution);
      case 'cancel-task':
        return tasks.cancel(command, execution);
      case 'time-out': {
        const { stage, task, attempt } = command.body as { stage: string; task: string; attempt: number };
        await mailbox.execution(id, { type: 'time-out', stage, task, attempt }, { settles });
        return;
      }
      case 'expire-question':
        await mailbox.execution(id, { type: 'expire-question', question: String(command.body.question) }, { settles });
        return;
      case 'start-rollback':
        return nested.startRollback(command, execution);
      case 'notify':
        return notices.notify(command, execution);
      case 'send-notification':
        return sendNotification(command, execution);
      case 'tell-cause':
        return tellCause(command, execution);
      case 'send-metrics':
        return notices.sendMetrics(command, execution);
      case 'send-trace':
        return sendTrace(command, execution);
      case 'tidy':
        await removeWorkspace(parts, execution, command.tries);
        await nested.tellParent(execution);
        await mailbox.settle({ settles });
        return;
      default:
        parts.report('A command of an unknown kind was dropped.', { command: command.key });
        await mailbox.settle({ settles });
    }
  }
}
