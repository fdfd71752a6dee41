import type { Duration } from '../core/duration.ts';
import type { Json, JsonObject } from '../core/json.ts';

/** A pipeline as somebody wrote it, read into plain values. The text it came from is kept beside it, byte for byte. */
export interface Pipeline {
  project: string | undefined;
  name: string;
  description: string;
  icon: string;
  enabled: boolean;
  /** Whether all projects may run it. */
  global: boolean;
  /** How many executions may run at once; the others queue. */
  concurrency: number;
  /** Name to default; an empty text is no default. */
  input: Record<string, Json>;
  inputMeta: Record<string, InputMeta>;
  /** Name to a text with bindings. */
  output: Record<string, string>;
  starred: JsonObject;
  options: string[];
  tags: string[];
  workspace: Workspace;
  /** In the order in which they run. */
  stages: Stage[];
  notifications: JsonObject;
  rollbacks: Rollback[];
  millrace: PipelineExtras;
}

/** A pipeline that runs when a part of this one has failed: a task, a stage, or any part where none is named. */
export interface Rollback {
  /** The pipeline to run. */
  name: string;
  stage: string;
  task: string;
  /** As written, bindings unresolved. */
  inputs: JsonObject;
}

export interface InputMeta {
  mandatory: boolean;
  description: string;
}

export interface Workspace {
  type: string;
  endpoint: string;
  image: string;
  /** Endpoint of the registry that the image is pulled from. */
  registry: string;
  path: string;
  /** Paths that are kept from run to run. */
  cache: string[];
  environmentVariables: Record<string, string>;
  autoCloneForTrigger: boolean;
  limits: { cpu: number; memory: number };
  /** What one type of workspace has beside this: the namespace and the claim of Kubernetes. */
  customProperties: Record<string, string>;
}

export interface Stage {
  name: string;
  /** Steps one after the other; the tasks of one step run at once. */
  steps: string[][];
  tasks: Record<string, Task>;
  millrace: StageExtras;
}

export interface StageExtras {
  runs: StageRuns;
  /** From the beginning of this stage on, no newer run takes the place of this one: traffic is never cut in the middle. */
  protect: boolean;
}

/** When a stage runs: as long as nothing failed; only when something failed or was cancelled; in any case. */
export type StageRuns = 'on-success' | 'on-failure' | 'always';

export interface Task {
  name: string;
  type: string;
  /** As written, bindings unresolved. */
  input: JsonObject;
  /** Role to endpoint name. */
  endpoints: Record<string, string>;
  ignoreFailure: boolean;
  preCondition: string;
  /** False where its author has not filled in its form: it may be kept so, and fails when it runs. */
  isConfigured: boolean;
  millrace: TaskExtras;
}

/** Our extensions, under the reserved key `millrace` of a task. */
export interface TaskExtras {
  /** The task fails when it is not over after this time. */
  timeout?: Duration;
  /** The task starts this long after its turn has come. */
  delay?: Duration;
  /** The task is tried again when it fails. */
  retry?: Retry;
  /** Repeat a call that may have happened before a crash, instead of asking. */
  repeat?: boolean;
  /** How many different approvers a user operation needs. */
  approvals?: number;
  /** Endpoint to which metric lines in the task's output are forwarded. */
  metrics?: string;
}

/** Tries and the pauses between them: `delay`, and each further one `backoff` times as long, but never longer than `maximum`. */
export interface Retry {
  /** How often the task is tried, the first time included. */
  attempts: number;
  delay: Duration;
  backoff: number;
  maximum: Duration;
}

/** How long to wait after an attempt has failed; undefined where it was the last. */
export const pauseAfter = ({ attempts, delay, backoff, maximum }: Retry, attempt: number): Duration | undefined =>
  attempt < attempts ? Math.min(maximum, delay * backoff ** (attempt - 1)) : undefined;

export interface PipelineExtras {
  notifications: { type: string; endpoint: string; [key: string]: Json }[];
  /** A newer run cancels older ones for which this text, its bindings resolved, is the same; null: runs cancel none. */
  supersede: string | null;
  /** Runs of a higher one come first where they wait for a turn. */
  priority: number;
}

export const findTask = (pipeline: Pipeline, stage: string, task: string): Task | undefined =>
  pipeline.stages.find(({ name }) => name === stage)?.tasks[task];

/** Each task that can run, in the order of its stage and step. */
export function* tasksInOrder(pipeline: Pipeline): Generator<{ stage: Stage; step: number; task: Task }> {
  for (const stage of pipeline.stages) {
    for (const [step, names] of stage.steps.entries()) {
      for (const name of names) {
        const task = stage.tasks[name];
        if (task) yield { stage, step, task };
      }
    }
  }
}
