import type { Instant } from '../core/instant.ts';
import { type Execution, type TaskState, taskKey } from './execution.ts';
import type { Stage } from './model.ts';

// What stays of a run that failed when it goes on, or when another run takes its place.

/** A run may go on from where it failed; one that completed has nowhere to go on from, and one that a person cancelled shall not. */
export const mayReopen = ({ status, endedAt }: Execution): boolean =>
  endedAt !== null && /FAILED|ROLLBACK/.test(status);

/**
 * The states of the tasks that need not run again. Stages that clean up are no part of what succeeded: they run again when they
 * are due again.
 */
export function succeeded({ plan, tasks }: Execution): Record<string, TaskState> {
  const kept = plan.pipeline.stages.filter(isOrdinary).flatMap((stage) =>
    stage.steps.flat().flatMap((task) => {
      const key = taskKey(stage.name, task);
      const state = tasks[key]!;
      return ['COMPLETED', 'SKIPPED', 'FAILED_CONTINUE'].includes(state.status) ? [[key, state] as const] : [];
    }),
  );
  return Object.fromEntries(kept);
}

/** The run as it waits for its turn again. Attempts go on counting, so that no key is ever used for two of them. */
export function reopened(state: Execution, at: Instant): Execution {
  const kept = succeeded(state);
  const notStarted = Object.keys(state.tasks).map((key) => [key, { status: 'NOT_STARTED' as const }]);
  const attempts = Object.entries(state.tasks).flatMap(([key, task]) =>
    'attempt' in task ? [[key, task.attempt]] : [],
  );
  const stages = state.plan.pipeline.stages.map((stage) => {
    const before = state.stages[stage.name]!;
    const stays = isOrdinary(stage) && before.status === 'COMPLETED';
    return [stage.name, stays ? before : { status: 'NOT_STARTED' as const }];
  });
  const { rollbacks: _, ...before } = state;
  return {
    ...before,
    status: 'QUEUED',
    message: '',
    startedAt: null,
    endedAt: null,
    ending: null,
    output: {},
    stages: Object.fromEntries(stages),
    tasks: { ...Object.fromEntries(notStarted), ...kept },
    attemptsBefore: { ...state.attemptsBefore, ...Object.fromEntries(attempts) },
    resumes: { count: (state.resumes?.count ?? 0) + 1, at },
  };
}

const isOrdinary = ({ millrace }: Stage): boolean => millrace.runs === 'on-success';
