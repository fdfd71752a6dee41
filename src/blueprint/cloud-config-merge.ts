import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { parseYaml } from '../lang/yaml.ts';

/**
 * The cloud configuration of a machine, out of that of its blueprint and that of its image mapping. Where only one of them says
 * anything, it is that, byte for byte. Otherwise maps are joined; lists follow one another, the image's first; of files for one path, of
 * users of one name and of everything else that both say, the image's is taken, as the original has it. What is no map (a script, say)
 * cannot be joined: then the blueprint's alone counts.
 */
export function mergedCloudConfig(blueprint: string, image: string): string {
  if (image.trim() === '') return blueprint;
  if (blueprint.trim() === '') return image;
  const [own, given] = [mapOf(blueprint), mapOf(image)];
  if (!own || !given) return blueprint;
  return `#cloud-config\n${JSON.stringify(merged(own, given), null, 1)}\n`;
}

function mapOf(text: string): JsonObject | undefined {
  if (text.startsWith('#!')) return undefined;
  const { documents, diagnostics } = parseYaml(text);
  const value = documents[0]?.value;
  return diagnostics.some(({ severity }) => severity === 'error') || !isObject(value) ? undefined : value;
}

function merged(own: JsonObject, given: JsonObject): JsonObject {
  const result: JsonObject = { ...own };
  for (const [key, value] of Object.entries(given)) {
    const before = own[key];
    if (Array.isArray(value) && Array.isArray(before)) result[key] = joined(value, before);
    else if (isObject(value) && isObject(before)) result[key] = merged(before, value);
    else result[key] = value;
  }
  return result;
}

/** Things that are told apart by a name are there once. */
function joined(first: Json[], then: Json[]): Json[] {
  const names = new Set(first.flatMap((item) => nameOf(item) ?? []));
  return [...first, ...then.filter((item) => !names.has(nameOf(item) ?? ''))];
}

/** Files by their path, users by their name, packages by themselves; commands have none, since the same one may run twice. */
function nameOf(item: Json): string | undefined {
  if (isObject(item))
    return typeof item.path === 'string' ? item.path : typeof item.name === 'string' ? item.name : undefined;
  return item === 'default' ? item : undefined;
}
