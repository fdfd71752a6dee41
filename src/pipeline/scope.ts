import { isObject, type Json, at as jsonAt } from '../core/json.ts';
import type { Lookup } from '../lang/binding.ts';
import { type Execution, type TaskState, taskKey } from './execution.ts';

/**
 * What the bindings of a run stand for: its inputs, the project's variables, and what its tasks have put out so far. A task that
 * has not run, or was skipped, has null for everything.
 */
export function lookupIn(execution: Execution, variables: Record<string, string>, url = ''): Lookup {
  const { plan } = execution;
  const plain: Record<string, Json> = {
    name: plan.pipeline.name,
    project: plan.project,
    executionId: plan.execution,
    executionIndex: plan.index,
    executionUrl: url,
    status: execution.status,
    statusMessage: execution.message,
    requestBy: plan.requestedBy,
    comments: plan.comments,
    tags: execution.tags,
    description: plan.pipeline.description,
  };
  return (path) => {
    const [scope, name, ...rest] = path;
    if (scope === 'input' && name !== undefined) return jsonAt(plan.input[name], rest);
    if (scope === 'var' && name !== undefined)
      return Object.hasOwn(variables, name) ? jsonAt(variables[name], rest) : undefined;
    const stage = plan.pipeline.stages.find((candidate) => candidate.name === scope);
    if (stage && (name === 'status' || name === 'statusMessage') && rest.length === 0)
      return execution.stages[stage.name]?.status ?? null;
    if (stage && name !== undefined && Object.hasOwn(stage.tasks, name)) {
      const task = execution.tasks[taskKey(stage.name, String(name))];
      return task ? (jsonAt(taskView(task), rest) ?? null) : null;
    }
    if (path.length === 1 && typeof scope === 'string' && Object.hasOwn(plain, scope)) return plain[scope];
    return undefined;
  };
}

/** A task as bindings see it: status, statusMessage, input and output. */
function taskView(task: TaskState): Json {
  const input = 'input' in task ? task.input : null;
  const output = 'output' in task && isObject(task.output) ? { status: task.status, ...task.output } : null;
  return { status: task.status, statusMessage: 'message' in task ? task.message : '', input, output };
}
