import { type Instant, toMicros } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { type Approval, type Execution, type ExecutionEvent, type Question, taskKey } from '../pipeline/execution.ts';
import type { ExecutionMessage } from '../pipeline/messages.ts';
import type { Document } from '../store/store.ts';

/** The user operations that people see: open with the task, and closed with it. */
export function questionsOf(
  before: Execution | null,
  message: ExecutionMessage,
  state: Execution,
  events: ExecutionEvent[],
  now: Instant,
): Document[] {
  return events.flatMap((event) => {
    if (event.type === 'task-waiting')
      return [
        questionDocument(state, event.stage, event.task, event.question, { status: 'ACTIVE', requestedAt: now }, now),
      ];
    if (event.type === 'task-approved') {
      const waiting = state.tasks[taskKey(event.stage, event.task)];
      if (waiting?.status !== 'WAITING') return [];
      const open = { status: 'ACTIVE', requestedAt: waiting.startedAt, responses: responsesOf(waiting.approvals) };
      return [questionDocument(state, event.stage, event.task, waiting.question, open, now)];
    }
    if (event.type !== 'task-ended' && event.type !== 'task-started') return [];
    const waited = before?.tasks[taskKey(event.stage, event.task)];
    if (waited?.status !== 'WAITING') return [];
    const last = message.type === 'answer' ? [{ by: message.by, comment: message.comment, at: now }] : [];
    const answer: JsonObject = {
      ...(message.type === 'answer'
        ? { respondedBy: message.by, responseMessage: message.comment, respondedAt: now }
        : {}),
      responses: responsesOf([...(waited.approvals ?? []), ...last]),
    };
    return [
      questionDocument(
        state,
        event.stage,
        event.task,
        waited.question,
        { status: closingStatus(message), requestedAt: waited.startedAt, ...answer },
        now,
      ),
    ];
  });
}

const responsesOf = (approvals: Approval[] = []): JsonObject[] =>
  approvals.map(({ by, comment, at }) => ({ respondedBy: by, responseMessage: comment, respondedAt: at }));

function closingStatus(message: ExecutionMessage): string {
  if (message.type === 'answer') return message.approved ? 'APPROVED' : 'REJECTED';
  return message.type === 'expire-question' ? 'EXPIRED' : 'CANCELED';
}

function questionDocument(
  { plan }: Execution,
  stage: string,
  task: string,
  question: Question,
  state: JsonObject,
  now: Instant,
): Document {
  const body: JsonObject = {
    executionId: plan.execution,
    executionIndex: plan.index,
    executionLink: `/codestream/api/executions/${plan.execution}`,
    pipelineName: plan.pipeline.name,
    pipelineId: plan.pipelineId,
    requestedBy: plan.requestedBy,
    stage,
    task,
    ...(question as unknown as JsonObject),
    approvalsNeeded: question.needed ?? 1,
    ...state,
    _requestedOnInMicros: toMicros(Number(state.requestedAt)),
    _expiresOnInMicros: question.expiresAt === null ? 0 : toMicros(question.expiresAt),
  };
  return {
    kind: 'user-operation',
    id: question.id,
    project: plan.project,
    name: question.id,
    body,
    createdAt: now,
    updatedAt: now,
  };
}
