import { isObject, type Json, type JsonObject } from '../core/json.ts';
import type { Blueprint } from './model.ts';
import { namesOf, referencesIn } from './template.ts';

/** Definitions that many blueprints share: of inputs, or of values that are the same for all. */
export interface PropertyGroup {
  type: 'INPUT' | 'CONSTANT';
  /** By name: definitions as inputs have them; a constant has its value in `const`. */
  properties: Record<string, JsonObject>;
}

/** The group that the definition of an input means by `$ref`. */
export const groupOf = ({ $ref }: JsonObject): string | undefined =>
  typeof $ref === 'string' ? /^\/ref\/property-groups\/(.+)$/.exec($ref)?.[1] : undefined;

/**
 * A blueprint with the groups that it names in it, so that a request is what it was whatever becomes of them, and the constants that
 * it reads. `missing`: the groups that there are none of.
 */
export function withPropertyGroups(
  blueprint: Blueprint,
  groups: Record<string, PropertyGroup>,
): { blueprint: Blueprint; constants: JsonObject; missing: string[] } {
  const missing = new Set<string>();
  const find = (name: string, type: PropertyGroup['type']): PropertyGroup | undefined => {
    const group = Object.hasOwn(groups, name) && groups[name]!.type === type ? groups[name] : undefined;
    if (!group) missing.add(name);
    return group;
  };
  const inputs = Object.entries(blueprint.inputs).map(([name, definition]): [string, JsonObject] => {
    const wanted = groupOf(definition);
    const group = wanted === undefined ? undefined : find(wanted, 'INPUT');
    return [name, group ? { type: 'object', ...definition, properties: group.properties } : definition];
  });
  const constants: JsonObject = {};
  for (const name of constantsIn(blueprint)) {
    const group = find(name, 'CONSTANT');
    if (group)
      constants[name] = Object.fromEntries(
        Object.entries(group.properties).map(([key, { const: value = null }]) => [key, value]),
      );
  }
  return { blueprint: { ...blueprint, inputs: Object.fromEntries(inputs) }, constants, missing: [...missing] };
}

/** The constant groups that its expressions read. */
function constantsIn(blueprint: Blueprint): string[] {
  const names = namesOf(blueprint);
  const { resources, variables, outputs } = blueprint;
  const read = (value: Json) =>
    referencesIn(value, names).flatMap(({ root, name }) => (root === 'propgroup' && name ? [name] : []));
  const ofResources = Object.values(resources).flatMap(({ properties, count, condition = null }) =>
    read([properties, count, condition]),
  );
  return [...new Set([...ofResources, ...read(variables), ...read(outputs)])];
}

/** What is wrong about a group that somebody wants to keep; undefined where nothing is. */
export function groupFault({ type, properties }: JsonObject): string | undefined {
  if (type !== 'INPUT' && type !== 'CONSTANT') return '`type` is INPUT or CONSTANT.';
  if (!isObject(properties)) return '`properties` is a map of definitions.';
  const odd = Object.entries(properties).find(([, definition]) => !isObject(definition));
  if (odd) return `\`properties.${odd[0]}\` is a map: a definition as inputs have them.`;
  const empty = Object.entries(properties).find(([, definition]) => (definition as JsonObject).const === undefined);
  return type === 'CONSTANT' && empty ? `\`properties.${empty[0]}\` has no value: write it as \`const\`.` : undefined;
}
