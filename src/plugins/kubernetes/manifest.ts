import { isObject, type JsonObject } from '../../core/json.ts';
import { parseYaml } from '../../lang/yaml.ts';
import type { Reference } from './client.ts';

/** Replaces `$${NAME}` of a file by constants of the task; what has none stays. */
export const withConstants = (text: string, constants: Record<string, string>): string =>
  text.replace(/\$\$\{([^}]+)\}/g, (written, name: string) => constants[name.trim()] ?? written);

/** The objects of a text of one or several documents; lists are taken apart. Faults name their place. */
export function readManifest(text: string): { objects: JsonObject[]; faults: string[] } {
  const { documents, diagnostics } = parseYaml(text);
  const faults = diagnostics.map(({ line, column, message }) => `${line}:${column}: ${message}`);
  const objects: JsonObject[] = [];
  for (const document of documents) {
    const { value } = document;
    const items =
      isObject(value) && String(value.kind).endsWith('List') && Array.isArray(value.items) ? value.items : [value];
    for (const item of items) {
      const { line, column } = document.placeOf([]);
      const metadata = isObject(item) && isObject(item.metadata) ? item.metadata : {};
      const lacks =
        !isObject(item) || !item.apiVersion ? 'apiVersion' : !item.kind ? 'kind' : metadata.name ? '' : 'metadata.name';
      if (lacks) faults.push(`${line}:${column}: the object has no \`${lacks}\`.`);
      else objects.push(item as JsonObject);
    }
  }
  if (objects.length === 0 && faults.length === 0) faults.push('1:1: there is no object.');
  return { objects, faults };
}

/** How an object is addressed. */
export function referenceOf(object: JsonObject, namespace?: string): Reference {
  const metadata = object.metadata as JsonObject;
  const own = metadata.namespace === undefined ? namespace : String(metadata.namespace);
  return {
    apiVersion: String(object.apiVersion),
    kind: String(object.kind),
    name: String(metadata.name),
    ...(own ? { namespace: own } : {}),
  };
}

export const words = ({ kind, name, namespace }: Reference): string =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
