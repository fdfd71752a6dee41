import type { Action, Deployment, DeploymentPlan } from './deployment.ts';
import type { Dependencies } from './graph.ts';
import type { Blueprint } from './model.ts';

/** What stands for an old instance while the new one, which was made before, has its name. */
const mark = ' (replaced)';
export const withoutMark = (instance: string): string => instance.replaceAll(mark, '');

/** A name that none of these has: one that was replaced before may still be there, where it could not be removed. */
export function replaced(instance: string, standing: Readonly<Record<string, unknown>>): string {
  const name = `${instance}${mark}`;
  return Object.hasOwn(standing, name) ? replaced(name, standing) : name;
}

export interface WantedActions {
  blueprint: Blueprint;
  graph: Dependencies;
  target: DeploymentPlan['target'];
  existing: Deployment | null;
  /** Instances that are made anew, and why. */
  anew: ReadonlyMap<string, string>;
}

/** The steps from what stands to what is wanted, each after what it needs. */
export function actionsFor({ blueprint, graph, target, existing, anew }: WantedActions): Action[] {
  const byNode = Map.groupBy(target, ({ node }) => node);
  const wanted = new Set(target.map(({ instance }) => instance));
  const dependents = new Map<string, string[]>();
  for (const [node, needs] of Object.entries(graph))
    for (const need of needs) dependents.set(need, [...(dependents.get(need) ?? []), node]);
  const actions: Action[] = [];
  for (const { instance, node, index } of target) {
    const resource = blueprint.resources[node]!;
    const after = (graph[node] ?? []).flatMap((name) =>
      (byNode.get(name) ?? []).map((other) => settledBy(other.instance)),
    );
    const previous = byNode.get(node)?.find((other) => other.index === index - 1);
    if (resource.oneByOne && previous) after.push(settledBy(previous.instance));
    const before = existing?.resources[instance];
    const because = anew.get(instance);
    if (!before) add('create', instance, after, `${instance} does not exist yet.`);
    else if (!because) add('update', instance, after, '');
    else if (resource.createBeforeDelete && before.status === 'OK') {
      const users = (dependents.get(node) ?? []).flatMap((name) => byNode.get(name) ?? []);
      add('create', instance, after, because);
      add(
        'delete',
        replaced(instance, existing!.resources),
        [settledBy(instance), ...users.map((user) => settledBy(user.instance))],
        because,
      );
    } else {
      add('delete', instance, [], because);
      add('create', instance, [...after, `delete ${instance}`], because);
    }
  }
  for (const { instance, node, was } of Object.values(existing?.resources ?? {})) {
    if (wanted.has(instance)) continue;
    const after = (dependents.get(node) ?? [])
      .flatMap((name) => byNode.get(name) ?? [])
      .map((other) => settledBy(other.instance));
    if (was !== undefined && wanted.has(was)) after.push(settledBy(was));
    add('delete', instance, after, `${instance} is no longer asked for.`);
  }
  return actions;

  function add(does: Action['does'], instance: string, after: string[], because: string): void {
    actions.push({ id: `${does} ${instance}`, instance, does, after, because });
  }

  function settledBy(instance: string): string {
    return existing?.resources[instance] && !anew.has(instance) ? `update ${instance}` : `create ${instance}`;
  }
}
