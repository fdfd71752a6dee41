import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Pipeline } from './model.ts';
import type { RollbackState } from './rollback.ts';

/** The status words of the original's API, for executions, stages and tasks alike. */
export type Status =
  | 'NOT_STARTED'
  | 'QUEUED'
  | 'STARTED'
  | 'RUNNING'
  | 'WAITING'
  | 'PAUSING'
  | 'PAUSED'
  | 'CANCELING'
  | 'COMPLETED'
  | 'FAILED'
  | 'FAILED_CONTINUE'
  | 'ROLLING_BACK'
  | 'ROLLBACK_COMPLETED'
  | 'ROLLBACK_FAILED'
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
  /** Where it is not the pipeline's. */
  priority?: number;
  /** The machine of ours on which its tasks work; none: they work anywhere. */
  host?: string;
  /** The outermost of the runs that this one is a part of. */
  root?: string;
  /**
   * What led to it: the record of a push, and the trace that the caller said it belongs to (W3C). `tell`: the kind of that record,
   * where whoever pushed waits to hear how the run ends.
   */
  cause?: { push?: string; tell?: string; traceparent?: string };
  /** The run that this one is a part of. */
  parent?: Parent;
  /** What need not run again, by `Stage.Task`: a re-run from where an earlier run failed. */
  carried?: Record<string, TaskState>;
}

/** Who waits for a run. */
export interface Parent {
  execution: string;
  /** Key of the task, or of the rollback, that asked for the run. */
  key: string;
  /** Ids of the pipelines above it, outermost first. */
  pipelines: string[];
  as: 'nested' | 'rollback';
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
  /** How many different people must approve, where it is more than one. */
  needed?: number;
}

/** How a part of the workspace of a run was made. */
export type WorkspaceStep = { step: string; status: 'COMPLETED' | 'FAILED'; logs: string[] };

/** What one of several approvers said. */
export interface Approval {
  by: string;
  comment: string;
  at: Instant;
}

export interface Begun {
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
  | (Begun & { status: 'WAITING'; question: Question; approvals?: Approval[] })
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
  /** At first those of the plan; people change them. */
  tags: string[];
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
  /** Who wants that nothing new begins. */
  paused?: { by: string; reason: string } | null;
  /** In the order in which they run; only where a failure called for them. */
  rollbacks?: RollbackState[];
  /** Attempts that were used up before the run last went on from a failure, by `Stage.Task`. */
  attemptsBefore?: Record<string, number>;
  resumes?: { count: number; at: Instant };
  /** How its workspace was made, where it has one. */
  workspace?: WorkspaceStep[];
  /** How many noteworthy things happened: numbers what people are told. */
  notices: number;
}

/** What happened, in the order it happened. `at` is the time, part of the record and never asked for again. */
export type ExecutionEvent = { at: Instant } & (
  | { type: 'execution-created'; plan: Plan }
  | { type: 'execution-queued' }
  | { type: 'execution-started' }
  | { type: 'execution-pausing'; by: string; reason: string }
  | { type: 'execution-paused' }
  | { type: 'execution-resumed'; by: string; reason: string }
  | { type: 'execution-reopened'; by: string; reason: string }
  | { type: 'execution-tagged'; tags: string[] }
  | { type: 'stage-started'; stage: string }
  | { type: 'stage-skipped'; stage: string }
  | { type: 'step-started'; stage: string; step: number }
  | { type: 'stage-ended'; stage: string; status: 'COMPLETED' | 'FAILED' | 'CANCELED'; message: string }
  | { type: 'task-started'; stage: string; task: string; attempt: number }
  | { type: 'task-skipped'; stage: string; task: string; message: string }
  | { type: 'task-running'; stage: string; task: string; input: JsonObject; ticket: Json; workspace?: WorkspaceStep[] }
  | { type: 'task-approved'; stage: string; task: string; by: string; comment: string }
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
  /** `rollbacks`: those that the failure calls for. */
  | { type: 'run-failing'; status: 'FAILED' | 'CANCELED'; message: string; rollbacks?: number[] }
  | { type: 'rollback-started'; number: number }
  | { type: 'rollback-ended'; number: number; ok: boolean; message: string; run: RollbackState['run'] }
  | {
      type: 'execution-ended';
      status: 'COMPLETED' | 'FAILED' | 'CANCELED' | 'ROLLBACK_COMPLETED' | 'ROLLBACK_FAILED';
      message: string;
      output: JsonObject;
    }
);

export type EndStatus = 'COMPLETED' | 'FAILED' | 'FAILED_CONTINUE' | 'CANCELED';

export const taskKey = (stage: string, task: string): string => `${stage}.${task}`;

export const isTaskOver = (state: TaskState): boolean =>
  ['SKIPPED', 'COMPLETED', 'FAILED', 'FAILED_CONTINUE', 'CANCELED'].includes(state.status);

export const isOver = (execution: Execution): boolean => execution.endedAt !== null;
