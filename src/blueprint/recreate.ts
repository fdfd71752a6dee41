import { type Json, type JsonObject, stableText } from '../core/json.ts';
import { ExpressionError } from '../lang/tokens.ts';
import type { ResourceState } from './deployment.ts';
import type { Resource } from './model.ts';
import { type Facts, inputScope } from './properties.ts';
import { namesOf, resolveTemplate } from './template.ts';

/** Properties whose change makes the resource anew (flag R of the original's schema). */
const recreates = ['image', 'imageRef', 'constraints'];

/** Why an update cannot change what stands, but must make it anew; undefined where it can. */
export function recreateReason(
  before: ResourceState,
  type: string,
  resource: Resource,
  facts: Facts,
): string | undefined {
  if (before.status === 'TAINTED') return `${before.instance} was left broken by an earlier request: ${before.message}`;
  if (before.status !== 'OK' && before.status !== 'PARTIAL')
    return `${before.instance} was left ${before.status.toLowerCase()} by an earlier request.`;
  if (resource.ignoreChanges) return undefined;
  if (resource.forceRecreate) return `${before.instance} has \`forceRecreate\`: each update makes it anew.`;
  if (before.type !== type) return `${before.instance} changes its type from ${before.type} to ${type}.`;
  const { ignoredProperties = [], recreatingProperties = [] } = resource;
  for (const key of [...recreates, ...recreatingProperties]) {
    if (ignoredProperties.includes(key)) continue;
    const now = known(resource.properties[key] ?? null, facts);
    if (now === undefined || stableText(before.desired[key]) === stableText(now)) continue;
    return `${before.instance} changes its ${key}, which only a new one can have.`;
  }
  return undefined;
}

/** Undefined where it depends on what is yet to be made. */
function known(value: Json, facts: Facts): Json | undefined {
  try {
    return resolveTemplate(value, inputScope(facts), namesOf(facts.blueprint));
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return undefined;
  }
}

/**
 * Properties whose change alone changes nothing (flag I of the original's schema): `count` in an instance that stays, what matters at the
 * first start only, and the machine that a tool configures.
 */
export const quietProperties: readonly string[] = ['count', 'cloudConfig', 'remoteAccess', 'host'];

/** Whether an update may leave a resource as it is. */
export function sameProperties(before: JsonObject, after: JsonObject): boolean {
  const rest = (properties: JsonObject) =>
    Object.fromEntries(Object.entries(properties).filter(([key]) => !quietProperties.includes(key)));
  return stableText(rest(before)) === stableText(rest(after));
}
