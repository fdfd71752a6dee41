import { nearest } from '../core/diagnostic.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { type Reader, text } from '../lang/reader.ts';
import type { Execution } from './execution.ts';
import type { Rollback, Stage } from './model.ts';
import { taskOf } from './progress.ts';
import type { Turn } from './turn.ts';

/** How far a rollback came. They run one after the other, in the order of this list. */
export interface RollbackState {
  /** Which of the pipeline's rollbacks. */
  number: number;
  status: 'NOT_STARTED' | 'RUNNING' | 'COMPLETED' | 'FAILED';
  message: string;
  /** The run of the rollback, once it has ended. */
  run: { id: string; index: number; output: JsonObject } | null;
}

export function readRollbacks({ list, map, report }: Reader, value: Json | undefined, stages: Stage[]): Rollback[] {
  return list(value, ['rollbacks']).flatMap((item, index) => {
    const path = ['rollbacks', index];
    if (!isObject(item) || !text(item.name)) {
      report('error', 'rollback.incomplete', 'A rollback needs the `name` of a pipeline.', path);
      return [];
    }
    const rollback = {
      name: text(item.name),
      stage: text(item.stage),
      task: text(item.task),
      inputs: map(item.inputs, [...path, 'inputs']),
    };
    const stage = stages.find(({ name }) => name === rollback.stage);
    const unknown =
      rollback.stage && !stage
        ? (['stage', rollback.stage, stages.map(({ name }) => name)] as const)
        : rollback.task && !Object.hasOwn(stage?.tasks ?? {}, rollback.task)
          ? (['task', rollback.task, Object.keys(stage?.tasks ?? {})] as const)
          : undefined;
    if (unknown) {
      const [key, word, known] = unknown;
      const close = nearest(word, known);
      const message = `Rollback ${rollback.name} belongs to the ${key} ${word}, which is not there.`;
      report('error', 'rollback.unknown-part', message, [...path, key], close && `Did you mean ${close}?`);
    }
    return [rollback];
  });
}

/** The rollbacks that the failure of a stage calls for: those of its failed tasks, its own, and those of the pipeline. */
export function rollbacksFor(state: Execution, stage: Stage): number[] {
  const rank = ({ stage: name, task }: Rollback) => (task ? 0 : name ? 1 : 2);
  const isDue = (rollback: Rollback) =>
    rollback.stage === '' ||
    (rollback.stage === stage.name &&
      (rollback.task === '' || taskOf(state, stage.name, rollback.task).status === 'FAILED'));
  return state.plan.pipeline.rollbacks
    .map((rollback, number) => ({ rollback, number }))
    .filter(({ rollback }) => isDue(rollback))
    .sort((a, b) => rank(a.rollback) - rank(b.rollback) || a.number - b.number)
    .map(({ number }) => number);
}

/** Starts the next rollback where one is due; true while some are not over, which holds up everything else. */
export function rollBack(turn: Turn): boolean {
  const { rollbacks = [], plan, resumes } = turn.state;
  if (rollbacks.some(({ status }) => status === 'RUNNING')) return true;
  const next = rollbacks.find(({ status }) => status === 'NOT_STARTED');
  if (!next) return false;
  const { number } = next;
  turn.emit({ type: 'rollback-started', number });
  const key = `${plan.execution}/rollback/${number}/${resumes?.count ?? 0}`;
  turn.ask({ do: 'start-rollback', number, key, due: turn.now });
  return true;
}

/** How a run ends that failed: it has rolled back only where all its rollbacks did. */
export function failedStatus({ rollbacks = [] }: Execution): 'FAILED' | 'ROLLBACK_COMPLETED' | 'ROLLBACK_FAILED' {
  if (rollbacks.length === 0) return 'FAILED';
  return rollbacks.every(({ status }) => status === 'COMPLETED') ? 'ROLLBACK_COMPLETED' : 'ROLLBACK_FAILED';
}
