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
      ]);
      return [resource.name, [...needed].filter((name) => name !== resource.name && names.includes(name))];
    }),
  );

  function resourcesIn(value: Json): string[] {
    return referencesIn(value, declared).flatMap(({ root, name }) => {
      if (root === 'variable' && name !== undefined) return resourcesOfVariable(name);
      if (root === 'resource') return name === undefined ? [] : [name];
      return names.includes(root) ? [root] : [];
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

/** Names that wait for each other in a ring, first and last the same; undefined where there is none. */
export function findCycle(graph: Dependencies): string[] | undefined {
  const done = new Set<string>();
  for (const start of Object.keys(graph)) {
    const cycle = walk(start, []);
    if (cycle) return cycle;
  }
  return undefined;

  function walk(name: string, path: string[]): string[] | undefined {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const next of graph[name] ?? []) {
      const cycle = walk(next, [...path, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  }
}
