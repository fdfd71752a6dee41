import type { Execution, TaskState } from './execution.ts';
import { isTaskOver, taskKey } from './execution.ts';
import { findTask, type Stage } from './model.ts';

// What one may ask about a run under way. Pure.

/** A step is over when all its tasks are, however they ended. */
export function isStepOver(state: Execution, stage: Stage): boolean {
  const stageState = state.stages[stage.name]!;
  if (stageState.status !== 'RUNNING') return true;
  return (stage.steps[stageState.step] ?? []).every((task) => isTaskOver(taskOf(state, stage.name, task)));
}

/** Whether some task or rollback has begun and not ended. */
export const isAnyUnderWay = ({ tasks, rollbacks = [] }: Execution): boolean =>
  Object.values(tasks).some((task) => task.status !== 'NOT_STARTED' && !isTaskOver(task)) ||
  rollbacks.some(({ status }) => status === 'RUNNING');

/** Whether a stage has begun that no newer run may cut: then this run goes to its end. */
export const isBeyondRecall = ({ plan, stages }: Execution): boolean =>
  plan.pipeline.stages.some(({ name, millrace }) => millrace.protect && 'startedAt' in stages[name]!);

/** Cleaning stages start afresh after a failure; an ordinary stage does not. */
export function shallRun(state: Execution, stage: Stage): boolean {
  const { runs } = stage.millrace;
  return runs === 'always' || (state.ending ? runs === 'on-failure' : runs === 'on-success');
}

/** Why the stage cannot go on, in the words of the original. */
export function stageFailure(
  state: Execution,
  stage: Stage,
): { status: 'FAILED' | 'CANCELED'; message: string } | undefined {
  const all = stage.steps.flat().map((name) => ({ name, task: taskOf(state, stage.name, name) }));
  const failed = all.filter(({ task }) => task.status === 'FAILED');
  const [first] = failed;
  if (first && 'message' in first.task) {
    const message =
      failed.length > 1
        ? `FAILED tasks in ${stage.name}: ${failed.map(({ name }) => name).join(',')}`
        : `${stage.name}.${first.name}: ${first.task.message}`;
    return { status: 'FAILED', message };
  }
  const canceled = all.find(({ task }) => task.status === 'CANCELED');
  if (canceled && 'message' in canceled.task) return { status: 'CANCELED', message: canceled.task.message };
  const isLeftOff =
    state.ending !== null && stage.millrace.runs === 'on-success' && all.some(({ task }) => !isTaskOver(task));
  return isLeftOff ? state.ending! : undefined;
}

/** The task that waits for the answer to a question. */
export function waitingFor(
  state: Execution,
  question: string,
): { stage: string; task: string; state: TaskState & { status: 'WAITING' } } | undefined {
  for (const stage of state.plan.pipeline.stages) {
    for (const task of stage.steps.flat()) {
      const current = taskOf(state, stage.name, task);
      if (current.status === 'WAITING' && current.question.id === question)
        return { stage: stage.name, task, state: current };
    }
  }
  return undefined;
}

/** A failed task that may fail lets its stage go on. */
export function failureOf(state: Execution, stage: string, task: string): 'FAILED' | 'FAILED_CONTINUE' {
  return findTask(state.plan.pipeline, stage, task)?.ignoreFailure ? 'FAILED_CONTINUE' : 'FAILED';
}

export function taskOf(state: Execution, stage: string, task: string): TaskState {
  return state.tasks[taskKey(stage, task)]!;
}
