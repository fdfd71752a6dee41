import { type Json, type JsonObject, stableText } from '../core/json.ts';
import { ExpressionError } from '../lang/tokens.ts';
import type { ResourceState } from './deployment.ts';
import { evaluateProperty, type Facts } from './properties.ts';
import { quietProperties } from './recreate.ts';

/** One property of what stands: as the blueprint last asked for it, as it was found outside, and as it is asked for now. */
export interface Change {
  property: string;
  before: Json;
  /** Null with `isKnown: false` where it depends on what is yet to be made. */
  after: Json;
  isKnown: boolean;
  /** What was found, where it is not what was left: somebody changed it outside, or by an action. */
  actual?: Json;
  /** Whether what was found stays, since the blueprint has not changed its mind about it. */
  kept?: true;
}

/** What a cloud said about a resource just now: its properties, or that it is gone. Nothing: it was not asked. */
export type Findings = Readonly<Record<string, JsonObject | 'gone'>>;

/** What an update would change in a resource that stays: a three-way difference. Properties that it leaves alone are not told. */
export function differences(
  facts: Facts,
  { node, index, instance, name = instance, desired, overrides = {}, properties }: ResourceState,
  found: JsonObject | undefined,
  ignored: readonly string[],
): Change[] {
  const resource = facts.blueprint.resources[node]!;
  const keys = new Set([...Object.keys(desired), ...Object.keys(resource.properties)]);
  const changes: Change[] = [];
  for (const property of keys) {
    if (quietProperties.includes(property) || ignored.includes(property)) continue;
    const before = desired[property] ?? null;
    const after = wantedOf(property);
    if (after === undefined) changes.push({ property, before, after: null, isKnown: false });
    else if (!isSame(before, after)) changes.push({ property, before, after, isKnown: true, ...actualOf(property) });
    else if (property in overrides)
      changes.push({
        property,
        before,
        after: overrides[property]!,
        isKnown: true,
        actual: overrides[property]!,
        kept: true,
      });
  }
  return [...changes, ...driftOf(properties, found)];

  function wantedOf(property: string): Json | undefined {
    try {
      return evaluateProperty(facts, node, index, name, property);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      return undefined;
    }
  }

  function actualOf(property: string): Pick<Change, 'actual'> {
    return property in overrides ? { actual: overrides[property]! } : {};
  }
}

/** What a cloud says otherwise than it said when we were done. */
export function driftOf(properties: JsonObject, found: JsonObject | undefined): Change[] {
  return Object.entries(found ?? {}).flatMap(([property, actual]): Change[] => {
    const before = properties[property] ?? null;
    return isSame(before, actual) ? [] : [{ property, before, after: before, isKnown: true, actual }];
  });
}

const isSame = (a: Json, b: Json): boolean => stableText(a) === stableText(b);

/** What actions have changed stays as long as the blueprint has not changed its mind about it. */
export function keptOverrides(overrides: JsonObject, before: JsonObject, after: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(overrides).filter(([key]) => isSame(before[key] ?? null, after[key] ?? null)),
  );
}
