import { isObject, type Json, type JsonObject } from '../core/json.ts';

/** What a template for names may speak of. */
export interface NamingFacts {
  project: JsonObject;
  /** The cloud account. */
  endpoint: JsonObject;
  resource: JsonObject;
  deployment: JsonObject;
  userName: string;
}

/** Digits of a counter that is still to be given: `######`. */
const counter = /#+/;

/**
 * The name of a machine by a template such as `${project.name}-${resource.image}-${######}`, but for its counter, whose signs stay. What
 * nothing is known of is left out; what no host name may hold becomes a dash.
 */
export function nameByTemplate(template: string, facts: NamingFacts): string {
  const known = facts as unknown as JsonObject;
  const filled = template.replace(/\$\{([^}]*)\}/g, (_, inside: string) => {
    const path = inside.trim();
    return /^#+$/.test(path) ? path : textOf(valueAt(known, path.split('.')));
  });
  return filled
    .replace(/[^\w.#-]+/g, '-')
    .replace(/-{2,}/g, '-')
    .replace(/^-+|-+$/g, '');
}

export const hasCounter = (name: string): boolean => counter.test(name);

/** The name with a number in the place of its counter, at least as long as that. */
export const numbered = (name: string, number: number): string =>
  name.replace(counter, (signs) => String(number).padStart(signs.length, '0'));

function valueAt(value: Json, [key, ...rest]: string[]): Json {
  if (key === undefined) return value;
  return isObject(value) ? valueAt(value[key] ?? null, rest) : null;
}

const textOf = (value: Json): string => (value === null || typeof value === 'object' ? '' : String(value));
