import type { Duration } from '../core/duration.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { type Approval, type EndStatus, isTaskOver, type Question, taskKey } from './execution.ts';
import type { ExecutionMessage } from './messages.ts';
import { findTask, pauseAfter, type TaskExtras } from './model.ts';
import { failureOf, taskOf, waitingFor } from './progress.ts';
import type { Turn } from './turn.ts';

// What follows for one task from what is said about it. What follows for the run is decided afterwards.

type Message<T> = ExecutionMessage & { type: T };
type Waiting = NonNullable<ReturnType<typeof waitingFor>>;
type Ending = { input?: JsonObject | null; output?: JsonObject; message: string };

export function startTask(turn: Turn, stage: string, task: string): void {
  const attempt = attemptsBefore(turn, stage, task) + 1;
  turn.emit({ type: 'task-started', stage, task, attempt });
  askToStart(turn, stage, task, attempt, extrasOf(turn, stage, task).delay ?? 0);
}

function askToStart(turn: Turn, stage: string, task: string, attempt: number, pause: Duration): void {
  const { timeout } = extrasOf(turn, stage, task);
  const key = turn.keyOf(stage, task, attempt);
  const due = turn.now + pause;
  turn.ask({ do: 'start-task', stage, task, attempt, key: `${key}/start`, due });
  if (timeout) turn.ask({ do: 'time-out', stage, task, attempt, key: `${key}/time-out`, due: due + timeout });
}

export function reported(turn: Turn, { stage, task, attempt, report: told }: Message<'report'>): void {
  const current = taskOf(turn.state, stage, task);
  if (isTaskOver(current) || !('attempt' in current) || current.attempt !== attempt) return;
  const because = current.status === 'CANCELING' ? current.because : undefined;
  switch (told.kind) {
    case 'skipped':
      if (because !== undefined) return endTask(turn, stage, task, 'CANCELED', { message: because });
      turn.emit({ type: 'task-skipped', stage, task, message: told.message });
      return;
    case 'running': {
      const { input, ticket, pollAfter, workspace } = told;
      // Another key than the first cancel's, which may still be under way.
      if (because !== undefined) return stopTask(turn, stage, task, attempt, ticket, 'cancel-running');
      turn.emit({ type: 'task-running', stage, task, input, ticket, ...(workspace ? { workspace } : {}) });
      const key = `${turn.keyOf(stage, task, attempt)}/poll`;
      turn.ask({ do: 'poll-task', stage, task, attempt, ticket, key, due: turn.now + pollAfter });
      return;
    }
    case 'asks':
      if (because !== undefined) return endTask(turn, stage, task, 'CANCELED', { input: told.input, message: because });
      return ask(turn, stage, task, told.input, told.question);
    case 'ended':
      if (because !== undefined && !told.ok)
        return endTask(turn, stage, task, 'CANCELED', { ...told, message: because });
      return told.ok ? endTask(turn, stage, task, 'COMPLETED', told) : failAttempt(turn, stage, task, attempt, told);
  }
}

function ask(turn: Turn, stage: string, task: string, input: JsonObject, question: Question): void {
  turn.emit({ type: 'task-waiting', stage, task, input, question });
  turn.notify('waiting', { stage, task }, 'WAITING', question.summary);
  const { id, expiresAt } = question;
  if (expiresAt !== null) turn.ask({ do: 'expire-question', question: id, key: `question/${id}`, due: expiresAt });
}

export function answered(turn: Turn, { question, approved, by, comment, output }: Message<'answer'>): void {
  const waiting = waitingFor(turn.state, question);
  if (!waiting) return;
  const { stage, task, state: current } = waiting;
  const { attempt } = current;
  if (current.question.about === 'uncertain' && approved) {
    turn.emit({ type: 'task-started', stage, task, attempt });
    const key = `${turn.keyOf(stage, task, attempt)}/repeat`;
    turn.ask({ do: 'start-task', stage, task, attempt, repeat: true, key, due: turn.now });
    return;
  }
  const said = comment ? ` ${comment}` : '';
  if (approved) return approve(turn, waiting, { by, comment, at: turn.now }, output);
  const message = `User Operation request has been rejected by ${by}.${said}`;
  endTask(turn, stage, task, failureOf(turn.state, stage, task), { output, message });
}

/** The last of those who must say yes ends the task; nobody counts twice. */
function approve(turn: Turn, waiting: Waiting, approval: Approval, output: JsonObject): void {
  const { stage, task, state: current } = waiting;
  const { question, approvals = [] } = current;
  if (approvals.some(({ by }) => by === approval.by)) return;
  const all = [...approvals, approval];
  const { by, comment } = approval;
  if (all.length < (question.needed ?? 1)) return turn.emit({ type: 'task-approved', stage, task, by, comment });
  const names = all.map((one) => one.by);
  const said = all.map((one) => (one.comment ? ` ${one.comment}` : '')).join('');
  const responses = all.map((one) => ({
    respondedBy: one.by,
    comments: one.comment,
    respondedOnInMicros: one.at * 1000,
  }));
  const message = `Approved by ${names.length > 1 ? `${names.slice(0, -1).join(', ')} and ` : ''}${by}.${said}`;
  endTask(turn, stage, task, 'COMPLETED', { output: all.length > 1 ? { ...output, responses } : output, message });
}

export function expired(turn: Turn, question: string): void {
  const waiting = waitingFor(turn.state, question);
  if (!waiting) return;
  const { stage, task } = waiting;
  const message = 'User Operation request has expired: nobody answered in time.';
  endTask(turn, stage, task, failureOf(turn.state, stage, task), { message });
}

export function withdrawn(turn: Turn, question: string, because: string): void {
  const waiting = waitingFor(turn.state, question);
  if (waiting) endTask(turn, waiting.stage, waiting.task, 'CANCELED', { message: because });
}

export function timedOut(turn: Turn, { stage, task, attempt }: Message<'time-out'>): void {
  const current = taskOf(turn.state, stage, task);
  if (isTaskOver(current) || !('attempt' in current) || current.attempt !== attempt) return;
  if (current.status === 'CANCELING') return;
  const limit = extrasOf(turn, stage, task).timeout ?? 0;
  if ('ticket' in current) stopTask(turn, stage, task, attempt, current.ticket);
  const message = `The task took longer than its time-out of ${limit / 1000} s.`;
  failAttempt(turn, stage, task, attempt, { message });
}

/** Tries again where the author wants that and nobody has cancelled the run; else the task has failed. */
function failAttempt(turn: Turn, stage: string, task: string, attempt: number, end: Ending): void {
  const { retry } = extrasOf(turn, stage, task);
  const pause =
    retry && !isBeingCanceled(turn) ? pauseAfter(retry, attempt - attemptsBefore(turn, stage, task)) : undefined;
  if (pause === undefined) return endTask(turn, stage, task, failureOf(turn.state, stage, task), end);
  const until = turn.now + pause;
  turn.emit({ type: 'task-retrying', stage, task, attempt, message: end.message, until });
  askToStart(turn, stage, task, attempt + 1, pause);
}

const attemptsBefore = ({ state }: Turn, stage: string, task: string): number =>
  state.attemptsBefore?.[taskKey(stage, task)] ?? 0;

const isBeingCanceled = ({ state }: Turn): boolean => state.ending?.status === 'CANCELED';
const extrasOf = ({ state }: Turn, stage: string, task: string): TaskExtras =>
  findTask(state.plan.pipeline, stage, task)!.millrace;

/** What waits ends at once; what runs elsewhere is asked to stop; what is about to start reports and is stopped then. */
export function cancelTask(turn: Turn, stage: string, task: string, because: string): void {
  const current = taskOf(turn.state, stage, task);
  if (current.status === 'WAITING') {
    turn.emit({ type: 'task-ended', stage, task, status: 'CANCELED', input: null, output: {}, message: because });
  } else if (current.status === 'RUNNING' || current.status === 'STARTED') {
    turn.emit({ type: 'task-canceling', stage, task, because });
    stopTask(turn, stage, task, current.attempt, current.status === 'RUNNING' ? current.ticket : null);
  }
}

function stopTask(turn: Turn, stage: string, task: string, attempt: number, ticket: Json, word = 'cancel'): void {
  const key = `${turn.keyOf(stage, task, attempt)}/${word}`;
  turn.ask({ do: 'cancel-task', stage, task, attempt, ticket, key, due: turn.now });
}

function endTask(
  turn: Turn,
  stage: string,
  task: string,
  status: EndStatus,
  { input = null, output = {}, message }: Ending,
): void {
  turn.emit({ type: 'task-ended', stage, task, status, input, output, message });
  turn.notify('task', { stage, task }, status, message);
}
