import { MillraceError, messageOf } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { maskDeep } from '../core/secret.ts';
import { resolveDeep } from '../lang/binding.ts';
import { parseCondition } from '../lang/condition.ts';
import type { Execution } from '../pipeline/execution.ts';
import { findTask, type Task } from '../pipeline/model.ts';
import type { ContainerSpec } from '../sdk/parts.ts';
import type { Endpoint } from '../sdk/powers.ts';
import type { TaskDefinition } from '../sdk/task.ts';
import type { Document } from '../store/store.ts';
import { readEndpoint, variablesIn } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import { type WayOut, wayOut } from './relay.ts';
import { openScope } from './scope.ts';
import { containerOf } from './workspace.ts';

/** A task with everything it needs, ready to be performed; or the reason why it is not. */
export type Prepared =
  | { kind: 'skip'; message: string }
  | { kind: 'refuse'; message: string; input: JsonObject | null }
  | {
      kind: 'ready';
      task: Task;
      definition: TaskDefinition;
      input: JsonObject;
      /** The input as it may be seen. */
      shown: JsonObject;
      endpoints: Record<string, Endpoint>;
      environment: Record<string, string>;
      container: ContainerSpec | undefined;
      out: WayOut;
      mask: (text: string) => string;
      holds: (condition: string, fields?: Json) => boolean;
    };

/** Resolves bindings, asks the precondition, opens endpoints: all that comes before the first effect. */
export async function prepareTask(
  parts: EngineParts,
  execution: Execution,
  stage: string,
  name: string,
  /** Whether what is restricted may be used; asked where something is. */
  isAdmin: () => Promise<boolean>,
  /** Where they have been read already. */
  variablesRead?: Document[],
): Promise<Prepared> {
  const task = findTask(execution.plan.pipeline, stage, name)!;
  const definition = parts.catalogue.tasks.find(({ type }) => type === task.type);
  const { variables, secrets, lookup, mask } = await openScope(parts, execution, variablesRead);
  if (!definition)
    return { kind: 'refuse', message: `The type ${task.type} cannot be run by this version.`, input: null };
  const used = variablesIn(JSON.stringify([task.input, task.preCondition]));
  const forbidden = used.find((variable) => variables.restricted.includes(variable));
  if (forbidden && !(await isAdmin()))
    return {
      kind: 'refuse',
      message: `Variable ${forbidden} is restricted: only an administrator may run a task that uses it.`,
      input: null,
    };

  try {
    if (task.preCondition && !parseCondition(task.preCondition).holds(lookup)) {
      return { kind: 'skip', message: `The precondition is not met: ${mask(task.preCondition)}` };
    }
    const endpoints: Record<string, Endpoint> = {};
    for (const [role, written] of Object.entries(task.endpoints)) {
      const wanted = String(resolveDeep(written, lookup));
      if (!wanted) continue;
      const found = await readEndpoint(parts, execution.plan.project, wanted, variables.values);
      if (found.isRestricted && !(await isAdmin()))
        return {
          kind: 'refuse',
          message: `Endpoint ${wanted} is restricted: only an administrator may run a task that uses it.`,
          input: null,
        };
      for (const secret of found.secrets) secrets.add(secret);
      endpoints[role] = found.endpoint;
    }
    const resolved = withConditions(
      resolveDeep(task.input, lookup) as JsonObject,
      task.input,
      definition.conditions ?? [],
    );
    const shown = maskDeep(resolved, mask);
    const parsed = definition.input.safeParse(resolved);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const where = issue?.path.join('.') || 'input';
      return { kind: 'refuse', message: `\`${where}\`: ${issue?.message ?? 'is not valid'}.`, input: shown };
    }
    const environment = resolveDeep(execution.plan.pipeline.workspace.environmentVariables, lookup) as Record<
      string,
      string
    >;
    const container = definition.usesWorkspace
      ? await containerOf(parts, execution, variables.values, lookup)
      : undefined;
    return {
      kind: 'ready',
      task,
      definition,
      input: parsed.data as JsonObject,
      shown,
      endpoints,
      environment,
      container,
      out: await wayOut(parts, endpoints),
      mask,
      holds: (condition, fields = null) => parseCondition(condition).holds(lookup, fields),
    };
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === 'secret.unreadable') throw thrown;
    return { kind: 'refuse', message: mask(messageOf(thrown)), input: null };
  }
}

/** Conditions are read with their bindings in place: a value put in beforehand would be read as a name. */
function withConditions(resolved: JsonObject, written: JsonObject, paths: string[][]): JsonObject {
  const input = { ...resolved };
  for (const [key, ...rest] of paths) {
    const raw = written[key!];
    const inner = input[key!];
    if (raw === undefined) continue;
    if (rest.length === 0) input[key!] = raw;
    else if (isObject(inner) && isObject(raw)) input[key!] = withConditions(inner, raw, [rest]);
  }
  return input;
}
