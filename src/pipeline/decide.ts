import type { Instant, Moment } from '../core/instant.ts';
import { withoutSeals } from '../core/secret.ts';
import { resolveText } from '../lang/binding.ts';
import { answered, cancelTask, expired, reported, startTask, timedOut, withdrawn } from './decide-task.ts';
import { evolve } from './evolve.ts';
import { type Execution, type ExecutionEvent, isOver, type Plan } from './execution.ts';
import type { ExecutionCommand, ExecutionMessage } from './messages.ts';
import type { Stage } from './model.ts';
import { isAnyUnderWay, isBeyondRecall, isStepOver, shallRun, stageFailure, taskOf } from './progress.ts';
import type { Turnholder } from './queue.ts';
import { mayReopen } from './reopen.ts';
import { failedStatus, rollBack, rollbacksFor } from './rollback.ts';
import { lookupIn } from './scope.ts';
import { Turn } from './turn.ts';

export interface Decision {
  state: Execution;
  events: ExecutionEvent[];
  commands: ExecutionCommand[];
}

/**
 * What follows from a message: pure, and the same wherever it is asked. A message that no longer fits (a late report, an answer
 * to a closed question, the creation of what is there) decides nothing.
 */
export function decide(before: Execution | null, message: ExecutionMessage, { now }: Moment): Decision {
  const turn = new Turn(before, now);
  if (message.type === 'create') {
    if (!before) create(turn, message);
  } else if (message.type === 'tag') {
    if (before) turn.emit({ type: 'execution-tagged', tags: message.tags });
  } else if (before && message.type === 'resume' && mayReopen(before)) {
    turn.emit({ type: 'execution-reopened', by: message.by, reason: message.reason });
    enterQueue(turn);
  } else if (before && !isOver(before)) {
    handle(turn, message);
    advance(turn);
  }
  const { state, events, commands } = turn;
  return { state, events, commands };
}

function create(turn: Turn, { plan, queued, stands }: ExecutionMessage & { type: 'create' }): void {
  turn.emit({ type: 'execution-created', plan });
  if (queued) {
    turn.emit({ type: 'execution-queued' });
    if (!stands) enterQueue(turn);
  } else start(turn);
  advance(turn);
}

function handle(turn: Turn, message: Exclude<ExecutionMessage, { type: 'create' | 'tag' }>): void {
  switch (message.type) {
    case 'admit':
      if (turn.state.startedAt === null) start(turn);
      return;
    case 'report':
      return reported(turn, message);
    case 'answer':
      return answered(turn, message);
    case 'expire-question':
      return expired(turn, message.question);
    case 'withdraw-question':
      return withdrawn(turn, message.question, message.because);
    case 'time-out':
      return timedOut(turn, message);
    case 'cancel':
      return cancel(turn, `Execution canceled by ${message.by}.${message.reason ? ` ${message.reason}` : ''}`);
    case 'supersede':
      if (isBeyondRecall(turn.state)) return;
      return cancel(turn, `Execution canceled: #${message.by} takes its place.`);
    case 'rollback-ended':
      if (turn.state.rollbacks?.some(({ number, status }) => number === message.number && status === 'RUNNING'))
        turn.emit(message);
      return;
    case 'pause':
      return pause(turn, message.by, message.reason);
    case 'resume':
      if (turn.state.paused) turn.emit({ type: 'execution-resumed', by: message.by, reason: message.reason });
      return;
  }
}

/** As what an execution stands in the queue of its pipeline. */
export function turnholderOf(state: Execution): Turnholder {
  const { plan } = state;
  const { supersede = null, priority = 0 } = plan.pipeline.millrace;
  return {
    execution: plan.execution,
    index: plan.index,
    priority: plan.priority ?? priority,
    group: supersede === null ? null : String(resolveText(supersede, lookupIn(state, {})) ?? ''),
  };
}

/** The same before it is decided whether it begins at once. */
export const newcomerOf = (plan: Plan, now: Instant): Turnholder =>
  turnholderOf(evolve(null, { type: 'execution-created', plan, at: now }));

/** Asks for a turn in the queue of the pipeline; each round has a key of its own. */
function enterQueue(turn: Turn): void {
  const { plan, resumes } = turn.state;
  const entry = turnholderOf(turn.state);
  turn.ask({ do: 'enter-queue', entry, key: `${plan.execution}/enter-queue/${resumes?.count ?? 0}`, due: turn.now });
}

function start(turn: Turn): void {
  turn.emit({ type: 'execution-started' });
  turn.notify('started', {}, 'STARTED', turn.state.plan.comments);
}

/** What runs is left to end; nothing new begins. */
function pause(turn: Turn, by: string, reason: string): void {
  if (!turn.state.paused) turn.emit({ type: 'execution-pausing', by, reason });
}

/** Goes on wherever nothing is under way any more: the next step, the next stage, the end. Where something is, nothing changes. */
function advance(turn: Turn): void {
  if (turn.state.startedAt === null || isOver(turn.state)) return;
  if (turn.state.paused) {
    if (turn.state.status !== 'PAUSED' && !isAnyUnderWay(turn.state)) turn.emit({ type: 'execution-paused' });
    return;
  }
  if (rollBack(turn)) return;
  for (const stage of turn.state.plan.pipeline.stages) {
    const { status } = turn.state.stages[stage.name]!;
    if (status === 'NOT_STARTED') {
      if (!shallRun(turn.state, stage)) {
        turn.emit({ type: 'stage-skipped', stage: stage.name });
        continue;
      }
      turn.emit({ type: 'stage-started', stage: stage.name });
      if (!nextStep(turn, stage) || rollBack(turn)) return;
    } else if (status === 'RUNNING') {
      if (!isStepOver(turn.state, stage) || !nextStep(turn, stage) || rollBack(turn)) return;
    }
  }
  end(turn);
}

/** Starts the next step of a running stage; true when the stage has ended instead. */
function nextStep(turn: Turn, stage: Stage): boolean {
  for (;;) {
    const stageState = turn.state.stages[stage.name]!;
    if (stageState.status !== 'RUNNING') return true;
    const failure = stageFailure(turn.state, stage);
    const step = stageState.step + 1;
    if (failure) {
      turn.emit({ type: 'stage-ended', stage: stage.name, ...failure });
      if (!turn.state.ending) fail(turn, stage, failure);
      return true;
    }
    if (step >= stage.steps.length) {
      turn.emit({ type: 'stage-ended', stage: stage.name, status: 'COMPLETED', message: '' });
      return true;
    }
    turn.emit({ type: 'step-started', stage: stage.name, step });
    for (const task of stage.steps[step]!)
      if (taskOf(turn.state, stage.name, task).status === 'NOT_STARTED') startTask(turn, stage.name, task);
    if (!isStepOver(turn.state, stage)) return false;
  }
}

function fail(turn: Turn, stage: Stage, { status, message }: NonNullable<ReturnType<typeof stageFailure>>): void {
  const rollbacks = status === 'FAILED' ? rollbacksFor(turn.state, stage) : [];
  turn.emit({ type: 'run-failing', status, message, rollbacks });
}

function cancel(turn: Turn, message: string): void {
  const { ending, startedAt, plan } = turn.state;
  if (ending?.status === 'CANCELED') return;
  if (!ending) turn.emit({ type: 'run-failing', status: 'CANCELED', message });
  for (const stage of plan.pipeline.stages) {
    for (const task of stage.steps.flat()) cancelTask(turn, stage.name, task, message);
  }
  if (startedAt === null) end(turn);
}

function end(turn: Turn): void {
  const { ending, plan } = turn.state;
  const status = ending?.status === 'FAILED' ? failedStatus(turn.state) : (ending?.status ?? 'COMPLETED');
  const output = Object.fromEntries(
    Object.entries(plan.pipeline.output).map(([key, text]) => [key, resolveText(text, lookupIn(turn.state, {}))]),
  );
  const message = ending?.message ?? 'Execution Completed.';
  turn.emit({ type: 'execution-ended', status, message, output: withoutSeals(output) });
  turn.notify('ended', {}, status, turn.state.message);
  const round = turn.state.resumes?.count ?? 0;
  if (plan.cause?.tell) {
    const told = { status: turn.state.status, message: turn.state.message, round };
    turn.ask({ do: 'tell-cause', ...told, key: `${plan.execution}/tell-cause/${round}`, due: turn.now });
  }
  turn.ask({ do: 'leave-queue', key: `${plan.execution}/leave-queue/${round}`, due: turn.now });
  const leavesTraces = plan.host !== undefined || plan.parent !== undefined;
  if (leavesTraces) turn.ask({ do: 'tidy', key: `${plan.execution}/tidy/${round}`, due: turn.now });
}
