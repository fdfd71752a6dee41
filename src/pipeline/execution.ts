import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import type { Pipeline } from './model.ts';

/** The status words of the original's API, for executions, stages and tasks alike. */
export type Status =
  | 'NOT_STARTED'
  | 'QUEUED'
  | 'STARTED'
  | 'RUNNING'
  | 'WAITING'
  | 'CANCELING'
  | 'COMPLETED'
  | 'FAILED'
  | 'FAILED_CONTINUE'
  | 'SKIPPED'
  | 'CANCELED';

/** What one run will do: fixed when it is created, so that editing the pipeline never repaints history. */
export interface Plan {
  execution: string;
  /** Counts from 1 in each pipeline. */
  index: number;
  project: string;
  pipelineId: string;
  pipeline: Pipeline;
  input: Record<string, Json>;
  requestedBy: string;
  triggeredBy: string;
  /** What started it: the id of a webhook, a path of the API. */
  source: string;
  comments: string;
  tags: string[];
}

/** A question to people that a task waits for. */
export interface Question {
  id: string;
  /** Six hexadecimal digits, as people see it. */
  index: string;
  approvers: string[];
  approverGroups: string[];
  summary: string;
  description: string;
  expiresAt: Instant | null;
  /** `approval`: the task is the question. `uncertain`: may the call be repeated? */
  about: 'approval' | 'uncertain';
}

/** Id and index of a question follow from the key of the task that asks: asking twice is asking once. */
export function questionOf(taskKey: string): Pick<Question, 'id' | 'index'> {
  const id = idOfKey(`${taskKey}/question`);
  return { id, index: id.slice(-6) };
}

interface Begun {
  /** Counts from 1; a repeated start of the same attempt has the same key. */
  attempt: number;
  startedAt: Instant;
  /** Resolved, with secrets masked; null until the start was performed. */
  input: JsonObject | null;
}

export type TaskState =
  | { status: 'NOT_STARTED' }
  | { status: 'SKIPPED'; endedAt: Instant; message: string }
  | (Begun & { status: 'STARTED' })
  | (Begun & { status: 'RUNNING'; ticket: Json })
  | (Begun & { status: 'WAITING'; question: Question })
  | (Begun & { status: 'CANCELING'; ticket: Json; because: string })
  | (Begun & {
      status: 'COMPLETED' | 'FAILED' | 'FAILED_CONTINUE' | 'CANCELED';
      endedAt: Instant;
      output: JsonObject;
      message: string;
    });

export type StageState =
  | { status: 'NOT_STARTED' | 'SKIPPED' }
  | { status: 'RUNNING'; startedAt: Instant; step: number }
  | { status: 'COMPLETED' | 'FAILED' | 'CANCELED'; startedAt: Instant; endedAt: Instant; message: string };

export interface Execution {
  plan: Plan;
  status: Status;
  message: string;
  requestedAt: Instant;
  startedAt: Instant | null;
  endedAt: Instant | null;
  stages: Record<string, StageState>;
  /** By `Stage.Task`. */
  tasks: Record<string, TaskState>;
  /** Why what is left is only cleaning up: the first failure, or who cancelled. */
  ending: { status: 'FAILED' | 'CANCELED'; message: string } | null;
  output: JsonObject;
  /** How many noteworthy things happened: numbers what people are told. */
  notices: number;
}

/** What happened, in the order it happened. `at` is the time, part of the record and never asked for again. */
export type ExecutionEvent = { at: Instant } & (
  | { type: 'execution-created'; plan: Plan }
  | { type: 'execution-queued' }
  | { type: 'execution-started' }
  | { type: 'stage-started'; stage: string }
  | { type: 'stage-skipped'; stage: string }
  | { type: 'step-started'; stage: string; step: number }
  | { type: 'stage-ended'; stage: string; status: 'COMPLETED' | 'FAILED' | 'CANCELED'; message: string }
  | { type: 'task-started'; stage: string; task: string; attempt: number }
  | { type: 'task-skipped'; stage: string; task: string; message: string }
  | { type: 'task-running'; stage: string; task: string; input: JsonObject; ticket: Json }
  | { type: 'task-waiting'; stage: string; task: string; input: JsonObject; question: Question }
  | { type: 'task-canceling'; stage: string; task: string; because: string }
  | {
      type: 'task-ended';
      stage: string;
      task: string;
      status: EndStatus;
      input: JsonObject | null;
      output: JsonObject;
      message: string;
    }
  | { type: 'task-retrying'; stage: string; task: string; attempt: number; message: string; until: Instant }
  | { type: 'run-failing'; status: 'FAILED' | 'CANCELED'; message: string }
  | {
      type: 'execution-ended';
      status: 'COMPLETED' | 'FAILED' | 'CANCELED';
      message: string;
      output: JsonObject;
    }
);

export type EndStatus = 'COMPLETED' | 'FAILED' | 'FAILED_CONTINUE' | 'CANCELED';

export const taskKey = (stage: string, task: string): string => `${stage}.${task}`;

export const isTaskOver = (state: TaskState): boolean =>
  ['SKIPPED', 'COMPLETED', 'FAILED', 'FAILED_CONTINUE', 'CANCELED'].includes(state.status);

export const isOver = (execution: Execution): boolean => execution.endedAt !== null;

/** The same events give the same state, on the server, in the terminal and in a browser. */
export function evolve(state: Execution | null, event: ExecutionEvent): Execution {
  const next = apply(state, event);
  return isNoteworthy(event) ? { ...next, notices: next.notices + 1 } : next;
}

/** What people are told about, when they asked to be. */
const isNoteworthy = ({ type }: ExecutionEvent): boolean =>
  type === 'execution-started' || type === 'task-waiting' || type === 'task-ended' || type === 'execution-ended';

function apply(state: Execution | null, event: ExecutionEvent): Execution {
  if (event.type === 'execution-created') return created(event.plan, event.at);
  if (!state) throw new Error(`The first event of an execution is ${event.type}.`);
  const { at } = event;
  switch (event.type) {
    case 'execution-queued':
      return { ...state, status: 'QUEUED' };
    case 'execution-started':
      return { ...state, status: 'RUNNING', startedAt: at };
    case 'stage-started':
      return withStage(state, event.stage, { status: 'RUNNING', startedAt: at, step: -1 });
    case 'stage-skipped':
      return withStage(state, event.stage, { status: 'SKIPPED' });
    case 'step-started': {
      const stage = state.stages[event.stage];
      return stage?.status === 'RUNNING' ? withStage(state, event.stage, { ...stage, step: event.step }) : state;
    }
    case 'stage-ended': {
      const stage = state.stages[event.stage];
      const startedAt = stage && 'startedAt' in stage ? stage.startedAt : at;
      return withStage(state, event.stage, {
        status: event.status,
        startedAt,
        endedAt: at,
        message: event.message,
      });
    }
    case 'task-started':
      return withStatus(
        withTask({ ...state, message: `Running ${event.task}` }, event, {
          status: 'STARTED',
          attempt: event.attempt,
          startedAt: at,
          input: null,
        }),
      );
    case 'task-retrying': {
      const { startedAt } = begun(state, event);
      const message = `Retrying ${event.task}: ${event.message}`;
      const again = { status: 'STARTED' as const, attempt: event.attempt + 1, startedAt, input: null };
      return withStatus(withTask({ ...state, message }, event, again));
    }
    case 'task-skipped':
      return withTask(state, event, { status: 'SKIPPED', endedAt: at, message: event.message });
    case 'task-running':
      return withStatus(
        withTask(state, event, {
          ...begun(state, event),
          status: 'RUNNING',
          input: event.input,
          ticket: event.ticket,
        }),
      );
    case 'task-waiting':
      return withStatus(
        withTask(state, event, {
          ...begun(state, event),
          status: 'WAITING',
          input: event.input,
          question: event.question,
        }),
      );
    case 'task-canceling': {
      const task = state.tasks[taskKey(event.stage, event.task)];
      const ticket = task && 'ticket' in task ? task.ticket : null;
      return withTask(state, event, {
        ...begun(state, event),
        status: 'CANCELING',
        ticket,
        because: event.because,
      });
    }
    case 'task-ended': {
      const before = begun(state, event);
      const input = event.input ?? before.input;
      return withStatus(
        withTask(state, event, {
          ...before,
          input,
          status: event.status,
          endedAt: at,
          output: event.output,
          message: event.message,
        }),
      );
    }
    case 'run-failing':
      return { ...state, ending: { status: event.status, message: event.message } };
    case 'execution-ended':
      return { ...state, status: event.status, message: event.message, output: event.output, endedAt: at };
  }
}

function created(plan: Plan, at: Instant): Execution {
  const tasks = plan.pipeline.stages.flatMap((stage) =>
    stage.steps.flat().map((task) => [taskKey(stage.name, task), { status: 'NOT_STARTED' }]),
  );
  const stages = plan.pipeline.stages.map(({ name }) => [name, { status: 'NOT_STARTED' }]);
  return {
    plan,
    status: 'NOT_STARTED',
    message: '',
    requestedAt: at,
    startedAt: null,
    endedAt: null,
    stages: Object.fromEntries(stages) as Record<string, StageState>,
    tasks: Object.fromEntries(tasks) as Record<string, TaskState>,
    ending: null,
    output: {},
    notices: 0,
  };
}

const withStage = (state: Execution, stage: string, next: StageState): Execution => ({
  ...state,
  stages: { ...state.stages, [stage]: next },
});

const withTask = (state: Execution, { stage, task }: { stage: string; task: string }, next: TaskState): Execution => ({
  ...state,
  tasks: { ...state.tasks, [taskKey(stage, task)]: next },
});

/** A run WAITs exactly while one of its tasks waits for people. */
function withStatus(state: Execution): Execution {
  if (state.status !== 'RUNNING' && state.status !== 'WAITING') return state;
  const waits = Object.values(state.tasks).some(({ status }) => status === 'WAITING');
  return { ...state, status: waits ? 'WAITING' : 'RUNNING' };
}

function begun(state: Execution, { stage, task }: { stage: string; task: string }): Begun {
  const before = state.tasks[taskKey(stage, task)];
  if (!before || !('attempt' in before)) return { attempt: 1, startedAt: 0, input: null };
  return { attempt: before.attempt, startedAt: before.startedAt, input: before.input };
}
