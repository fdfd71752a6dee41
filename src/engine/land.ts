import { ownerOf } from '../blueprint/addresses.ts';
import type { Land } from '../blueprint/changes.ts';
import type { Deployment } from '../blueprint/deployment.ts';
import { projectRulesOf } from '../blueprint/project-rules.ts';
import { isMachine } from '../blueprint/type-families.ts';
import { nothing, plus } from '../blueprint/zone.ts';
import { isObject } from '../core/json.ts';
import { readZones } from './definitions.ts';
import type { EngineParts } from './parts.ts';

/** Where the project may go, and what stands there, but for the deployment itself. */
export async function readLand(
  parts: Pick<EngineParts, 'store'>,
  { id, project }: Pick<Deployment, 'id' | 'project'>,
): Promise<Land> {
  const { store } = parts;
  const amounts: Land['occupancy']['amounts'] = {};
  const seats: Land['occupancy']['seats'] = [];
  const taken: Record<string, Record<string, string>> = {};
  for (const summary of await store.summaries('deployment')) {
    for (const resource of Array.isArray(summary.zones) ? summary.zones.filter(isObject) : []) {
      if (!isMachine(String(resource.type))) continue;
      for (const given of Array.isArray(resource.addresses) ? resource.addresses.filter(isObject) : []) {
        const network = String(given.network);
        const owner = ownerOf(String(resource.instance), String(summary.name));
        taken[network] = { ...taken[network], [String(given.address)]: owner };
      }
      const number = (key: string) => Number(resource[key] ?? 0);
      const zone = String(resource.zone);
      const size = { memoryMb: number('memoryMb'), cpus: number('cpus'), storageGb: number('storageGb') };
      amounts[zone] = plus(amounts[zone] ?? nothing, { instances: 1, ...size });
      const seat = { zone, host: String(resource.host ?? ''), memoryMb: size.memoryMb };
      seats.push({ ...seat, resource: summary.id === id ? String(resource.node) : '' });
    }
  }
  const kept = await store.find('project', '', project);
  return {
    zones: await readZones(parts),
    occupancy: { amounts, seats, networks: {} },
    rules: projectRulesOf(kept?.body),
    taken,
  };
}
