import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { sealedInside } from '../core/secret.ts';
import { isSealed } from '../store/seal.ts';
import { opened } from './definitions.ts';
import type { EngineParts } from './parts.ts';

/**
 * Puts values in the place of marks (`secret.NAME` of the project) and of what is sealed, at the last moment: what comes of it is handed
 * on and written nowhere. `secrets` are all that were opened, to be masked in what comes back.
 */
export async function openSecrets<T extends Json>(
  { store, seal }: Pick<EngineParts, 'store' | 'seal'>,
  project: string,
  given: T,
): Promise<{ value: T; secrets: string[] }> {
  const secrets: string[] = [];
  return { value: (await open(given)) as T, secrets };

  async function open(value: Json): Promise<Json> {
    if (Array.isArray(value)) return Promise.all(value.map(open));
    if (isObject(value)) {
      const entries = await Promise.all(
        Object.entries(value).map(async ([key, item]) => [key, await open(item)] as const),
      );
      return Object.fromEntries(entries) as JsonObject;
    }
    if (typeof value !== 'string') return value;
    if (isSealed(value)) return remembered(seal.open(value));
    let text = value;
    for (const [mark, name] of value.matchAll(/\(\(secret:ref:([^)]*)\)\)/g)) {
      const kept = await store.find('variable', project, name!);
      text = text.replaceAll(mark, remembered(opened({ seal }, kept?.body.value)));
    }
    for (const [sealed] of text.matchAll(sealedInside)) text = text.replaceAll(sealed, remembered(seal.open(sealed)));
    return text;
  }

  function remembered(secret: string): string {
    secrets.push(secret);
    return secret;
  }
}
