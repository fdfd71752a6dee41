import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';

/** One run of a function (ABX action), in the words of the original's API. */
export interface FunctionRun {
  id: string;
  actionId: string;
  actionName: string;
  project: string;
  /** The machine that it runs on. */
  host?: string;
  runtime: string;
  entrypoint: string;
  source: string;
  inputs: JsonObject;
  /** A deployment of this project asked for it: what is secret in the inputs is opened for the function, and for nobody else. */
  opensSecretsOf?: string;
  timeoutSeconds: number;
  memoryInMB: number;
  runState: 'CREATED' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';
  outputs: Json;
  errorMessage: string;
  logs: string;
  triggeredBy: string;
  createdMillis: Instant;
  startTimeMillis: Instant | null;
  endTimeMillis: Instant | null;
}

export type FunctionMessage =
  | { type: 'create'; run: FunctionRun }
  | { type: 'started'; pollAfter: number }
  | { type: 'cancel' }
  | {
      type: 'ended';
      runState: 'COMPLETED' | 'FAILED';
      outputs: Json;
      errorMessage: string;
      logs: string;
    };

export type FunctionCommand = { key: string; due: Instant } & (
  | { do: 'start-run' }
  | { do: 'poll-run' }
  | { do: 'stop-run' }
);

/** The same small machine as for tasks: start once by key, poll, end once. */
export function decideFunctionRun(
  before: FunctionRun | null,
  message: FunctionMessage,
  now: Instant,
): { state: FunctionRun; events: JsonObject[]; commands: FunctionCommand[] } {
  if (!before) {
    if (message.type !== 'create') throw new Error(`The first message of a function's run is ${message.type}.`);
    const { run } = message;
    return {
      state: run,
      events: [event(run, now)],
      commands: [{ do: 'start-run', key: `${run.id}/start`, due: now }],
    };
  }
  if (message.type === 'create' || before.endTimeMillis !== null) return { state: before, events: [], commands: [] };
  if (message.type === 'cancel') {
    const state: FunctionRun = { ...before, runState: 'CANCELLED', errorMessage: 'Cancelled.', endTimeMillis: now };
    return {
      state,
      events: [event(state, now)],
      commands: [{ do: 'stop-run', key: `${before.id}/stop`, due: now }],
    };
  }
  if (message.type === 'started') {
    const state: FunctionRun = { ...before, runState: 'RUNNING', startTimeMillis: now };
    return {
      state,
      events: [event(state, now)],
      commands: [{ do: 'poll-run', key: `${before.id}/poll`, due: now + message.pollAfter }],
    };
  }
  const { runState, outputs, errorMessage, logs } = message;
  const state: FunctionRun = { ...before, runState, outputs, errorMessage, logs, endTimeMillis: now };
  return { state, events: [event(state, now)], commands: [] };
}

const event = ({ id, actionName, runState, errorMessage }: FunctionRun, at: Instant): JsonObject => ({
  type: 'function-run',
  at,
  id,
  actionName,
  runState,
  errorMessage,
});
