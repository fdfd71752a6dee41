import { isObject, type Json, type JsonObject } from '../core/json.ts';

/** What a document defines, as a word such as PIPELINE; `unknown` where nothing tells. Files of 2019 and blueprints carry no `kind`. */
export function kindOf(value: Json): string {
  if (!isObject(value)) return variablesIn(value) ? 'VARIABLE' : 'unknown';
  if (typeof value.kind === 'string') return value.kind.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
  if (value.resources !== undefined) return 'BLUEPRINT';
  if (value.stages !== undefined || value.stageOrder !== undefined) return 'PIPELINE';
  if (value.code !== undefined) return 'CUSTOM_INTEGRATION';
  if (value.entrypoint !== undefined || value.runtime !== undefined || value.actionType !== undefined) return 'ACTION';
  if (value.flow !== undefined) return 'FLOW';
  return 'unknown';
}

/** The variables of a list of them, which is how tools that keep pipelines in a repository write them down. */
export function variablesIn(value: Json): JsonObject[] | undefined {
  const isVariable = (item: Json): item is JsonObject =>
    isObject(item) &&
    typeof item.name === 'string' &&
    item.value !== undefined &&
    /^(REGULAR|SECRET|RESTRICTED)$/i.test(String(item.type));
  return Array.isArray(value) && value.length > 0 && value.every(isVariable)
    ? value.map((item) => ({ ...(item as JsonObject), kind: 'VARIABLE' }))
    : undefined;
}
