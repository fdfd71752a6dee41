// Measures how long the placement of a large blueprint over many zones takes, explained in full:
//   node bench/placement.ts [resources] [zones]
import { emptyLand, planChanges } from '../src/blueprint/changes.ts';
import { checkBlueprint } from '../src/blueprint/parse.ts';
import { readZone } from '../src/blueprint/zone.ts';
import type { JsonObject } from '../src/core/json.ts';

const [resources = 1000, zones = 500] = process.argv.slice(2).map(Number);
const machine = (n: number): JsonObject => ({
  type: 'Cloud.Machine',
  properties: {
    image: `image-${n % 20}`,
    flavor: `flavor-${n % 7}`,
    constraints: [{ tag: `tier:${n % 10}:hard` }, { tag: `disk:${n % 3}:soft` }, { tag: '!retired' }],
    networks: [{ network: `\${resource.net${n % 10}.id}` }],
  },
});
const network = (n: number): JsonObject => ({
  type: 'Cloud.Network',
  properties: { constraints: [{ tag: `net:${n}` }] },
});
const named = (prefix: string, count: number, make: (n: number) => JsonObject) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, make(n)]));
const mappings = (prefix: string, count: number, skip: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => n)
      .filter((n) => n % 11 !== skip % 11)
      .map((n) => [`${prefix}-${n}`, { memoryMb: 1024, cpu: 1 }]),
  );

const text = JSON.stringify({
  formatVersion: 1,
  inputs: {},
  resources: { ...named('net', 10, network), ...named('machine', resources - 10, machine) },
});
const land = emptyLand(
  Array.from({ length: zones }, (_, n) =>
    readZone({
      name: `zone-${n}`,
      tags: [`tier:${n % 10}`, `disk:${n % 4}`, ...(n % 13 === 0 ? ['retired'] : [])],
      priority: n % 5,
      limits: { instances: 50, memoryMb: 100_000 },
      images: mappings('image', 20, n),
      flavors: mappings('flavor', 7, n + 3),
      networks: Array.from({ length: 10 }, (_, k) => ({ name: `network-${k}`, tags: [`net:${k}`] })),
      computes: Array.from({ length: n % 3 }, (_, k) => ({ name: `host-${k}`, tags: [`rack:${k}`] })),
    }),
  ),
);

const read = performance.now();
const { blueprint } = checkBlueprint(text);
const start = performance.now();
const request = {
  request: 'r',
  kind: 'CREATE' as const,
  blueprint: blueprint!,
  blueprintName: 'B',
  inputs: {},
  requestedBy: '',
  requestedAt: '',
};
const times: number[] = [];
let verdicts = 0;
for (let round = 0; round < 5; round++) {
  const begin = performance.now();
  const plan = planChanges(request, null, land);
  times.push(Math.round(performance.now() - begin));
  verdicts = plan.placements.reduce((sum, placement) => sum + placement.verdicts.length, 0);
}
process.stdout.write(
  `${resources} resources over ${zones} zones: read and checked in ${Math.round(start - read)} ms, planned in ${times.join(', ')} ms, ${verdicts} verdicts\n`,
);
