import { isObject, type Json, type JsonObject, parseJson, stableText } from '../core/json.ts';
import { javaFinds, patternFault } from '../lang/java.ts';
import type { Blueprint } from './model.ts';

export interface InputFault {
  input: string;
  message: string;
}

/**
 * The inputs of a request over the defaults, each coerced to its declared type (clients send numbers as text) and checked.
 * Inputs that the blueprint does not know are kept: clients send all of theirs.
 */
export function bindBlueprintInputs(
  blueprint: Blueprint,
  given: JsonObject,
): { inputs: JsonObject; faults: InputFault[] } {
  const faults: InputFault[] = [];
  const inputs: JsonObject = { ...given };
  for (const [name, definition] of Object.entries(blueprint.inputs)) {
    const raw = given[name] ?? definition.default;
    if (raw === undefined || raw === null) {
      if (isNeeded(blueprint, name))
        faults.push({ input: name, message: `Input ${name} has neither a value nor a default.` });
      continue;
    }
    const value = coerce(raw, definition);
    const message = fault(value, definition);
    // What is secret is not repeated, not even to whoever gave it.
    const said = definition.encrypted === true ? message?.replaceAll(shown(value), 'its value') : message;
    if (said) faults.push({ input: name, message: `Input ${name}: ${said}` });
    inputs[name] = value;
  }
  return { inputs, faults };
}

/** A request without a value is refused only when something reads it. */
const isNeeded = (blueprint: Blueprint, name: string): boolean => {
  const text = JSON.stringify([
    Object.values(blueprint.resources).map(({ properties }) => properties),
    blueprint.variables,
  ]);
  return new RegExp(`input(\\.|\\[\\\\?["'])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\b`).test(text);
};

/** Why a value is none that the definition of an input allows; undefined where it is one. */
export const inputFault = (value: Json, definition: JsonObject): string | undefined =>
  fault(coerce(value, definition), definition);

function coerce(value: Json, { type }: JsonObject): Json {
  if (typeof value !== 'string')
    return type === 'string' && (typeof value === 'number' || typeof value === 'boolean') ? String(value) : value;
  if ((type === 'integer' || type === 'number') && value.trim() !== '' && !Number.isNaN(Number(value)))
    return Number(value);
  if (type === 'boolean' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  if (type === 'array' || type === 'object') return parseJson(value) ?? value;
  return value;
}

function fault(value: Json, definition: JsonObject): string | undefined {
  const { type = 'string' } = definition;
  if (!hasType(value, type)) return `${shown(value)} is not of the type ${String(type)}.`;
  if (Array.isArray(definition.enum) && !includes(definition.enum, value))
    return `${shown(value)} is none of ${definition.enum.map(shown).join(', ')}.`;
  if (Array.isArray(definition.oneOf)) {
    const allowed = definition.oneOf.filter(isObject).map((choice) => choice.const ?? null);
    if (!includes(allowed, value)) return `${shown(value)} is none of ${allowed.map(shown).join(', ')}.`;
  }
  if (definition.const !== undefined && !includes([definition.const], value))
    return `only ${shown(definition.const)} is allowed.`;
  if (typeof value === 'number') return numberFault(value, definition);
  if (typeof value === 'string') return textFault(value, definition);
  if (Array.isArray(value)) return listFault(value, definition);
  return isObject(value) ? mapFault(value, definition) : undefined;
}

function hasType(value: Json, type: Json): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'string':
      return typeof value === 'string';
    default:
      return true;
  }
}

function numberFault(value: number, { minimum, maximum }: JsonObject): string | undefined {
  if (typeof minimum === 'number' && value < minimum) return `${value} is less than ${minimum}.`;
  if (typeof maximum === 'number' && value > maximum) return `${value} is more than ${maximum}.`;
  return undefined;
}

function textFault(value: string, { minLength, maxLength, pattern }: JsonObject): string | undefined {
  if (typeof minLength === 'number' && value.length < minLength) return `it has fewer than ${minLength} characters.`;
  if (typeof maxLength === 'number' && value.length > maxLength) return `it has more than ${maxLength} characters.`;
  if (typeof pattern !== 'string') return undefined;
  const broken = patternFault(pattern);
  if (broken) return `its pattern ${pattern} cannot be used: ${broken}`;
  try {
    return javaFinds(pattern, value) ? undefined : `${shown(value)} does not match ${pattern}.`;
  } catch (thrown) {
    return `it cannot be held against ${pattern}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

function listFault(value: Json[], definition: JsonObject): string | undefined {
  const { minItems, maxItems, items } = definition;
  if (typeof minItems === 'number' && value.length < minItems) return `it has fewer than ${minItems} items.`;
  if (typeof maxItems === 'number' && value.length > maxItems) return `it has more than ${maxItems} items.`;
  if (definition.uniqueItems === true && new Set(value.map(stableText)).size < value.length)
    return 'it has an item twice.';
  if (!isObject(items)) return undefined;
  for (const [index, item] of value.entries()) {
    const inner = fault(coerce(item, items), items);
    if (inner) return `item ${index}: ${inner}`;
  }
  return undefined;
}

/** Keys that nobody has defined are kept, unless the definition says that there may be none. */
function mapFault(value: JsonObject, definition: JsonObject): string | undefined {
  const { required, minProperties, maxProperties, additionalProperties } = definition;
  const properties = isObject(definition.properties) ? definition.properties : {};
  const keys = Object.keys(value);
  if (typeof minProperties === 'number' && keys.length < minProperties)
    return `it has fewer than ${minProperties} keys.`;
  if (typeof maxProperties === 'number' && keys.length > maxProperties)
    return `it has more than ${maxProperties} keys.`;
  const missing = (Array.isArray(required) ? required : []).find((key) => value[String(key)] === undefined);
  if (missing !== undefined) return `it has no \`${String(missing)}\`.`;
  for (const [key, item] of Object.entries(value)) {
    const inner = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (inner === undefined && additionalProperties === false) return `it has no key \`${key}\`.`;
    const said = isObject(inner) && item !== null ? fault(coerce(item, inner), inner) : undefined;
    if (said) return `\`${key}\`: ${said}`;
  }
  return undefined;
}

const includes = (allowed: Json[], value: Json): boolean =>
  allowed.some((item) => stableText(item) === stableText(value));
const shown = (value: Json): string => JSON.stringify(value);
