import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Plan, Question, WorkspaceStep } from './execution.ts';
import type { Turnholder } from './queue.ts';
import type { RollbackState } from './rollback.ts';

/** What reaches an execution from outside. */
export type ExecutionMessage =
  /** `stands`: its place in the queue is written along with it. */
  | { type: 'create'; plan: Plan; queued: boolean; stands?: boolean }
  | { type: 'admit' }
  | { type: 'report'; stage: string; task: string; attempt: number; report: TaskReport }
  | { type: 'answer'; question: string; approved: boolean; by: string; comment: string; output: JsonObject }
  | { type: 'expire-question'; question: string }
  | { type: 'withdraw-question'; question: string; because: string }
  | { type: 'time-out'; stage: string; task: string; attempt: number }
  | { type: 'cancel'; by: string; reason: string }
  | { type: 'pause'; by: string; reason: string }
  /** Goes on after a pause, or from where the run failed. */
  | { type: 'resume'; by: string; reason: string }
  | { type: 'rollback-ended'; number: number; ok: boolean; message: string; run: RollbackState['run'] }
  /** A newer run takes the place of this one. */
  | { type: 'supersede'; by: number }
  | { type: 'tag'; tags: string[] };

/** How far the hands came with a task. `input` is resolved and masked. */
export type TaskReport =
  | { kind: 'skipped'; message: string }
  | { kind: 'running'; input: JsonObject; ticket: Json; pollAfter: number; workspace?: WorkspaceStep[] }
  | { kind: 'asks'; input: JsonObject; question: Question }
  | { kind: 'ended'; ok: boolean; input: JsonObject | null; output: JsonObject; message: string };

/** What the hands shall do, after what was decided has been written. `due` is the earliest time; `key` stays the same over repetitions. */
export type ExecutionCommand = { key: string; due: Instant } & (
  | { do: 'start-task'; stage: string; task: string; attempt: number; repeat?: boolean }
  | { do: 'poll-task'; stage: string; task: string; attempt: number; ticket: Json }
  | { do: 'cancel-task'; stage: string; task: string; attempt: number; ticket: Json }
  | { do: 'time-out'; stage: string; task: string; attempt: number }
  | { do: 'expire-question'; question: string }
  | { do: 'start-rollback'; number: number }
  | { do: 'enter-queue'; entry: Turnholder }
  | { do: 'leave-queue' }
  | { do: 'tidy' }
  /** Whoever caused the run hears how it ended; `round` counts how often it went on after a failure. */
  | { do: 'tell-cause'; status: string; message: string; round: number }
  | { do: 'send-trace' }
  | { do: 'notify'; notice: Notice }
  /** One of the notifications of the original; status and message are those of the run when it was due. */
  | { do: 'send-notification'; number: number; word: string; status: string; message: string }
);

/** Something worth telling people, in the order it happened. */
export interface Notice {
  number: number;
  kind: 'started' | 'task' | 'waiting' | 'ended';
  stage?: string;
  task?: string;
  status: string;
  message: string;
}
