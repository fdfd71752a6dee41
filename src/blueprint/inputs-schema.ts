import type { JsonObject } from '../core/json.ts';
import { maskedValue } from '../core/secret.ts';
import type { Blueprint } from './model.ts';

/**
 * What the inputs of a blueprint have to be, as one definition of the type object. Inputs without a default are required where the
 * blueprint says so; otherwise they are held against what reads them. Nothing secret is shown.
 */
export function inputsSchema({ inputs, requiresInputs }: Blueprint): JsonObject {
  const properties = Object.entries(inputs).map(([name, definition]): [string, JsonObject] => [
    name,
    {
      ...(definition.type === undefined ? { type: 'string' } : {}),
      ...definition,
      ...(definition.encrypted === true && definition.default !== undefined ? { default: maskedValue } : {}),
    },
  ]);
  const required = Object.entries(inputs)
    .filter(([, definition]) => requiresInputs && definition.default === undefined && definition.readOnly !== true)
    .map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length > 0 ? { required } : {}),
  };
}
