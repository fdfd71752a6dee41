import type { Client } from '../api/client.ts';
import { isObject } from '../core/json.ts';

/**
 * Things that stand without being part of a deployment that stands, or stand twice; each as a sentence. None: what is remembered
 * and what is there agree.
 */
export async function leftovers(client: Client, standing: string[]): Promise<string[]> {
  const { content } = await client.json('GET', '/deployment/api/deployments?size=1000');
  const wanted = new Set<string>();
  for (const { id } of Array.isArray(content) ? content.filter(isObject) : []) {
    const { name, resources } = await client.json('GET', `/deployment/api/deployments/${String(id)}`);
    for (const resource of Array.isArray(resources) ? resources.filter(isObject) : [])
      if (resource.type !== 'Cloud.Network') wanted.add(`${String(name)} ${String(resource.name)}`);
  }
  return [
    ...standing.filter((thing) => !wanted.has(thing)).map((thing) => `${thing} is left over.`),
    ...standing.filter((thing, index) => standing.indexOf(thing) !== index).map((thing) => `${thing} stands twice.`),
    ...[...wanted].filter((thing) => !standing.includes(thing)).map((thing) => `${thing} is missing.`),
  ];
}
