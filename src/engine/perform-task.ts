import { isOfOurs, MillraceError, messageOf } from '../core/error.ts';
import { type Execution, isTaskOver, taskKey } from '../pipeline/execution.ts';
import type { TaskReport } from '../pipeline/messages.ts';
import { questionOf } from '../pipeline/question.ts';
import type { Deployments, Executions, Integrations } from '../sdk/powers.ts';
import type { Outcome, StartOutcome, TaskContext } from '../sdk/task.ts';
import type { Command } from '../store/store.ts';
import { invite } from './answer-link.ts';
import type { Along } from './decided.ts';
import type { EngineParts } from './parts.ts';
import { type Prepared, prepareTask } from './prepare.ts';
import { taskLog } from './task-log.ts';
import { reportOf, taskKeyOf, uncertain } from './task-report.ts';
import type { Mailbox } from './transact.ts';
import { workspaceKey } from './workspace.ts';

interface TaskCommand {
  stage: string;
  task: string;
  attempt: number;
  ticket?: never;
  repeat?: boolean;
  /** A repeated start that looks for an earlier one was put off for that. */
  hasWaited?: boolean;
  /** How many polls in a row threw. */
  faults?: number;
}

/** So long the call of whoever tried before may still be on its way: a look for what it began may not find it sooner. */
const onItsWay = 1500;
/** A far side that does not answer while we wait for it is asked this often before the task fails. */
const mostPollFaults = 12;

export interface TaskPowers {
  deployments: Deployments;
  integrations: Integrations;
  executions(parent: Execution, stage: string, task: string, mask: (text: string) => string): Executions;
}

/** Performs the commands of an execution that concern tasks. */
export function taskPerformer(parts: EngineParts, mailbox: Mailbox, powers: TaskPowers) {
  /** What is being started here and now, so that a cancel reaches it. */
  const starting = new Map<string, AbortController>();

  return { start, poll, cancel };

  async function start(command: Command, execution: Execution): Promise<void> {
    const { stage, task, attempt, repeat, hasWaited } = command.body as unknown as TaskCommand;
    const settles = { command: command.id, fence: command.fence };
    const state = execution.tasks[taskKey(stage, task)];
    if (!state || isTaskOver(state) || !('attempt' in state) || state.attempt !== attempt)
      return void (await mailbox.settle({ settles }));
    if (state.status === 'CANCELING') {
      return report(command, { kind: 'ended', ok: false, input: null, output: {}, message: state.because });
    }
    const isAdmin = () => parts.people.isAdministrator(execution.plan.requestedBy);
    const prepared = await prepareTask(parts, execution, stage, task, isAdmin, mailbox.variablesFor(command));
    if (prepared.kind === 'skip') return report(command, { kind: 'skipped', message: prepared.message });
    if (prepared.kind === 'refuse')
      return report(command, {
        kind: 'ended',
        ok: false,
        input: prepared.input,
        output: {},
        message: prepared.message,
      });
    if (command.tries > 1 && prepared.definition.looksBack && !hasWaited) {
      const again = { due: parts.moment.now() + onItsWay, body: { ...command.body, hasWaited: true }, keepTries: true };
      return void (await mailbox.settle({ settles: { ...settles, again } }));
    }
    const isRepeat = command.tries > 1 && !repeat && !prepared.task.millrace.repeat;
    if (isRepeat && !prepared.definition.isRepeatable(prepared.input)) {
      return report(command, uncertain(execution, prepared, stage, task));
    }
    const abort = new AbortController();
    // What begins has told nothing yet, so that need not be asked.
    const size = command.tries === 1 && !repeat && !hasWaited ? 0 : undefined;
    const { context, takeLog } = contextFor(command, execution, prepared, abort.signal, { isRepeat, size });
    starting.set(context.key, abort);
    try {
      let outcome = await attemptTo(() => prepared.definition.start(prepared.input, context));
      parts.crashPoint(`${stage}.${task}:started`);
      if ('uncertain' in outcome) return await report(command, uncertain(execution, prepared, stage, task), takeLog());
      if ('wait' in outcome && outcome.seconds === 0 && prepared.definition.poll) {
        const { wait } = outcome;
        outcome = await prepared.definition.poll(wait, prepared.input, context).catch(() => ({ wait, seconds: 0 }));
      }
      if ('ask' in outcome && outcome.ask.cancelsPrevious) await withdrawOlder(execution);
      await report(command, reportOf(outcome, prepared, context), takeLog());
    } finally {
      starting.delete(context.key);
    }
  }

  /** One open question of a pipeline at a time, for authors who want it so. */
  async function withdrawOlder({ plan }: Execution): Promise<void> {
    for (const { id, body } of await parts.store.list('user-operation')) {
      const isOlder = body.pipelineId === plan.pipelineId && Number(body.executionIndex) < plan.index;
      if (body.status !== 'ACTIVE' || body.about !== 'approval' || !isOlder) continue;
      const because = `User Operation request has been canceled: run #${plan.index} of the pipeline asks now.`;
      await mailbox.execution(String(body.executionId), { type: 'withdraw-question', question: id, because });
    }
  }

  async function poll(command: Command, execution: Execution): Promise<void> {
    const { stage, task, attempt, ticket, faults = 0 } = command.body as unknown as TaskCommand;
    const settles = { command: command.id, fence: command.fence };
    const state = execution.tasks[taskKey(stage, task)];
    if (!state || isTaskOver(state) || !('attempt' in state) || state.attempt !== attempt)
      return void (await mailbox.settle({ settles }));
    const prepared = await prepareTask(parts, withoutPrecondition(execution, stage, task), stage, task, begun);
    if (prepared.kind !== 'ready') {
      const message = prepared.message;
      return report(command, { kind: 'ended', ok: false, input: null, output: {}, message });
    }
    const { context, takeLog } = contextFor(command, execution, prepared, new AbortController().signal);
    let outcome: Outcome;
    try {
      outcome = await prepared.definition.poll!(ticket!, prepared.input, context);
    } catch (thrown) {
      if (isOfOurs(thrown)) throw thrown;
      if (faults + 1 < mostPollFaults && !isDefinite(thrown)) {
        const again = {
          due: parts.moment.now() + Math.min(5000, 250 * 2 ** faults),
          body: { ...command.body, faults: faults + 1 },
        };
        return void (await mailbox.settle({ settles: { ...settles, again }, ...takeLog() }));
      }
      outcome = { failed: messageOf(thrown) };
    }
    if ('wait' in outcome) {
      const again = {
        due: parts.moment.now() + outcome.seconds * 1000,
        body: { ...command.body, ticket: outcome.wait, faults: 0 },
      };
      return void (await mailbox.settle({ settles: { ...settles, again }, ...takeLog() }));
    }
    parts.crashPoint(`${stage}.${task}:ended`);
    await report(command, reportOf(outcome, prepared, context), takeLog());
  }

  /** Stops what was started; the task's end is reported here, unless its start is under way and will report itself. */
  async function cancel(command: Command, execution: Execution): Promise<void> {
    const { stage, task, attempt, ticket } = command.body as unknown as TaskCommand;
    const key = taskKeyOf(execution, stage, task, attempt);
    if (ticket === null || ticket === undefined) {
      const running = starting.get(key);
      running?.abort();
      if (running) return void (await mailbox.settle({ settles: { command: command.id, fence: command.fence } }));
      return report(command, {
        kind: 'ended',
        ok: false,
        input: null,
        output: {},
        message: 'The task was canceled before it started.',
      });
    }
    const prepared = await prepareTask(parts, withoutPrecondition(execution, stage, task), stage, task, begun);
    if (prepared.kind === 'ready' && prepared.definition.cancel) {
      const { context } = contextFor(command, execution, prepared, new AbortController().signal);
      await attemptTo(async () => {
        await prepared.definition.cancel!(ticket, prepared.input, context);
        return { done: {} };
      });
    }
    await report(command, {
      kind: 'ended',
      ok: false,
      input: null,
      output: {},
      message: 'The task was canceled.',
    });
  }

  async function report(command: Command, told: TaskReport, along: Omit<Along, 'settles'> = {}): Promise<void> {
    const { stage, task, attempt } = command.body as unknown as TaskCommand;
    await mailbox.execution(
      command.aggregate,
      { type: 'report', stage, task, attempt, report: told },
      { settles: { command: command.id, fence: command.fence }, ...along },
    );
  }

  function contextFor(
    command: Command,
    execution: Execution,
    prepared: Prepared & { kind: 'ready' },
    signal: AbortSignal,
    { isRepeat = false, size }: { isRepeat?: boolean; size?: number | undefined } = {},
  ) {
    const { stage, task, attempt } = command.body as unknown as TaskCommand;
    const key = taskKeyOf(execution, stage, task, attempt);
    const { log, takeLog } = taskLog(parts, key, prepared, execution, size);
    const context: TaskContext = {
      key,
      isRepeat,
      now: parts.moment.now(),
      ...prepared.out,
      log,
      jobs: parts.jobs,
      deployments: powers.deployments,
      integrations: powers.integrations,
      executions: powers.executions(execution, stage, task, prepared.mask),
      signal,
      endpoint: (role) => prepared.endpoints[role],
      holds: prepared.holds,
      mask: prepared.mask,
      addressesOf: parts.people.addressesOf,
      link: `${parts.url()}/executions/${execution.plan.execution}`,
      answerLink: (address) => `${parts.url()}/answer/${invite(parts.seal, { question: questionOf(key).id, address })}`,
      project: execution.plan.project,
      requestedBy: execution.plan.requestedBy,
      workspace: {
        type: execution.plan.pipeline.workspace.type,
        environment: prepared.environment,
        container: prepared.container,
        key: workspaceKey(execution.plan.execution),
        repository: pushedRepository(execution),
      },
      stage,
      task,
      pipeline: execution.plan.pipeline.name,
    };
    return { context, takeLog };
  }
}

/** What was refused is refused again; what did not answer may answer yet. */
const isDefinite = (thrown: unknown): boolean => thrown instanceof MillraceError && thrown.status < 500;

async function attemptTo<O extends StartOutcome>(work: () => Promise<O>): Promise<O | { failed: string }> {
  try {
    return await work();
  } catch (thrown) {
    if (isOfOurs(thrown)) throw thrown;
    return { failed: messageOf(thrown) };
  }
}

function pushedRepository({ plan }: Execution): TaskContext['workspace']['repository'] {
  const { GIT_BRANCH_NAME: branch, GIT_REPO_SSH_URL: ssh, GIT_REPO_HTTP_URL: http } = plan.input;
  if (!plan.pipeline.workspace.autoCloneForTrigger || !branch || !(ssh || http)) return undefined;
  return { branch: String(branch), sshUrl: String(ssh ?? ''), httpUrl: String(http ?? '') };
}

/** What has begun was allowed to. */
const begun = async () => true;

/** What has begun has passed its precondition; its own effects may have changed the answer. */
function withoutPrecondition(execution: Execution, stage: string, task: string): Execution {
  const stages = execution.plan.pipeline.stages.map((one) => {
    const found = one.tasks[task];
    return one.name === stage && found
      ? { ...one, tasks: { ...one.tasks, [task]: { ...found, preCondition: '' } } }
      : one;
  });
  return { ...execution, plan: { ...execution.plan, pipeline: { ...execution.plan.pipeline, stages } } };
}
