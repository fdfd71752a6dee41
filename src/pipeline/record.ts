import { toIso, toMicros } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { withoutSeals } from '../core/secret.ts';
import { type Execution, type StageState, type TaskState, taskKey } from './execution.ts';
import type { Stage, Task } from './model.ts';

/** An execution in the shape of the original's API. `withStages: false` is the form of lists. */
export function executionRecord(execution: Execution, { withStages }: { withStages: boolean }): JsonObject {
  const { plan, requestedAt, startedAt, endedAt } = execution;
  const { pipeline } = plan;
  return {
    id: plan.execution,
    index: plan.index,
    name: pipeline.name,
    project: plan.project,
    status: execution.status,
    statusMessage: execution.message,
    comments: plan.comments,
    tags: execution.tags,
    icon: pipeline.icon,
    starred: pipeline.starred,
    input: withoutSeals(plan.input),
    output: execution.output,
    _inputMeta: pipeline.inputMeta as unknown as Json,
    _outputMeta: {},
    stageOrder: withStages ? pipeline.stages.map(({ name }) => name) : [],
    stages: withStages
      ? Object.fromEntries(pipeline.stages.map((stage) => [stage.name, stageRecord(execution, stage)]))
      : {},
    workspaceResults: (execution.workspace ?? []) as unknown as Json,
    notifications: [],
    _executedBy: plan.requestedBy,
    _triggeredBy: plan.triggeredBy,
    _source: plan.source,
    _pipelineLink: `/codestream/api/pipelines/${plan.pipelineId}`,
    ...(execution.paused ? { reason: execution.paused.reason } : {}),
    ...(execution.resumes ? { resumed_at: toIso(execution.resumes.at), resumeCount: execution.resumes.count } : {}),
    _nested: plan.parent?.as === 'nested',
    _rollback: plan.parent?.as === 'rollback',
    _global: false,
    createdAt: toIso(requestedAt),
    createdBy: plan.requestedBy,
    updatedAt: toIso(endedAt ?? startedAt ?? requestedAt),
    updatedBy: plan.requestedBy,
    _requestTimeInMicros: toMicros(requestedAt),
    _durationInMicros: startedAt === null || endedAt === null ? 0 : toMicros(endedAt - startedAt),
    _totalDurationInMicros: endedAt === null ? 0 : toMicros(endedAt - requestedAt),
    _link: `/codestream/api/executions/${plan.execution}`,
  };
}

function stageRecord(execution: Execution, stage: Stage): JsonObject {
  const state = execution.stages[stage.name]!;
  const tasks = stage.steps.flat().map((name) => [
    name,
    {
      ...taskRecord(execution.tasks[taskKey(stage.name, name)]!, stage.tasks[name]!),
      ...rollbackRecord(execution, stage.name, name),
    },
  ]);
  return {
    id: stage.name,
    name: stage.name,
    status: state.status,
    statusMessage: 'message' in state ? state.message : '',
    taskOrder: stage.steps.map((names) => names.join(',')),
    ...rollbackRecord(execution, stage.name, ''),
    tasks: Object.fromEntries(tasks) as JsonObject,
    ...times(state),
  };
}

function taskRecord(state: TaskState, task: Task): JsonObject {
  return {
    id: task.name,
    name: task.name,
    type: task.type,
    status: state.status,
    statusMessage: 'message' in state ? state.message : '',
    input: ('input' in state && state.input) || {},
    output: 'output' in state ? { status: state.status, ...state.output } : {},
    ...('attempt' in state ? { attempt: state.attempt } : {}),
    endpoints: task.endpoints,
    preCondition: task.preCondition,
    ignoreFailure: task.ignoreFailure,
    failureMessage:
      'message' in state && (state.status === 'FAILED' || state.status === 'FAILED_CONTINUE') ? state.message : '',
    ...(state.status === 'WAITING' ? { userOperation: state.question.id } : {}),
    ...times(state),
  };
}

function times(state: StageState | TaskState): JsonObject {
  const started = 'startedAt' in state ? state.startedAt : null;
  const ended = 'endedAt' in state ? state.endedAt : null;
  return {
    _startTime: started === null ? 0 : toMicros(started),
    _endTime: ended === null ? 0 : toMicros(ended),
    _durationInMicros: started === null || ended === null ? 0 : toMicros(ended - started),
  };
}

/** What a failure of this part calls for, and what came of it. */
function rollbackRecord({ plan, rollbacks = [] }: Execution, stage: string, task: string): JsonObject {
  const number = plan.pipeline.rollbacks.findIndex((one) => one.stage === stage && one.task === task);
  if (number < 0) return {};
  const { name, inputs } = plan.pipeline.rollbacks[number]!;
  const state = rollbacks.find((one) => one.number === number);
  if (!state) return { rollbackConfiguration: { name, inputs } };
  const { status, message: statusMessage, run } = state;
  const link = run ? `/codestream/api/executions/${run.id}` : '';
  return {
    rollbackConfiguration: { name, inputs },
    rollbackResponse: { name, index: run?.index ?? 0, status, statusMessage, output: run?.output ?? {}, _link: link },
  };
}
