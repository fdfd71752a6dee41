import type { Instant } from '../core/instant.ts';
import {
  type Begun,
  type Execution,
  type ExecutionEvent,
  type Plan,
  type StageState,
  type TaskState,
  taskKey,
  type WorkspaceStep,
} from './execution.ts';
import { reopened } from './reopen.ts';
import type { RollbackState } from './rollback.ts';

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
    case 'execution-pausing':
      return { ...state, paused: { by: event.by, reason: event.reason }, status: pausing(state) };
    case 'execution-paused':
      return { ...state, status: 'PAUSED', message: `Paused by ${state.paused?.by}.` };
    case 'execution-resumed': {
      const resumes = { count: (state.resumes?.count ?? 0) + 1, at };
      return withStatus({ ...state, paused: null, resumes, status: 'RUNNING', message: `Resumed by ${event.by}.` });
    }
    case 'execution-reopened':
      return reopened(state, at);
    case 'execution-tagged':
      return { ...state, tags: event.tags };
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
        withTask(withWorkspace(state, event.workspace), event, {
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
    case 'task-approved': {
      const task = state.tasks[taskKey(event.stage, event.task)];
      if (task?.status !== 'WAITING') return state;
      const { by, comment } = event;
      return withTask(state, event, { ...task, approvals: [...(task.approvals ?? []), { by, comment, at }] });
    }
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
      return unpaused({
        ...state,
        ending: { status: event.status, message: event.message },
        ...(event.rollbacks?.length ? { rollbacks: event.rollbacks.map(notStarted) } : {}),
      });
    case 'rollback-started': {
      const { name } = state.plan.pipeline.rollbacks[event.number]!;
      const message = `Rolling back: ${name}`;
      return withRollback({ ...state, status: 'ROLLING_BACK', message }, event.number, { status: 'RUNNING' });
    }
    case 'rollback-ended': {
      const status = event.ok ? 'COMPLETED' : 'FAILED';
      const { message, run } = event;
      const goesOn = state.paused ? 'PAUSING' : 'RUNNING';
      return withRollback({ ...state, status: goesOn }, event.number, { status, message, run });
    }
    case 'execution-ended':
      return { ...state, status: event.status, message: event.message, output: event.output, endedAt: at };
  }
}

const withWorkspace = (state: Execution, made: WorkspaceStep[] | undefined): Execution =>
  made ? { ...state, workspace: [...(state.workspace ?? []), ...made] } : state;

function created(plan: Plan, at: Instant): Execution {
  const tasks = plan.pipeline.stages.flatMap((stage) =>
    stage.steps.flat().map((task) => {
      const key = taskKey(stage.name, task);
      return [key, plan.carried?.[key] ?? { status: 'NOT_STARTED' }];
    }),
  );
  const stages = plan.pipeline.stages.map(({ name }) => [name, { status: 'NOT_STARTED' }]);
  return {
    plan,
    tags: plan.tags,
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

const notStarted = (number: number): RollbackState => ({ number, status: 'NOT_STARTED', message: '', run: null });

const withRollback = (state: Execution, number: number, change: Partial<RollbackState>): Execution => ({
  ...state,
  rollbacks: state.rollbacks?.map((one) => (one.number === number ? { ...one, ...change } : one)),
});

const withStage = (state: Execution, stage: string, next: StageState): Execution => ({
  ...state,
  stages: { ...state.stages, [stage]: next },
});

const withTask = (state: Execution, { stage, task }: { stage: string; task: string }, next: TaskState): Execution => ({
  ...state,
  tasks: { ...state.tasks, [taskKey(stage, task)]: next },
});

/** A run that waits for its turn pauses when that has come. */
const pausing = ({ status, startedAt }: Execution): Execution['status'] => (startedAt === null ? status : 'PAUSING');

/** A run that a person cancels pauses no longer: it has to clean up. */
function unpaused(state: Execution): Execution {
  if (state.ending?.status !== 'CANCELED' || !state.paused) return state;
  return { ...state, paused: null, status: state.startedAt === null ? state.status : 'RUNNING' };
}

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
