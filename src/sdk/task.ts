import type { z } from 'zod';
import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { WorkspaceStep } from '../pipeline/execution.ts';
import type { ContainerSpec } from './parts.ts';
import type { Deployments, Endpoint, Executions, Http, Integrations, Jobs, Log, Ssh } from './powers.ts';

/**
 * How a start or a poll went. "The tests failed" is `failed`; what a person must decide is `ask`. A start that waits for 0 seconds is
 * polled before its ticket is stored: should that get lost, starting again finds it.
 */
export type Outcome =
  | { done: JsonObject; message?: string }
  | { failed: string; output?: JsonObject }
  | { wait: Json; seconds: number; workspace?: WorkspaceStep[] }
  | { ask: Asking };

/** `uncertain`: an earlier call of this start may have come through, and the far side cannot tell; people are asked. */
export type StartOutcome = Outcome | { uncertain: true };

export interface Asking {
  approvers: string[];
  approverGroups: string[];
  summary: string;
  description: string;
  /** Milliseconds; null waits for ever. */
  expiresIn: number | null;
  /** Whether older open questions of the same pipeline are withdrawn. */
  cancelsPrevious: boolean;
}

/** What a task is handed: it owns no socket, clock or secret of its own. */
export interface TaskContext {
  /** The same over all repetitions of one attempt: a second call after a crash must find the first one's work. */
  key: string;
  /** Whether an earlier call of this start may have had effects already, and nobody has said that it may be repeated. */
  isRepeat: boolean;
  now: Instant;
  http: Http;
  ssh: Ssh;
  log: Log;
  jobs: Jobs;
  deployments: Deployments;
  executions: Executions;
  integrations: Integrations;
  signal: AbortSignal;
  /** The endpoint the task names for a role; undefined where it names none. */
  endpoint(role: string): Endpoint | undefined;
  /** Whether a condition holds in this run; bare names and unknown bindings look into `fields`. */
  holds(condition: string, fields?: Json): boolean;
  /** A text with asterisks in the place of all secrets that this task knows. */
  mask(text: string): string;
  /** The mail addresses of user names, addresses and groups, each once. */
  addressesOf(names: string[], groups: string[]): Promise<string[]>;
  /** Where people see this run. */
  link: string;
  /** Where the holder of a mail address answers the question of this attempt, without signing in. */
  answerLink(address: string): string;
  project: string;
  requestedBy: string;
  /** The workspace of the pipeline, for tasks that run in it. */
  workspace: {
    type: string;
    environment: Record<string, string>;
    key: string;
    /** The container to work in; undefined: a plain process of this machine. */
    container: ContainerSpec | undefined;
    /** What to clone before the first step, where the pipeline wants that and a push started it. */
    repository: { branch: string; sshUrl: string; httpUrl: string } | undefined;
  };
  stage: string;
  task: string;
  pipeline: string;
}

/**
 * A task type: one value from which types, validation, editor completion and the reference page derive.
 *
 * `start` may be called again with the same key after a crash and must then find the first call's work. A type that cannot
 * promise this for some inputs says so by `isRepeatable`; the engine then asks a person instead of calling twice.
 */
export interface TaskDefinition<I extends z.ZodObject = z.ZodObject> {
  type: string;
  title: string;
  summary: string;
  input: I;
  output: Record<string, string>;
  endpoints: Record<string, { types: string[]; required: boolean; description: string }>;
  /** What it starts lives on the machine of the server that started it: a job, a directory, a machine of the local cloud. */
  worksHere?: true;
  /** Works in the workspace of the pipeline. */
  usesWorkspace?: true;
  /** Input keys that hold a condition: their bindings are left for `holds`. */
  conditions?: string[][];
  /**
   * A repeated start looks at the far side for what an earlier one began. It is called a moment later, since that may still be on its
   * way.
   */
  looksBack?: true;
  examples: { title: string; yaml: string }[];
  isRepeatable(input: z.infer<I>): boolean;
  start(input: z.infer<I>, context: TaskContext): Promise<StartOutcome>;
  poll?(ticket: Json, input: z.infer<I>, context: TaskContext): Promise<Outcome>;
  cancel?(ticket: Json, input: z.infer<I>, context: TaskContext): Promise<void>;
}

export const defineTask = <I extends z.ZodObject>(definition: TaskDefinition<I>): TaskDefinition<I> => definition;
