import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyLand, planChanges } from '../src/blueprint/changes.ts';
import type { Deployment } from '../src/blueprint/deployment.ts';
import type { Blueprint } from '../src/blueprint/model.ts';
import { checkBlueprint } from '../src/blueprint/parse.ts';
import { readZone, type Zone } from '../src/blueprint/zone.ts';
import type { JsonObject } from '../src/core/json.ts';

export const titoText = readFileSync(join(import.meta.dirname, '../examples/tito/blueprint.yaml'), 'utf8');

export function blueprintOf(text: string): Blueprint {
  const { blueprint, diagnostics } = checkBlueprint(text);
  if (!blueprint) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return blueprint;
}

export const zoneOf = (name: string, tags: string[], more: JsonObject = {}): Zone =>
  readZone({ name, tags, images: { tito: {}, ubuntu: {} }, flavors: { small: {} }, ...more });

/** A fast and a slow zone for web machines, one for data. */
export const zones: Zone[] = [
  zoneOf('data', ['tier:data'], { networks: [{ name: 'loopback', tags: ['net:loopback'] }] }),
  zoneOf('fast', ['tier:web', 'disk:fast'], { networks: [{ name: 'loopback', tags: ['net:loopback'] }] }),
  zoneOf('slow', ['tier:web', 'disk:slow'], { networks: [{ name: 'loopback', tags: ['net:loopback'] }] }),
];

/** What a request would do to a deployment that stands, or to nothing. */
export function changes(text: string, inputs: JsonObject = {}, existing: Deployment | null = null) {
  return planChanges(
    {
      request: 'request-1',
      kind: existing ? 'UPDATE' : 'CREATE',
      blueprint: blueprintOf(text),
      blueprintName: 'Tito',
      inputs,
      requestedBy: 'ann',
      requestedAt: '2026-11-23T10:00:00.000Z',
    },
    existing,
    emptyLand(zones),
  );
}
