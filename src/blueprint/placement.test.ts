import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blueprintOf, zoneOf } from '../../test/blueprints.ts';
import { deploy } from '../../test/deployer.ts';
import type { JsonObject } from '../core/json.ts';
import { emptyLand, type Land, planChanges } from './changes.ts';
import type { DeploymentPlan } from './deployment.ts';
import { projectRulesOf } from './project-rules.ts';
import { nothing, type Zone } from './zone.ts';

interface Given {
  zones: Zone[];
  project?: JsonObject;
  amounts?: Land['occupancy']['amounts'];
}

/** Where each resource went, by name; a plan, refused or not. */
function placed(resources: JsonObject, { zones, project = {}, amounts = {} }: Given) {
  const land = emptyLand(zones);
  land.rules = projectRulesOf(project);
  land.occupancy.amounts = amounts;
  const blueprint = blueprintOf(JSON.stringify({ formatVersion: 1, inputs: {}, resources }));
  const plan = planChanges(
    { request: 'r', kind: 'CREATE', blueprint, blueprintName: 'B', inputs: {}, requestedBy: '', requestedAt: '' },
    null,
    land,
  );
  const of = (resource: string) => plan.placements.find((placement) => placement.resource === resource)!;
  return { plan, of, refused: 'refused' in plan ? plan.refused.map(({ message }) => message) : [] };
}

const tagged = (...tags: string[]) => ({ constraints: tags.map((tag) => ({ tag })) });
const machine = (properties: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  type: 'Cloud.Machine',
  properties: { image: 'tito', flavor: 'small', ...properties },
  ...more,
});
const network = (properties: JsonObject): JsonObject => ({ type: 'Cloud.Network', properties });
const web = (properties: JsonObject, zones: Zone[], more: Omit<Given, 'zones'> = {}) =>
  placed({ web: machine(properties) }, { zones, ...more }).of('web');
const used = (instances: number) => ({ ...nothing, instances });

const fast = zoneOf('fast', ['tier:web', 'disk:fast']);
const slow = zoneOf('slow', ['tier:web', 'disk:slow']);
const data = zoneOf('data', ['tier:data']);

test('hard constraints drop zones, and the explanation names what each one lacks', () => {
  const placement = web(tagged('tier:data:hard'), [fast, slow, data]);

  assert.equal(placement.zone, 'data');
  assert.equal(placement.because, 'Only data meets tier:data:hard.');
  assert.deepEqual(placement.verdicts[1], {
    zone: 'fast',
    refused: [{ rule: 'tag', message: 'it lacks the tag tier:data' }],
    softMatches: 0,
    priority: 1,
  });
});

test('soft constraints break ties', () => {
  assert.equal(web(tagged('tier:web', 'disk:slow:soft'), [fast, slow]).zone, 'slow');
  assert.equal(web(tagged('tier:web', 'disk:none:soft'), [fast, slow]).zone, 'fast');
});

test('the priority of the project comes before soft constraints', () => {
  const preferred = zoneOf('preferred', ['tier:web'], { priority: 0 });

  assert.equal(web(tagged('disk:fast:soft'), [fast, preferred]).zone, 'preferred');
  const project = {
    zones: [
      { zone: 'fast', priority: 0 },
      { zone: 'preferred', priority: 5 },
    ],
  };
  assert.equal(web({}, [fast, preferred], { project }).zone, 'fast');
});

test('a constraint with ! keeps machines away', () => {
  assert.equal(web(tagged('!disk:fast'), [fast, slow]).zone, 'slow');
});

test('where no zone fits, each is named with all that is in the way, the nearest miss first', () => {
  const placement = web({ ...tagged('tier:web'), image: 'windows' }, [data, fast]);

  assert.equal(placement.zone, null);
  assert.equal(
    placement.because,
    'Cloud.Machine web cannot be placed: zone fast: it has no mapping for image windows (has: tito, ubuntu) · zone data: it has no mapping for image windows (has: tito, ubuntu); it lacks the tag tier:web.',
  );
  assert.deepEqual(
    placement.verdicts.map(({ zone, refused }) => [zone, refused.map(({ rule }) => rule)]),
    [
      ['fast', ['image']],
      ['data', ['image', 'tag']],
    ],
  );
});

test('a refusal tells of the five nearest misses, and the plan holds all', () => {
  const many = Array.from({ length: 9 }, (_, n) => zoneOf(`z${n}`, n === 7 ? ['a'] : []));
  const { because, verdicts } = web(tagged('a', 'b'), many);

  assert.match(because, /^Cloud.Machine web cannot be placed: zone z7: it lacks the tag b · zone z0: .* and 4 more\.$/);
  assert.equal(verdicts.length, 9);
});

test('a project without zones says so, and one with zones of its own sees no others', () => {
  assert.match(web({}, []).because, /the project has no cloud zone/);
  assert.deepEqual(
    web({}, [fast, slow], { project: { zones: [{ zone: 'slow' }] } }).verdicts.map(({ zone }) => zone),
    ['slow'],
  );
});

test('a cluster goes where all of it fits, in machines, memory and cores', () => {
  const few = zoneOf('a-small', ['tier:web'], { maxInstances: 4 });
  const tight = zoneOf('a-tight', [], {
    flavors: { small: { memoryMb: 1024, cpu: 2 } },
    limits: { memoryMb: 2048, cpus: 5 },
  });

  assert.equal(web({ count: 3 }, [few, slow], { amounts: { 'a-small': used(1) } }).zone, 'a-small');
  assert.equal(web({ count: 3 }, [few, slow], { amounts: { 'a-small': used(2) } }).zone, 'slow');
  assert.equal(web({ count: 2 }, [tight]).zone, 'a-tight');
  assert.match(
    web({ count: 3 }, [tight]).because,
    /it holds 0 of 2048 MB of memory, 3072 MB more do not fit; it holds 0 of 5 cores, 6 more do not fit/,
  );
});

test('the resources of one blueprint take room from each other', () => {
  const one = zoneOf('one', [], { maxInstances: 1 });
  const { of, refused } = placed({ a: machine(), b: machine() }, { zones: [one] });

  assert.equal(of('a').zone, 'one');
  assert.match(
    refused.join(),
    /Cloud.Machine b cannot be placed: zone one: it holds 1 of 1 machines, 1 more do not fit/,
  );
});

test('a project may spread what has equal rights', () => {
  const amounts = { fast: used(3) };

  assert.equal(web({}, [fast, slow], { amounts }).zone, 'fast');
  assert.equal(web({}, [fast, slow], { amounts, project: { placementPolicy: 'SPREAD' } }).zone, 'slow');
});

test('image and flavor names are found without regard to case', () => {
  assert.equal(web({ image: 'TITO' }, [fast]).zone, 'fast');
});

test('a type of one cloud goes to accounts of that cloud alone', () => {
  const aws = zoneOf('aws', [], { accountType: 'aws', account: 'aws' });
  const typed = (type: string) => placed({ web: machine({}, { type }) }, { zones: [fast, aws] }).of('web');

  assert.equal(typed('Cloud.AWS.EC2.Instance').zone, 'aws');
  assert.match(typed('Cloud.Azure.Machine').because, /needs azure/);
});

test('a machine may be placed with computes: one that is on and meets the constraints', () => {
  const computes: JsonObject[] = [
    { name: 'a', tags: ['gpu'], powerState: 'OFF' },
    { name: 'b', tags: [] },
    { name: 'c', tags: ['gpu'] },
    { name: 'd', tags: ['gpu'] },
  ];
  const zone = zoneOf('hosts', [], { computes });

  assert.deepEqual(web(tagged('gpu'), [zone]).hosts, ['c']);
  assert.deepEqual(web({ ...tagged('gpu'), count: 3 }, [zone]).hosts, ['c', 'd', 'c'], 'a cluster takes turns');
  assert.match(web(tagged('!gpu', 'x'), [zone]).because, /lacks the tag x\.$/);
  const off = zoneOf('off', [], { computes: [{ name: 'a', powerState: 'OFF' }] });
  assert.match(web({}, [off]).because, /none of its 1 computes is switched on/);
});

test('the policy of a zone says how its computes fill', () => {
  const computes: JsonObject[] = [
    { name: 'big', memoryMb: 8000 },
    { name: 'little', memoryMb: 3000 },
  ];
  const flavors = { small: { memoryMb: 2000 } };
  const hostsWith = (policy: string, count: number) =>
    placed(Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, machine()])), {
      zones: [zoneOf('z', [], { computes, flavors, policy })],
    }).plan.placements.flatMap(({ hosts }) => hosts);

  assert.deepEqual(hostsWith('BINPACK', 3), ['little', 'big', 'big']);
  assert.deepEqual(hostsWith('SPREAD', 3), ['big', 'little', 'big']);
  assert.deepEqual(hostsWith('SPREAD_MEMORY', 3), ['big', 'big', 'big']);
});

test('with allocatePerInstance each machine of a cluster is placed by itself', () => {
  const cluster = machine(
    { count: 2, ...tagged("${count.index == 0 ? 'disk:fast' : 'disk:slow'}") },
    { allocatePerInstance: true },
  );
  const { plan } = placed({ web: cluster }, { zones: [fast, slow] });

  assert.deepEqual(
    (plan as DeploymentPlan).target.map(({ instance, zone }) => [instance, zone]),
    [
      ['web[0]', 'fast'],
      ['web[1]', 'slow'],
    ],
  );
});

test('affinity keeps machines together or apart', () => {
  const resources = (affinity: string) => ({
    db: machine(tagged('disk:slow')),
    web: machine({ affinity: [affinity] }),
  });

  assert.equal(placed(resources('db'), { zones: [fast, slow] }).of('web').zone, 'slow');
  assert.equal(placed(resources('!db'), { zones: [slow, zoneOf('tail', [])] }).of('web').zone, 'tail');
  assert.match(placed(resources('!db'), { zones: [slow] }).refused.join(), /db is there, and must be kept away from/);
});

const east = { account: 'cloud', region: 'east' };
const west = { account: 'cloud', region: 'west' };
const dmz: JsonObject = { name: 'dmz', tags: ['net:public'], networks: [{ name: 'outer', isPublic: true }] };
const lan: JsonObject = { name: 'lan', networks: [{ name: 'inner' }, { name: 'main', isDefault: true }] };

test('networks come before machines: a machine goes where its networks are, and a network where its machines went', () => {
  const zones = [
    zoneOf('a', [], { ...east, networkProfiles: [lan] }),
    zoneOf('b', [], { ...west, networkProfiles: [dmz] }),
  ];
  const { of } = placed(
    { net: network(tagged('net:public')), web: machine({ networks: [{ network: '${resource.net.id}' }] }) },
    { zones },
  );

  assert.deepEqual([of('web').zone, of('web').network], ['b', 'outer']);
  assert.deepEqual(
    [of('net').zone, of('net').network, of('net').because],
    ['b', 'outer', 'outer meets net:public, and web is in b.'],
  );
  assert.equal(
    of('web').verdicts[1]!.refused[0]!.message,
    'no network profile of its region meets net:public of network net',
  );
});

test('one network profile serves all networks of a machine', () => {
  const both = {
    name: 'both',
    networks: [
      { name: 'x', tags: ['x'] },
      { name: 'y', tags: ['y'] },
    ],
  };
  const only = { name: 'only', networks: [{ name: 'x2', tags: ['x'] }] };
  const resources = {
    x: network(tagged('x')),
    y: network(tagged('y')),
    m: machine({ networks: [{ network: '${resource.x.id}' }, { network: '${resource.y.id}' }] }),
  };

  assert.equal(
    placed(resources, { zones: [zoneOf('a', [], { networkProfiles: [only, both] })] }).of('m').networkProfile,
    'both',
  );
  const apart = { name: 'apart', networks: [{ name: 'y2', tags: ['y'] }] };
  assert.match(
    placed(resources, { zones: [zoneOf('a', [], { networkProfiles: [only, apart] })] }).refused.join(),
    /no network profile serves x and y at once/,
  );
});

test('machines of one network stay in one region', () => {
  const zones = [
    zoneOf('a', ['one'], { ...east, networkProfiles: [lan] }),
    zoneOf('b', ['two'], { ...west, networkProfiles: [lan] }),
  ];
  const on = (tag: string) => machine({ ...tagged(tag), networks: [{ network: '${resource.net.id}' }] });
  const { refused } = placed({ net: network({}), first: on('one'), second: on('two') }, { zones });

  assert.match(refused.join(), /second cannot be placed: .*network net is in cloud\/east already/);
});

test('without networks a machine joins the default network of its region', () => {
  assert.equal(web({}, [zoneOf('a', [], { networkProfiles: [lan] })]).network, 'main');
});

test('public and private networks need a profile that offers them', () => {
  const zones = [zoneOf('a', [], { networkProfiles: [lan] })];
  const kind = (networkType: string) => placed({ net: network({ networkType }) }, { zones });

  assert.equal(kind('existing').of('net').network, 'main');
  assert.match(kind('public').refused.join(), /meets the request of network net and makes it public/);
  assert.match(kind('private').refused.join(), /makes it private/);
  const onDemand = [zoneOf('a', [], { networkProfiles: [{ ...lan, isolation: 'SUBNET' }] })];
  assert.equal(
    placed({ net: network({ networkType: 'private' }) }, { zones: onDemand }).of('net').networkProfile,
    'lan',
  );
});

test('disks go to a storage profile that meets their constraints, and take their machine along', () => {
  const storageProfiles: JsonObject[] = [
    { name: 'plain', isDefault: true },
    { name: 'gold', tags: ['tier:gold'], supportsEncryption: true },
  ];
  const zones = [zoneOf('a', [], east), zoneOf('b', [], { ...west, storageProfiles })];
  const disk = (properties: JsonObject) => ({ type: 'Cloud.Volume', properties: { capacityGb: 10, ...properties } });
  const machineWith = machine({ attachedDisks: [{ source: '${resource.disk.id}' }] });
  const { of } = placed({ disk: disk(tagged('tier:gold')), m: machineWith }, { zones });

  assert.deepEqual([of('m').zone, of('disk').zone], ['b', 'b']);
  assert.deepEqual(of('m').storage, { 'boot disk': 'plain', 'disk disk': 'gold' });
  assert.deepEqual(placed({ disk: disk({ encrypted: true }) }, { zones: [zones[1]!] }).of('disk').storage, {
    'disk disk': 'gold',
  });
  assert.match(
    placed({ disk: disk(tagged('tier:gold')), m: machineWith }, { zones: [zones[0]!] }).refused.join(),
    /no storage profile of its region offers tier:gold for disk disk/,
  );
});

test('what the project asks of networks and disks wins over the blueprint', () => {
  const zones = [zoneOf('a', [], { networkProfiles: [lan, dmz] })];
  const project = { constraints: { network: [{ mandatory: true, expression: 'net:public' }] } };

  assert.equal(placed({ net: network(tagged('net:private:hard')) }, { zones, project }).of('net').network, 'outer');
});

test('a machine that is made anew has room where it stood, also where its zone is full', () => {
  const text = (image: string) =>
    blueprintOf(`resources: {m: {type: Cloud.Machine, properties: {image: ${image}, flavor: small}}}`);
  const request = {
    request: 'r',
    blueprintName: 'B',
    inputs: {},
    requestedBy: '',
    requestedAt: '2026-01-01T00:00:00Z',
  };
  const land = emptyLand([zoneOf('full', [], { maxInstances: 1 })]);
  const first = planChanges({ ...request, kind: 'CREATE', blueprint: text('tito') }, null, land);
  assert.ok(!('refused' in first));
  const { state } = deploy(first);
  land.occupancy.amounts = { full: used(1) };
  const second = planChanges({ ...request, kind: 'UPDATE', blueprint: text('ubuntu') }, state, land);

  assert.ok(!('refused' in second), JSON.stringify(second));
  assert.deepEqual(
    second.actions.map(({ id }) => id),
    ['delete m', 'create m'],
  );
});
