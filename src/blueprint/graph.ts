import type { Json } from '../core/json.ts';
import type { Blueprint } from './model.ts';
import { namesOf, referencesIn } from './template.ts';

/**
 * For each resource, the resources that must stand before it: named by `dependsOn` or by an expression, also through a variable.
 * A resource that reads itself means `self`.
 */
export type Dependencies = Record<string, string[]>;

export function dependencies(blueprint: Blueprint): Dependencies {
  const declared = namesOf(blueprint);
  const names = declared.resource;
  const variables = new Map<string, string[]>();
  return Object.fromEntries(
    Object.values(blueprint.resources).map((resource) => {
      const needed = new Set([
        ...resource.dependsOn,
        ...resourcesIn(resource.properties),
        ...resourcesIn(resource.count),
        ...resourcesIn(resource.condition ?? null),
      ]);
      return [resource.name, [...needed].filter((name) => name !== resource.name && names.has(name))];
    }),
  );

  function resourcesIn(value: Json): string[] {
    return referencesIn(value, declared).flatMap(({ root, name }) => {
      if (root === 'variable' && name !== undefined) return resourcesOfVariable(name);
      if (root === 'resource') return name === undefined ? [] : [name];
      return names.has(root) ? [root] : [];
    });
  }

  function resourcesOfVariable(name: string): string[] {
    const known = variables.get(name);
    if (known) return known;
    variables.set(name, []);
    const found = resourcesIn(blueprint.variables[name] ?? null);
    variables.set(name, found);
    return found;
  }
}

/** For each variable, the variables that it reads. */
export function variableDependencies(blueprint: Blueprint): Dependencies {
  const names = namesOf(blueprint);
  return Object.fromEntries(
    Object.entries(blueprint.variables).map(([name, written]) => [
      name,
      referencesIn(written, names).flatMap((read) => (read.root === 'variable' && read.name ? [read.name] : [])),
    ]),
  );
}

/** Names that wait for each other in a ring, first and last the same; undefined where there is none. However long, no stack is filled. */
export function findCycle(graph: Dependencies): string[] | undefined {
  const done = new Set<string>();
  for (const start of Object.keys(graph)) {
    if (done.has(start)) continue;
    /** The way here, and how many of the needs of each step have been looked at. */
    const path: { name: string; looked: number }[] = [{ name: start, looked: 0 }];
    const onPath = new Set([start]);
    while (path.length > 0) {
      const here = path.at(-1)!;
      const next = graph[here.name]?.[here.looked++];
      if (next === undefined) {
        done.add(here.name);
        onPath.delete(here.name);
        path.pop();
      } else if (onPath.has(next)) {
        const names = path.map(({ name }) => name);
        return [...names.slice(names.indexOf(next)), next];
      } else if (!done.has(next)) {
        path.push({ name: next, looked: 0 });
        onPath.add(next);
      }
    }
  }
  return undefined;
}
