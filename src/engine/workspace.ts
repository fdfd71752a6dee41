import { messageOf } from '../core/error.ts';
import { type Lookup, resolveDeep } from '../lang/binding.ts';
import type { Execution } from '../pipeline/execution.ts';
import type { ContainerSpec } from '../sdk/parts.ts';
import { readEndpoint } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import { openScope } from './scope.ts';

/** A container that cannot be removed is given up after so many tries; it is told of. */
const mostTries = 6;
/** Where tasks begin, as in the original. */
const usualPath = '/build';

/** Names the directory, or the container, that all tasks of an execution share. */
export const workspaceKey = (execution: string): string => `workspace/${execution}`;

/**
 * The container that a pipeline says its tasks work in; undefined where it says none.
 * @throws MillraceError where an endpoint is not there.
 */
export async function containerOf(
  parts: EngineParts,
  { plan }: Execution,
  variables: Record<string, string>,
  lookup: Lookup,
): Promise<ContainerSpec | undefined> {
  const { type, endpoint, image, registry, path, cache, environmentVariables, limits } = plan.pipeline.workspace;
  const properties = resolveDeep(plan.pipeline.workspace.customProperties ?? {}, lookup) as Record<string, string>;
  const isKnown = parts.catalogue.workspaces.some((one) => one.type === type.toUpperCase());
  const resolved = (text: string) => String(resolveDeep(text, lookup) ?? '');
  if (!isKnown || !resolved(endpoint) || !resolved(image)) return undefined;
  const open = async (name: string) => (await readEndpoint(parts, plan.project, name, variables)).endpoint;
  return {
    type: type.toUpperCase(),
    properties,
    key: workspaceKey(plan.execution),
    owner: plan.pipelineId,
    endpoint: await open(resolved(endpoint)),
    registry: resolved(registry) ? await open(resolved(registry)) : undefined,
    image: resolved(image),
    path: resolved(path) || usualPath,
    cache: cache.map(resolved),
    environment: Object.fromEntries(
      Object.entries(resolveDeep(environmentVariables, lookup) as Record<string, string>).filter(([name]) =>
        /^[A-Za-z_]\w*$/.test(name),
      ),
    ),
    limits,
  };
}

/** Removes what the tasks of a run shared. An engine that stays away is told of, and holds up nothing. */
export async function removeWorkspace(parts: EngineParts, execution: Execution, tries: number): Promise<void> {
  const { plan } = execution;
  await parts.jobs.remove(workspaceKey(plan.execution));
  const isUsed = plan.pipeline.stages.some(({ tasks }) =>
    Object.values(tasks).some(({ type }) => parts.catalogue.tasks.find((one) => one.type === type)?.usesWorkspace),
  );
  const definition = parts.catalogue.workspaces.find(({ type }) => type === plan.pipeline.workspace.type.toUpperCase());
  if (!isUsed || !definition) return;
  try {
    const { variables, lookup } = await openScope(parts, execution);
    const spec = await containerOf(parts, execution, variables.values, lookup);
    if (spec) await definition.open(spec, parts.http).remove();
  } catch (thrown) {
    if (tries < mostTries) throw thrown;
    parts.report('A workspace could not be removed and is given up.', {
      execution: plan.execution,
      error: messageOf(thrown),
    });
  }
}
