import { maskDeep } from '../core/secret.ts';
import type { Execution } from '../pipeline/execution.ts';
import type { TaskReport } from '../pipeline/messages.ts';
import { questionOf } from '../pipeline/question.ts';
import type { Outcome, TaskContext } from '../sdk/task.ts';
import type { Prepared } from './prepare.ts';

/** The same over all repetitions of one attempt of a task. */
export const taskKeyOf = (execution: Execution, stage: string, task: string, attempt: number): string =>
  `${execution.plan.execution}/${stage}.${task}/${attempt}`;

/** What a task's outcome means for its run; nothing secret is left in it. */
export function reportOf(
  outcome: Outcome,
  prepared: Prepared & { kind: 'ready' },
  { key, now }: TaskContext,
): TaskReport {
  const { mask, shown: input } = prepared;
  if ('wait' in outcome) {
    const { wait: ticket, seconds, workspace } = outcome;
    return { kind: 'running', input, ticket, pollAfter: seconds * 1000, ...(workspace ? { workspace } : {}) };
  }
  if ('ask' in outcome) {
    const { expiresIn, cancelsPrevious: _, ...asking } = outcome.ask;
    return {
      kind: 'asks',
      input,
      question: {
        ...questionOf(key),
        ...maskDeep(asking, mask),
        expiresAt: expiresIn === null ? null : now + expiresIn,
        about: 'approval',
        ...neededBy(prepared.task.millrace.approvals),
      },
    };
  }
  if ('failed' in outcome)
    return {
      kind: 'ended',
      ok: false,
      input,
      output: maskDeep(outcome.output ?? {}, mask),
      message: mask(outcome.failed),
    };
  return {
    kind: 'ended',
    ok: true,
    input,
    output: maskDeep(outcome.done, mask),
    message: mask(outcome.message ?? ''),
  };
}

const neededBy = (approvals = 1): { needed?: number } => (approvals > 1 ? { needed: approvals } : {});

/** A crash fell between a call and its record, and the far side cannot tell whether it came through: people must. */
export function uncertain(
  execution: Execution,
  prepared: Prepared & { kind: 'ready' },
  stage: string,
  task: string,
): TaskReport {
  return {
    kind: 'asks',
    input: prepared.shown,
    question: {
      ...questionOf(`${taskKeyOf(execution, stage, task, 1)}/uncertain`),
      approvers: [execution.plan.requestedBy],
      approverGroups: [],
      summary: `May ${stage}.${task} be repeated?`,
      description: `Millrace stopped between performing ${stage}.${task} and recording its result, so it may have happened already. Approve to perform it again, reject to fail the task. \`millrace: {repeat: true}\` on the task answers this for good.`,
      expiresAt: null,
      about: 'uncertain',
    },
  };
}
