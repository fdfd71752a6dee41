import type { Instant, Moment } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { resolveText } from '../lang/binding.ts';
import {
  type EndStatus,
  type Execution,
  type ExecutionEvent,
  evolve,
  isOver,
  isTaskOver,
  type Plan,
  type Question,
} from './execution.ts';
import type { ExecutionCommand, ExecutionMessage, Notice } from './messages.ts';
import { findTask, type Stage } from './model.ts';
import { failureOf, isStepOver, shallRun, stageFailure, taskOf, waitingFor } from './progress.ts';
import { lookupIn } from './scope.ts';

export interface Decision {
  state: Execution;
  events: ExecutionEvent[];
  commands: ExecutionCommand[];
}

/**
 * What follows from a message: pure, and the same wherever it is asked. A message that no longer fits (a late report, an answer
 * to a closed question) decides nothing.
 */
export function decide(before: Execution | null, message: ExecutionMessage, { now }: Moment): Decision {
  const events: ExecutionEvent[] = [];
  const commands: ExecutionCommand[] = [];
  let state = before as Execution;

  handle();
  return { state, events, commands };

  function handle(): void {
    if (message.type === 'create') return create(message.plan, message.queued);
    if (!before || isOver(before)) return;
    switch (message.type) {
      case 'admit':
        if (state.startedAt === null) start();
        return;
      case 'report':
        return report(message);
      case 'answer':
        return answered(message);
      case 'expire-question':
        return expired(message.question);
      case 'withdraw-question':
        return withdrawn(message.question, message.because);
      case 'time-out':
        return timedOut(message.stage, message.task, message.attempt);
      case 'cancel':
        return cancel(message.by, message.reason);
    }
  }

  function emit(
    event: ExecutionEvent extends infer E ? (E extends { at: Instant } ? Omit<E, 'at'> : never) : never,
  ): void {
    const full = { ...event, at: now } as ExecutionEvent;
    state = evolve(state, full);
    events.push(full);
  }

  function create(plan: Plan, queued: boolean): void {
    emit({ type: 'execution-created', plan });
    if (queued) emit({ type: 'execution-queued' });
    else start();
  }

  function start(): void {
    emit({ type: 'execution-started' });
    notify('started', {}, 'STARTED', state.plan.comments);
    advance();
  }

  /** Goes on wherever nothing is under way any more: the next step, the next stage, the end. */
  function advance(): void {
    for (const stage of state.plan.pipeline.stages) {
      const stageState = state.stages[stage.name]!;
      if (stageState.status === 'NOT_STARTED') {
        if (!shallRun(state, stage)) {
          emit({ type: 'stage-skipped', stage: stage.name });
          continue;
        }
        emit({ type: 'stage-started', stage: stage.name });
        if (!nextStep(stage)) return;
      } else if (stageState.status === 'RUNNING') {
        if (!isStepOver(state, stage) || !nextStep(stage)) return;
      }
    }
    end();
  }

  /** Starts the next step of a running stage; true when the stage has ended instead. */
  function nextStep(stage: Stage): boolean {
    for (;;) {
      const stageState = state.stages[stage.name]!;
      if (stageState.status !== 'RUNNING') return true;
      const failure = stageFailure(state, stage);
      const step = stageState.step + 1;
      if (failure) {
        emit({ type: 'stage-ended', stage: stage.name, ...failure });
        if (!state.ending) emit({ type: 'run-failing', status: failure.status, message: failure.message });
        return true;
      }
      if (step >= stage.steps.length) {
        emit({ type: 'stage-ended', stage: stage.name, status: 'COMPLETED', message: '' });
        return true;
      }
      emit({ type: 'step-started', stage: stage.name, step });
      for (const task of stage.steps[step]!) startTask(stage.name, task, 1);
      if (!isStepOver(state, stage)) return false;
    }
  }

  function startTask(stage: string, task: string, attempt: number): void {
    emit({ type: 'task-started', stage, task, attempt });
    const { delay = 0, timeout } = findTask(state.plan.pipeline, stage, task)!.millrace;
    const key = keyOf(stage, task, attempt);
    const due = now + delay;
    commands.push({ do: 'start-task', stage, task, attempt, key: `${key}/start`, due });
    if (timeout) commands.push({ do: 'time-out', stage, task, attempt, key: `${key}/time-out`, due: due + timeout });
  }

  function report({ stage, task, attempt, report: told }: ExecutionMessage & { type: 'report' }): void {
    const current = taskOf(state, stage, task);
    if (isTaskOver(current) || !('attempt' in current) || current.attempt !== attempt) return;
    const because = current.status === 'CANCELING' ? current.because : undefined;
    switch (told.kind) {
      case 'skipped':
        if (because !== undefined) return endTask(stage, task, 'CANCELED', { message: because });
        emit({ type: 'task-skipped', stage, task, message: told.message });
        return advance();
      case 'running': {
        const { input, ticket, pollAfter } = told;
        // Another key than the first cancel's, which may still be under way.
        if (because !== undefined) return stopTask(stage, task, attempt, ticket, 'cancel-running');
        emit({ type: 'task-running', stage, task, input, ticket });
        const key = `${keyOf(stage, task, attempt)}/poll`;
        commands.push({ do: 'poll-task', stage, task, attempt, ticket, key, due: now + pollAfter });
        return;
      }
      case 'asks':
        if (because !== undefined) return endTask(stage, task, 'CANCELED', { input: told.input, message: because });
        return ask(stage, task, told.input, told.question);
      case 'ended':
        if (because !== undefined && !told.ok) return endTask(stage, task, 'CANCELED', { ...told, message: because });
        return endTask(stage, task, told.ok ? 'COMPLETED' : failureOf(state, stage, task), told);
    }
  }

  function ask(stage: string, task: string, input: JsonObject, question: Question): void {
    emit({ type: 'task-waiting', stage, task, input, question });
    notify('waiting', { stage, task }, 'WAITING', question.summary);
    const { id, expiresAt } = question;
    if (expiresAt !== null)
      commands.push({ do: 'expire-question', question: id, key: `question/${id}`, due: expiresAt });
  }

  function answered({ question, approved, by, comment, output }: ExecutionMessage & { type: 'answer' }): void {
    const waiting = waitingFor(state, question);
    if (!waiting) return;
    const { stage, task, state: current } = waiting;
    const { attempt } = current;
    if (current.question.about === 'uncertain' && approved) {
      emit({ type: 'task-started', stage, task, attempt });
      const key = `${keyOf(stage, task, attempt)}/repeat`;
      commands.push({ do: 'start-task', stage, task, attempt, repeat: true, key, due: now });
      return;
    }
    const said = comment ? ` ${comment}` : '';
    if (approved) return endTask(stage, task, 'COMPLETED', { output, message: `Approved by ${by}.${said}` });
    const message = `User Operation request has been rejected by ${by}.${said}`;
    endTask(stage, task, failureOf(state, stage, task), { output, message });
  }

  function expired(question: string): void {
    const waiting = waitingFor(state, question);
    if (!waiting) return;
    const { stage, task } = waiting;
    const message = 'User Operation request has expired: nobody answered in time.';
    endTask(stage, task, failureOf(state, stage, task), { message });
  }

  function withdrawn(question: string, because: string): void {
    const waiting = waitingFor(state, question);
    if (waiting) endTask(waiting.stage, waiting.task, 'CANCELED', { message: because });
  }

  function timedOut(stage: string, task: string, attempt: number): void {
    const current = taskOf(state, stage, task);
    if (isTaskOver(current) || !('attempt' in current) || current.attempt !== attempt) return;
    if (current.status === 'CANCELING') return;
    const limit = findTask(state.plan.pipeline, stage, task)?.millrace.timeout ?? 0;
    if ('ticket' in current) stopTask(stage, task, attempt, current.ticket);
    const message = `The task took longer than its time-out of ${limit / 1000} s.`;
    endTask(stage, task, failureOf(state, stage, task), { message });
  }

  function cancel(by: string, reason: string): void {
    if (state.ending?.status === 'CANCELED') return;
    const message = `Execution canceled by ${by}.${reason ? ` ${reason}` : ''}`;
    if (!state.ending) emit({ type: 'run-failing', status: 'CANCELED', message });
    for (const stage of state.plan.pipeline.stages) {
      for (const task of stage.steps.flat()) cancelTask(stage.name, task, message);
    }
    if (state.startedAt !== null) return advance();
    end();
  }

  /** What waits ends at once; what runs elsewhere is asked to stop; what is about to start reports and is stopped then. */
  function cancelTask(stage: string, task: string, because: string): void {
    const current = taskOf(state, stage, task);
    if (current.status === 'WAITING') {
      emit({ type: 'task-ended', stage, task, status: 'CANCELED', input: null, output: {}, message: because });
    } else if (current.status === 'RUNNING' || current.status === 'STARTED') {
      emit({ type: 'task-canceling', stage, task, because });
      stopTask(stage, task, current.attempt, current.status === 'RUNNING' ? current.ticket : null);
    }
  }

  function stopTask(stage: string, task: string, attempt: number, ticket: Json, word = 'cancel'): void {
    const key = `${keyOf(stage, task, attempt)}/${word}`;
    commands.push({ do: 'cancel-task', stage, task, attempt, ticket, key, due: now });
  }

  function endTask(
    stage: string,
    task: string,
    status: EndStatus,
    { input = null, output = {}, message }: { input?: JsonObject | null; output?: JsonObject; message: string },
  ): void {
    emit({ type: 'task-ended', stage, task, status, input, output, message });
    notify('task', { stage, task }, status, message);
    advance();
  }

  function end(): void {
    const { ending, plan } = state;
    const status = ending?.status ?? 'COMPLETED';
    const output = Object.fromEntries(
      Object.entries(plan.pipeline.output).map(([key, text]) => [key, resolveText(text, lookupIn(state, {}))]),
    );
    emit({ type: 'execution-ended', status, message: ending?.message ?? 'Execution Completed.', output });
    notify('ended', {}, status, state.message);
    commands.push(
      { do: 'leave-queue', key: `${plan.execution}/leave-queue`, due: now },
      { do: 'tidy', key: `${plan.execution}/tidy`, due: now },
    );
  }

  function notify(
    kind: Notice['kind'],
    where: { stage?: string; task?: string },
    status: string,
    message: string,
  ): void {
    if (state.plan.pipeline.millrace.notifications.length === 0) return;
    const number = state.notices;
    commands.push({
      do: 'notify',
      notice: { number, kind, ...where, status, message },
      key: `${state.plan.execution}/notice/${number}`,
      due: now,
    });
  }

  function keyOf(stage: string, task: string, attempt: number): string {
    return `${state.plan.execution}/${stage}.${task}/${attempt}`;
  }
}
