// What clients of the original's infrastructure, blueprint, deployment and catalog services do, from the outside.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeTree, stopOwned } from '../src/host/processes.ts';
import { eventually } from './eventually.ts';
import { machineWith, openCloud } from './machines.ts';
import { mailServer } from './mail-server.ts';
import { TestServer } from './server.ts';

const site = (count: string) => (count === '1' ? single : single.replace('label: "', 'count: 2\n      label: "'));
const single = `
formatVersion: 1
name: Site
inputs:
  flavor: {type: string, default: small, enum: [small, large]}
  label: {type: string, default: one}
resources:
  net: {type: Cloud.Network, properties: {networkType: existing}}
  web:
    type: Cloud.Machine
    properties:
      image: plain
      flavor: "\${input.flavor}"
      label: "\${input.label}"
      networks: [{network: "\${resource.net.id}"}]
`;
const zones =
  '{kind: CLOUD_ZONE, name: here, accountType: local, images: {plain: {packages: [git]}}, flavors: {small: {memoryMb: 128}, large: {memoryMb: 160}}}';

class Client {
  readonly server: TestServer;
  project = '';
  constructor(server: TestServer) {
    this.server = server;
  }

  async open(): Promise<this> {
    await this.server.import(zones);
    const { body } = await this.server.call('GET', "/iaas/api/projects?$filter=name eq 'Tito'");
    this.project = body.content[0].id;
    return this;
  }

  async ask(body: object) {
    return this.server.call('POST', '/blueprint/api/blueprint-requests', { projectId: this.project, ...body });
  }

  /** Waits for the end of a request, and answers its deployment. */
  async ended(request: { id: string; deploymentId: string }) {
    const done = await eventually(async () => {
      const { body } = await this.server.call('GET', `/blueprint/api/blueprint-requests/${request.id}`);
      assert.notEqual(body.status, 'STARTED');
      return body;
    });
    return { request: done, deployment: await this.deployment(request.deploymentId) };
  }

  async deployment(id: string) {
    return (await this.server.call('GET', `/deployment/api/deployments/${id}?expand=resources`)).body;
  }

  async create(content: string, more: object = {}) {
    const { body, status, text } = await this.ask({ content, deploymentName: 'site', ...more });
    assert.equal(status, 202, text);
    const { request, deployment } = await this.ended(body);
    assert.equal(request.status, 'FINISHED', request.failureMessage);
    return deployment;
  }

  /** Performs an action and waits for its end. */
  async act(path: string, actionId: string, inputs: object = {}) {
    const asked = await this.server.call('POST', `${path}/requests`, { actionId, inputs });
    if (asked.status !== 200) return asked.body;
    return eventually(async () => {
      const { body } = await this.server.call('GET', `/deployment/api/requests/${asked.body.id}`);
      assert.notEqual(body.status, 'INPROGRESS');
      return body;
    });
  }
}

test('a blueprint is planned, deployed, updated as a difference and deleted', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const { call } = { call: client.server.call.bind(client.server) };

  const planned = await client.ask({ content: site('1'), deploymentName: 'site', plan: true });
  assert.equal(planned.status, 201, planned.text);
  assert.equal(planned.body.status, 'FINISHED');
  const plan = await call('GET', `/blueprint/api/blueprint-requests/${planned.body.id}/plan`);
  assert.deepEqual(
    plan.body.tasks.map(({ name, resourceReason }: Record<string, string>) => [name, resourceReason]),
    [
      ['create net', 'CREATE'],
      ['create web', 'CREATE'],
    ],
  );
  assert.equal((await call('GET', '/deployment/api/deployments')).body.totalElements, 0, 'a plan touches nothing');

  const made = await client.create(site('1'));
  assert.equal(made.status, 'CREATE_SUCCESSFUL');
  const web = made.resources.find(({ name }: { name: string }) => name === 'web');
  assert.deepEqual(
    [web.type, web.state, web.properties.powerState, web.dependsOn],
    ['Cloud.Machine', 'OK', 'ON', ['net']],
  );

  const change = await client.ask({ deploymentId: made.id, content: site('1'), inputs: { label: 'two' }, plan: true });
  const told = await call('GET', `/blueprint/api/blueprint-requests/${change.body.id}/resources-plan`);
  const webPlan = told.body.resources.find(({ resourceName }: { resourceName: string }) => resourceName === 'web');
  assert.equal(webPlan.resourceReason, 'UPDATE');
  assert.deepEqual([webPlan.oldProperties.label, webPlan.newProperties.label], ['one', 'two']);
  assert.equal(webPlan.because, 'web changes: label.');

  const updated = await client.create(site('1'), { deploymentId: made.id, inputs: { label: 'two' } });
  assert.equal(updated.status, 'UPDATE_SUCCESSFUL');
  assert.equal(
    updated.resources.find(({ name }: { name: string }) => name === 'web').id,
    web.id,
    'it is the same machine',
  );

  const gone = await client.ask({ deploymentId: made.id, destroy: true });
  await client.ended(gone.body);
  assert.equal((await call('GET', `/deployment/api/deployments/${made.id}`)).status, 404);
  assert.equal((await call('GET', '/deployment/api/deployments/names/site')).status, 404);
  assert.deepEqual(readdirSync(join(client.server.directory, 'site')), []);
});

test('what cannot be placed is a failed request that says why, and nothing is made', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const refused = await client.ask({ content: site('1').replace('image: plain', 'image: windows') });

  assert.deepEqual([refused.status, refused.body.status], [201, 'FAILED']);
  assert.match(refused.body.failureMessage, /zone here: it has no mapping for image windows \(has: plain\)/);
  assert.equal((await client.server.call('GET', '/deployment/api/deployments')).body.totalElements, 0);
});

test('machines are switched off and on, rebuilt and resized, and a later update does not fight that', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const made = await client.create(site('1'));
  const machine = () =>
    client.deployment(made.id).then(({ resources }) => resources.find(({ name }: { name: string }) => name === 'web'));
  const path = `/deployment/api/resources/${(await machine()).id}`;
  const valid = async () =>
    (await client.server.call('GET', `${path}/actions`)).body
      .filter((action: { valid: boolean }) => action.valid)
      .map(({ id }: { id: string }) => id);

  assert.deepEqual(await valid(), [
    'Cloud.Machine.Update.Tags',
    'Cloud.Machine.PowerOff',
    'Cloud.Machine.Reboot',
    'Cloud.Machine.Snapshot.Create',
    'Cloud.Machine.Add.Disk',
    'Cloud.Machine.Attach.Disk',
    'Cloud.Machine.Resize',
    'Cloud.Machine.Rebuild',
    'Cloud.Machine.Delete',
  ]);
  const off = await client.act(path, 'Cloud.Machine.PowerOff');
  assert.deepEqual([off.name, off.status], ['Power Off', 'SUCCESSFUL']);
  assert.equal((await machine()).properties.powerState, 'OFF');
  const again = await client.act(path, 'Cloud.Machine.PowerOff');
  assert.equal(again.code, 'action.invalid');
  assert.match(again.message, /it is switched off/);

  await client.create(site('1'), { deploymentId: made.id });
  assert.equal((await machine()).properties.powerState, 'OFF', 'what somebody switched off stays so');

  assert.equal((await client.act(`/deployment/api/deployments/${made.id}`, 'Deployment.PowerOn')).status, 'SUCCESSFUL');
  assert.equal((await machine()).properties.powerState, 'ON');

  assert.equal((await client.act(path, 'Cloud.Machine.Resize', { flavor: 'large' })).status, 'SUCCESSFUL');
  assert.equal((await machine()).properties.flavor, 'large');
  await client.create(site('1'), { deploymentId: made.id, inputs: { label: 'two' } });
  assert.equal((await machine()).properties.flavor, 'large', 'the blueprint has not changed its mind about the flavor');

  const rebuilt = await client.act(path, 'Cloud.Machine.Rebuild');
  assert.equal(rebuilt.status, 'SUCCESSFUL', rebuilt.details);
  assert.notEqual(`/deployment/api/resources/${(await machine()).id}`, path);
});

test('what was changed outside is found, told before an update, and made good by it', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const made = await client.create(site('2'));
  const drift = async () =>
    (await client.server.call('GET', `/deployment/api/deployments/${made.id}/drift`)).body.resources;
  assert.deepEqual(await drift(), { 'web[0]': [], 'web[1]': [] });

  const cards = readdirSync(join(client.server.directory, 'site')).map((name) =>
    join(client.server.directory, 'site', name),
  );
  const cardOf = (instance: string) =>
    cards.find((path) => JSON.parse(readFileSync(join(path, 'card.json'), 'utf8')).instance === instance)!;
  await stopOwned(cardOf('web[0]'));
  await stopOwned(cardOf('web[1]'));
  removeTree(cardOf('web[1]'));

  const found = await drift();
  assert.deepEqual(found['web[0]'], [
    { property: 'powerState', before: 'ON', after: 'ON', isKnown: true, actual: 'OFF' },
  ]);
  assert.equal(found['web[1]'], 'gone');
  const planned = await client.ask({ deploymentId: made.id, content: site('2'), plan: true });
  const plan = await client.server.call('GET', `/blueprint/api/blueprint-requests/${planned.body.id}/plan`);
  const because = Object.fromEntries(plan.body.tasks.map((task: Record<string, string>) => [task.name, task.because]));
  assert.equal(because['update web[0]'], 'web[0] changes: powerState.');
  assert.equal(because['create web[1]'], 'web[1] is gone: somebody removed it outside.');

  const after = await client.create(site('2'), { deploymentId: made.id });
  assert.equal(after.status, 'UPDATE_SUCCESSFUL');
  assert.deepEqual(await drift(), { 'web[0]': [], 'web[1]': [] });
});

test('a deployment has an owner, a name and a lease, and its history tells who changed them', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const made = await client.create('resources: {net: {type: Cloud.Network, properties: {}}}');
  const path = `/deployment/api/deployments/${made.id}`;

  await client.server.call('PATCH', path, { name: 'renamed', description: 'for trials' });
  await client.server.call('POST', `${path}/requests`, {
    actionId: 'Deployment.ChangeOwner',
    inputs: { 'New Owner': 'ann' },
  });
  const lease = { 'Lease Expiration Date': '2099-01-31T12:00:00Z' };
  await client.server.call('POST', `${path}/requests`, { actionId: 'Deployment.ChangeLease', inputs: lease });
  const { name, description, ownedBy, leaseExpireAt } = await client.deployment(made.id);
  assert.deepEqual(
    [name, description, ownedBy, leaseExpireAt],
    ['renamed', 'for trials', 'ann', '2099-01-31T12:00:00.000Z'],
  );
  assert.equal((await client.server.call('GET', '/deployment/api/deployments/names/renamed')).status, 200);

  const events = (await client.server.call('GET', `${path}/userEvents`)).body.content;
  assert.deepEqual(
    events.map((event: Record<string, string>) => [event.name, event.requestedBy, event.status]),
    [
      ['Edit Deployment', 'admin', 'SUCCESSFUL'],
      ['Edit Deployment', 'admin', 'SUCCESSFUL'],
      ['Edit Deployment', 'admin', 'SUCCESSFUL'],
      ['Create', 'admin', 'SUCCESSFUL'],
    ],
  );
  await client.create('resources: {net: {type: Cloud.Network, properties: {}}}', { deploymentName: 'other' });
  assert.equal((await client.server.call('PATCH', path, { name: 'other' })).status, 409);
});

test('at the end of its lease a deployment is switched off, and a day later it is removed; its owner gets mail', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const box = await mailServer(t);
  await client.server.import(
    JSON.stringify({
      ...{ project: 'Tito', kind: 'ENDPOINT', name: 'post', type: 'email' },
      properties: {
        ...{ senderAddress: 'mill@example.com', outboundHost: '127.0.0.1', outboundPort: String(box.port) },
        ...{ outboundUsername: 'mill', outboundPassword: 'm4il-pass' },
      },
    }),
  );
  await client.server.call('POST', '/api/users', {
    ...{ name: 'ann', password: 'a long password', role: 'viewer', email: 'ann@example.com' },
  });
  const made = await client.create(site('1'));
  const path = `/deployment/api/deployments/${made.id}`;
  const endsIn = (hours: number) =>
    client.server.call('POST', `${path}/requests`, {
      actionId: 'Deployment.ChangeLease',
      inputs: { 'Lease Expiration Date': new Date(Date.now() + hours * 3_600_000).toISOString() },
    });
  const notices = async () =>
    (await client.server.call('GET', `${path}/userEvents`)).body.content
      .filter(({ name }: { name: string }) => name === 'Notice')
      .map(({ details }: { details: string }) => details);

  const owner = { actionId: 'Deployment.ChangeOwner', inputs: { 'New Owner': 'ann' } };
  assert.equal((await client.server.call('POST', `${path}/requests`, owner)).status, 200);
  await endsIn(5);
  await eventually(async () => {
    assert.deepEqual(
      box.mails.map(({ to }) => to),
      [['ann@example.com']],
    );
    assert.match(box.mails[0]!.text, /Subject: Deployment site[\s\S]*The lease of site ends at/);
  });
  await eventually(async () => assert.match((await notices())[0], /The lease of site ends at .* switched off then/));
  await endsIn(-1);
  await eventually(async () => {
    const { status, resources } = await client.deployment(made.id);
    assert.equal(status, 'UPDATE_SUCCESSFUL');
    assert.equal(resources.find(({ name }: { name: string }) => name === 'web').properties.powerState, 'OFF');
  });
  await endsIn(-30);
  await eventually(async () => assert.equal((await client.server.call('GET', path)).status, 404));
});

test('accounts, regions, zones and profiles that were made by the API say where machines go', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  const call = server.call.bind(server);
  const account = await call('POST', '/iaas/api/cloud-accounts?apiVersion=2021-07-15', {
    ...{ name: 'Lab', cloudAccountType: 'local', privateKeyId: 'me', privateKey: 'hush', createDefaultZones: false },
    regions: [{ externalRegionId: 'room-1', name: 'Room 1' }],
    cloudAccountProperties: {},
  });
  assert.equal(account.status, 202, account.text);
  assert.deepEqual([account.body.status, account.body.progress], ['FINISHED', 100]);
  const tracker = await call('GET', account.body.selfLink);
  const shown = await call('GET', tracker.body.resources[0]);
  assert.ok(!shown.text.includes('hush'));
  const regionId = shown.body.enabledRegions[0].id;
  const region = await call(
    'GET',
    `/iaas/api/regions?$filter=externalRegionId eq 'room-1' and cloudAccountId eq '${shown.body.id}'`,
  );
  assert.equal(region.body.content[0].id, regionId);

  const made = async (path: string, body: object) => {
    const answer = await call('POST', `/iaas/api/${path}`, { regionId, ...body });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const network = await made('fabric-networks', {
    name: 'vlan 7',
    cidr: '10.7.0.0/24',
    tags: [{ key: 'net', value: 'inner' }],
  });
  await made('network-profiles', { name: 'inner', fabricNetworkIds: [network.id] });
  await made('flavor-profiles', { name: 'flavors', flavorMapping: { small: { cpuCount: 1, memoryInMB: 128 } } });
  await made('image-profiles', { name: 'images', imageMapping: { plain: { name: 'plain' } } });
  const zone = await made('zones', {
    name: 'Lab zone',
    tags: [{ key: 'env', value: 'lab' }],
    placementPolicy: 'SPREAD',
  });
  assert.equal(zone._links.region.href, `/iaas/api/regions/${regionId}`);
  const project = await call('POST', '/iaas/api/projects', {
    name: 'Labs',
    zoneAssignmentConfigurations: [{ zoneId: zone.id, priority: 1, maxNumberInstances: 1 }],
    constraints: { network: [{ mandatory: true, expression: 'net:inner' }] },
  });
  assert.equal(project.status, 201, project.text);
  assert.deepEqual(project.body.zones[0].maxNumberInstances, 1);

  const content = `resources:
  net: {type: Cloud.Network, properties: {}}
  m: {type: Cloud.Machine, properties: {image: plain, flavor: small, count: "\${input.n}", constraints: [{tag: "env:lab"}], networks: [{network: "\${resource.net.id}"}]}}
inputs: {n: {type: integer, default: 1}}`;
  const plan = async (n: number) =>
    (
      await call('POST', '/blueprint/api/blueprint-requests', {
        projectId: project.body.id,
        content,
        plan: true,
        inputs: { n },
      })
    ).body;
  const fits = await plan(1);
  const [net, machine] = (await call('GET', `/blueprint/api/blueprint-requests/${fits.id}/plan`)).body.placements;
  assert.deepEqual(
    [machine.zone, machine.account, machine.region, net.network],
    ['Lab zone', 'Lab', 'room-1', 'vlan 7'],
  );
  assert.match((await plan(2)).failureMessage, /zone Lab zone: it holds 0 of 1 machines, 2 more do not fit/);

  const patched = await call('PATCH', `/iaas/api/zones/${zone.id}`, { tags: [{ key: 'env', value: 'live' }] });
  assert.equal(patched.body.placementPolicy, 'SPREAD', 'what a change does not say stays');
  assert.match((await plan(1)).failureMessage, /it lacks the tag env:lab/);
  assert.equal((await call('DELETE', `/iaas/api/cloud-accounts/${shown.body.id}`)).status, 409);
  assert.equal((await call('DELETE', `/iaas/api/zones/${zone.id}`)).status, 204);
  assert.equal((await call('DELETE', `/iaas/api/cloud-accounts/${shown.body.id}`)).status, 202);
});

test('a released blueprint is an item of the catalog that people deploy by filling in a form', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const call = client.server.call.bind(client.server);
  const blueprint = await call('POST', '/blueprint/api/blueprints', {
    name: 'Shop',
    projectId: client.project,
    content: site('1'),
  });
  assert.equal((await call('GET', '/catalog/api/items')).body.totalElements, 0);
  await call('POST', `/blueprint/api/blueprints/${blueprint.body.id}/versions`, { version: '1', release: true });

  const [item] = (await call('GET', '/catalog/api/items?search=sho')).body.content;
  assert.deepEqual([item.name, item.type.id, item.projectIds], ['Shop', 'com.vmw.blueprint', [client.project]]);
  const source = await call('POST', '/catalog/api/admin/sources', {
    ...{ name: 'Tito', typeId: 'com.vmw.blueprint', config: { sourceProjectId: client.project } },
  });
  const many = async (query: string) => (await call('GET', `/catalog/api/admin/items?${query}`)).body.totalElements;
  const queries = [
    `sourceIds=${source.body.id}`,
    'sourceIds=none',
    'types=com.vmw.blueprint',
    'types=com.vmw.abx.actions',
  ];
  assert.deepEqual(await Promise.all([...queries, 'projectId=none', `projectId=${client.project}`].map(many)), [
    ...[1, 0, 1, 0, 0, 1],
  ]);
  const [some] = (await call('GET', '/blueprint/api/blueprints?$select=id,name')).body.content;
  assert.deepEqual(some, { id: blueprint.body.id, name: 'Shop' });
  const { schema } = (await call('GET', `/catalog/api/items/${item.id}`)).body;
  assert.deepEqual(schema.properties.flavor, { type: 'string', default: 'small', enum: ['small', 'large'] });

  const asked = await call('POST', `/catalog/api/items/${item.id}/request`, {
    ...{ projectId: client.project, deploymentName: 'shop', version: '1', inputs: { label: 'x' }, bulkRequestCount: 2 },
  });
  assert.deepEqual(
    asked.body.map(({ deploymentName }: { deploymentName: string }) => deploymentName),
    ['shop-1', 'shop-2'],
  );
  for (const { deploymentId } of asked.body)
    await eventually(async () => assert.equal((await client.deployment(deploymentId)).status, 'CREATE_SUCCESSFUL'));
  const [one] = (await call('GET', '/deployment/api/deployments?name=shop-1')).body.content;
  assert.equal(one.projectId, client.project);

  const other = await call('POST', '/iaas/api/projects', { name: 'Others' });
  const denied = await call('POST', `/catalog/api/items/${item.id}/request`, { projectId: other.body.id, inputs: {} });
  assert.equal(denied.status, 403);
  const definition = { type: 'CatalogItemIdentifier', id: item.id };
  await call('POST', '/catalog/api/admin/entitlements', { projectId: other.body.id, definition });
  assert.ok((await call('GET', `/catalog/api/items/${item.id}`)).body.projectIds.includes(other.body.id));
});

test('machines are made and switched by the infrastructure service, with request trackers', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const call = client.server.call.bind(client.server);
  const finished = async (link: string) =>
    eventually(async () => {
      const { body } = await call('GET', link);
      assert.notEqual(body.status, 'INPROGRESS');
      return body;
    });
  const asked = await call('POST', '/iaas/api/machines', {
    name: 'box',
    image: 'plain',
    flavor: 'small',
    projectId: client.project,
  });
  assert.equal(asked.status, 202, asked.text);
  const done = await finished(asked.body.selfLink);
  assert.equal(done.status, 'FINISHED', done.message);
  const [link] = done.resources;
  const machine = await call('GET', link);
  assert.equal(machine.body.powerState, 'ON');
  assert.equal((await call('GET', "/iaas/api/machines?$filter=powerState eq 'ON'&$top=10")).body.totalElements, 1);

  assert.equal(
    (await finished((await call('POST', `${link}/operations/power-off`, {})).body.selfLink)).status,
    'FINISHED',
  );
  assert.equal((await call('GET', link)).body.powerState, 'OFF');
  assert.equal((await finished((await call('DELETE', link)).body.selfLink)).status, 'FINISHED');
  assert.equal((await call('GET', link)).status, 404);
});

test('answers have the fields of recorded ones', { skip: !existsSync(fixtures()) }, async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const call = client.server.call.bind(client.server);
  const recorded = (name: string) => JSON.parse(readFileSync(join(fixtures(), `${name}.json`), 'utf8'));
  const blueprint = await call('POST', '/blueprint/api/blueprints', {
    name: 'Shop',
    projectId: client.project,
    content: site('1'),
  });
  await call('POST', `/blueprint/api/blueprints/${blueprint.body.id}/versions`, { version: '1', release: true });
  const [item] = (await call('GET', '/catalog/api/items')).body.content;
  const made = await client.create(site('1'), { blueprintId: blueprint.body.id, content: undefined });
  const request = await client.act(`/deployment/api/deployments/${made.id}`, 'Deployment.PowerOff');
  /** What only some servers say, or only of some things. */
  const optional = [
    'iconId',
    'catalogItemId',
    'catalogItemVersion',
    'contentSourceId',
    'contentSourcePath',
    'contentSourceType',
  ];
  const more = ['contentSourceSyncStatus', 'contentSourceSyncMessages', 'contentSourceSyncAt', 'pageable', 'sort'];
  const lacking = (ours: object, theirs: object) =>
    Object.keys(theirs).filter((key) => !(key in ours) && ![...optional, ...more].includes(key));

  assert.deepEqual(lacking(made, recorded('Deployment')), []);
  assert.deepEqual(lacking(made.resources[1], recorded('Deployment').resources[0]), []);
  assert.deepEqual(lacking(request, recorded('DeploymentRequestSuccess')), []);
  assert.deepEqual(lacking(item, recorded('CatalogItem')), []);
  assert.deepEqual(lacking((await call('GET', `/iaas/api/projects/${client.project}`)).body, recorded('Project')), []);
  const page = (await call('GET', '/blueprint/api/blueprints')).body;
  assert.deepEqual(lacking(page, recorded('PageOfBlueprint')), []);
  assert.deepEqual(lacking(page.content[0], recorded('PageOfBlueprint').content[0]), []);
});

function fixtures(): string {
  const shared = join(import.meta.dirname, '../../shared/corpus/api-fixtures/prydin__vmware-vra8-jenkins-plugin');
  return join(shared, 'src/test/resources/apiresults');
}

test('a cloud zone of a file has its mappings in the API as well', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith('hostname: m'));
  const [zone] = (await server.call('GET', '/iaas/api/zones')).body.content;

  assert.deepEqual([zone.name, zone.tags], ['here', [{ key: 'tier', value: 'web' }]]);
  const [account] = (await server.call('GET', '/iaas/api/cloud-accounts')).body.content;
  assert.deepEqual([account.name, account.cloudAccountType], ['local', 'local']);
});

test('a disk outlives the machine that it is attached to, and is found under /mnt', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const content = (attached: string, image = 'plain') => `resources:
  data: {type: Cloud.Volume, properties: {capacityGb: 5}}
  sg: {type: Cloud.SecurityGroup, properties: {securityGroupType: new, rules: [{name: web, ports: "80", access: Allow, direction: inbound}]}}
  m: {type: Cloud.Machine, properties: {image: ${image}, flavor: small, attachedDisks: ${attached}}}`;
  const made = await client.create(content('[{source: "${resource.data.id}"}]'));
  const root = () => {
    const site = join(client.server.directory, 'site');
    const own = readdirSync(site).find((name) => existsSync(join(site, name, 'order.json')))!;
    return join(site, own, 'root');
  };
  writeFileSync(join(root(), 'mnt/data/kept'), 'precious');
  const [disk] = (await client.server.call('GET', '/iaas/api/block-devices')).body.content;
  assert.deepEqual([disk.capacityInGB, disk.name], [5, 'data']);
  const { capacityEnforced } = made.resources.find(({ name }: { name: string }) => name === 'data').properties;
  const { blocks, bsize } = statfsSync(join(root(), 'mnt/data'));
  // Only root can give a directory a size; elsewhere that is told.
  assert.equal(blocks * bsize < 5 * 2 ** 30, capacityEnforced);
  assert.equal(capacityEnforced, process.geteuid?.() === 0 && existsSync('/dev/loop-control'));

  const machine = made.resources.find(({ name }: { name: string }) => name === 'm');
  await client.act(`/deployment/api/resources/${machine.id}`, 'Cloud.Machine.Rebuild');
  assert.equal(readFileSync(join(root(), 'mnt/data/kept'), 'utf8'), 'precious');
  await client.create(content('[]'), { deploymentId: made.id });
  assert.ok(!existsSync(join(root(), 'mnt/data')));
});

test('deployments and their resources are asked for by name, type, tag and time', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const made = await client.create(`resources:
  data: {type: Cloud.Volume, properties: {capacityGb: 1}}
  one: {type: Cloud.Machine, properties: {image: plain, flavor: small, tags: [{key: tier, value: web}]}}
  two: {type: Cloud.Machine, properties: {image: plain, flavor: small, tags: [{key: tier, value: db}]}}`);
  const names = async (path: string) =>
    (await client.server.call('GET', path)).body.content.map(({ name }: { name: string }) => name).sort();
  const own = `/deployment/api/deployments/${made.id}/resources`;

  assert.deepEqual(await names(`${own}?resourceTypes=Cloud.Machine`), ['one', 'two']);
  assert.deepEqual(await names(`${own}?resourceTypes=Cloud.Machine,Cloud.Volume&names=data,two`), ['data', 'two']);
  assert.deepEqual(await names(`${own}?tags=tier:db`), ['two']);
  assert.deepEqual(await names(`${own}?tags=tier`), ['one', 'two']);
  assert.deepEqual(await names('/deployment/api/resources?tags=tier:web,tier:none'), ['one']);

  const all = '/deployment/api/deployments';
  assert.deepEqual(await names(`${all}?resourceTypes=Cloud.Volume&tags=tier:db`), []);
  assert.deepEqual(await names(`${all}?resourceTypes=Cloud.Machine&tags=tier:db`), ['site']);
  assert.deepEqual(await names(`${all}?createdAt=2020-01-01T00:00:00Z,`), ['site']);
  assert.deepEqual(await names(`${all}?createdAt=,2020-01-01T00:00:00Z`), []);
  assert.deepEqual(await names(`${all}?expiresAt=2020-01-01T00:00:00Z,2020-02-01T00:00:00Z`), []);
  for (const [parameter, is, isNot] of [
    ['cloudAccounts', 'local', 'aws-1'],
    ['cloudTypes', 'Local', 'AWS'],
    ['requestedBy', 'admin', 'ann'],
    ['lastRequestStatus', 'FAILED,SUCCESSFUL', 'FAILED'],
    ['projects', client.project, 'none'],
  ]) {
    assert.deepEqual(await names(`${all}?${parameter}=${is}`), ['site'], `${parameter}=${is}`);
    assert.deepEqual(await names(`${all}?${parameter}=${isNot}`), [], `${parameter}=${isNot}`);
  }
  assert.deepEqual(await names('/deployment/api/resources?cloudTypes=local&resourceTypes=Cloud.Volume'), ['data']);
  const wrong = await client.server.call('GET', `${all}?lastUpdatedAt=soon`);
  assert.deepEqual([wrong.status, wrong.body.message], [400, '"soon" is no instant.']);
});

test('a list shows of a deployment what its one address shows, and what is in it where that is asked for', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const made = await client.create(
    `inputs: {size: {type: integer}}
resources:
  data: {type: Cloud.Volume, properties: {capacityGb: '\${input.size}'}}`,
    { inputs: { size: 1 } },
  );
  const listed = async (query: string) =>
    (await client.server.call('GET', `/deployment/api/deployments?${query}`)).body.content[0];

  const { resources, lastRequest, outputs, placements, actions, ...whole } = await client.deployment(made.id);
  assert.deepEqual(await listed(''), whole);
  assert.deepEqual([whole.project.name, whole.inputs, whole.resourceCount], ['Tito', { size: 1 }, 1]);
  assert.deepEqual(await listed('expand=lastRequest&expand=resources'), {
    ...whole,
    ...{ resources, lastRequest, outputs, placements, actions },
  });
});

test('a disk that another machine has attached is not removed under it, nor attached from another project', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const disk = 'resources: {data: {type: Cloud.Volume, properties: {capacityGb: 5}}}';
  const made = await client.create(disk, { deploymentName: 'store' });
  const { id } = made.resources[0].properties;
  const machine = `resources: {m: {type: Cloud.Machine, properties: {image: plain, flavor: small, attachedDisks: [{source: ${id}}]}}}`;
  const user = await client.create(machine);

  const remove = async (deploymentId: string) =>
    client.ended((await client.ask({ deploymentId, destroy: true })).body).then(({ request }) => request);
  assert.match(
    (await remove(made.id)).failureMessage,
    /Disk data is attached to machine m of deployment site: detach it there first/,
  );
  await client.server.import('{project: Elsewhere, kind: VARIABLE, name: x, value: y}');
  const foreign = await client.ask({
    ...{ content: machine, deploymentName: 'other', projectName: 'Elsewhere', projectId: undefined },
  });
  assert.match(
    (await client.ended(foreign.body)).request.failureMessage,
    /The disk data that it attaches belongs to another project/,
  );
  assert.equal((await remove(user.id)).status, 'FINISHED');
  assert.equal((await remove(made.id)).status, 'FINISHED');
});

test('the naming template of a project names machines, and no name is given twice', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const template = { machineNamingTemplate: '${project.name}-${resource.image}-${####}' };
  await client.server.call('PATCH', `/iaas/api/projects/${client.project}`, template);
  const names = async (deploymentName: string) => {
    const { resources } = await client.create(site('2'), { deploymentName });
    return resources
      .filter(({ type }: { type: string }) => type === 'Cloud.Machine')
      .map(({ properties }: { properties: { resourceName: string } }) => properties.resourceName);
  };

  assert.deepEqual(await names('first'), ['tito-plain-0001', 'tito-plain-0002']);
  assert.deepEqual(await names('second'), ['tito-plain-0003', 'tito-plain-0004']);
});

test('regions are asked for by a request: those of an account are told, and a cloud that cannot be asked says so', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  const call = (method: string, path: string, body?: unknown) => server.call(method, path, body);
  const ask = async (path: string, body: object) => {
    const { status, body: tracker } = await call('POST', `/iaas/api/${path}/region-enumeration`, body);
    assert.equal(status, 202);
    const found = await call('GET', `/iaas/api/cloud-accounts/region-enumeration/${tracker.id}`);
    return { ...tracker, regions: found.status === 200 ? found.body.externalRegions : found.body.code };
  };
  const local = await ask('cloud-accounts', { cloudAccountType: 'local' });
  assert.deepEqual([local.status, local.regions], ['FINISHED', [{ name: 'local', externalRegionId: 'local' }]]);
  const aws = await ask('cloud-accounts-aws', { accessKeyId: 'A', secretAccessKey: 'B' });
  assert.deepEqual([aws.status, aws.regions], ['FAILED', 'not.found']);
  assert.match(aws.message, /type aws .* name them in `regions`/);
  await call('POST', '/iaas/api/cloud-accounts', {
    ...{ name: 'far', cloudAccountType: 'aws', regions: [{ externalRegionId: 'eu-west-1' }] },
  });
  const [{ id }] = (await call('GET', "/iaas/api/cloud-accounts?$filter=name eq 'far'")).body.content;
  const known = await ask('cloud-accounts-aws', { cloudAccountId: id });
  assert.deepEqual(known.regions, [{ name: 'eu-west-1', externalRegionId: 'eu-west-1' }]);
});

test('accounts of each cloud are written in its own words, and are one with the general form', async (t) => {
  const server = await TestServer.start(t);
  const call = server.call.bind(server);
  const lacking = await call('POST', '/iaas/api/cloud-accounts-aws', { name: 'x', accessKeyId: 'A' });
  assert.deepEqual([lacking.status, /secretAccessKey/.test(lacking.text)], [400, true]);
  const made = await call('POST', '/iaas/api/cloud-accounts-vsphere', {
    ...{ name: 'vc', hostName: 'vc.example', username: 'me', password: 'hush', acceptSelfSignedCertificate: true },
    regions: [{ externalRegionId: 'Datacenter:dc-1', name: 'DC' }],
    createDefaultZones: true,
  });
  assert.equal(made.status, 202, made.text);
  const [account] = (await call('GET', "/iaas/api/cloud-accounts-vsphere?$filter=name eq 'vc'")).body.content;
  assert.deepEqual([account.hostName, account.username, account.enabledRegions[0].name], ['vc.example', 'me', 'DC']);
  await call('PATCH', `/iaas/api/cloud-accounts-vsphere/${account.id}`, { description: 'changed', dcid: 'd' });
  const general = await call('GET', `/iaas/api/cloud-accounts/${account.id}`);
  assert.deepEqual(
    [general.body.cloudAccountType, general.body.description, general.body.cloudAccountProperties.hostName],
    ['vsphere', 'changed', 'vc.example'],
  );
  assert.ok(!general.text.includes('hush'));
  assert.equal((await call('GET', `/iaas/api/cloud-accounts-aws/${account.id}`)).status, 404);
  const [zone] = (await call('GET', '/iaas/api/zones')).body.content;
  assert.equal(zone.name, 'vc / Datacenter:dc-1');
});

test('an encrypted constant reaches the machine, and is seen nowhere else', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const properties = {
    token: { type: 'string', encrypted: true, const: 'hush-hush' },
    port: { type: 'integer', const: 8080 },
  };
  const group = { name: 'keys', type: 'CONSTANT', projectId: client.project, properties };
  assert.equal((await client.server.call('POST', '/properties/api/property-groups', group)).status, 201);
  const made = await client.create(
    'resources:\n  m:\n    type: Cloud.Machine\n    properties:\n      image: plain\n      flavor: small\n      port: ${propgroup.keys.port}\n      cloudConfig: |\n        #cloud-config\n        write_files: [{path: /opt/token, content: "${propgroup.keys.token}"}]',
  );
  const root = join(client.server.directory, 'site');
  const [machine] = readdirSync(root);

  assert.equal(readFileSync(join(root, machine!, 'root/opt/token'), 'utf8'), 'hush-hush');
  assert.equal(made.resources[0].properties.port, 8080);
  const shown = [made, (await client.server.call('GET', '/blueprint/api/blueprint-requests')).body];
  assert.ok(!JSON.stringify(shown).includes('hush-hush'));
  assert.equal((await client.create('resources: {}', { deploymentId: made.id })).status, 'UPDATE_SUCCESSFUL');
});

test('a snapshot keeps what a machine has written, and puts it back', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const made = await client.create('resources: {m: {type: Cloud.Machine, properties: {image: plain, flavor: small}}}');
  const [{ id }] = made.resources;
  const path = `/deployment/api/resources/${id}`;
  const root = join(client.server.directory, 'site');
  const file = join(root, readdirSync(root)[0]!, 'root/opt-file');
  writeFileSync(file, 'before');
  assert.equal((await client.act(path, 'Cloud.Machine.Snapshot.Create', { name: 'first' })).status, 'SUCCESSFUL');
  writeFileSync(file, 'after');

  assert.match(
    (await client.act(path, 'Cloud.Machine.Snapshot.Revert', { id: 'second' })).details,
    /has no snapshot second; it has first/,
  );
  const reverted = await client.act(path, 'Cloud.Machine.Snapshot.Revert', { id: 'first' });
  assert.equal(reverted.status, 'SUCCESSFUL', reverted.details);
  assert.equal(readFileSync(file, 'utf8'), 'before');
  assert.equal((await client.act(path, 'Cloud.Machine.Snapshot.Delete', { id: 'first' })).status, 'SUCCESSFUL');
  assert.deepEqual((await client.deployment(made.id)).resources[0].properties.snapshots, []);
});

test('a server on another machine sees nothing of the local cloud, and does not take it for gone', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const { server } = client;
  const made = await client.create(site('1'));
  const [own, away] = [join(server.directory, 'site'), join(server.directory, 'away')];
  await server.stop();
  renameSync(own, away);
  server.host = 'elsewhere';
  await server.start();

  const planned = await client.ask({ deploymentId: made.id, content: site('1'), plan: true });
  const { tasks } = (await server.call('GET', `/blueprint/api/blueprint-requests/${planned.body.id}/plan`)).body;
  assert.deepEqual([...new Set(tasks.map(({ resourceReason }: Record<string, string>) => resourceReason))], ['READ']);
});

test('disks are added, attached and taken away, and machines are described by the infrastructure service', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const call = client.server.call.bind(client.server);
  const made = await client.create(`resources:
  data: {type: Cloud.Volume, properties: {capacityGb: 5}}
  m: {type: Cloud.Machine, properties: {image: plain, flavor: small, attachedDisks: "\${input.attached ? [{source: resource.data.id}] : []}"}}
inputs: {attached: {type: boolean, default: false}}`);
  const idOf = (name: string) => made.resources.find((one: { name: string }) => one.name === name).id;
  const [machine, disk] = [`/iaas/api/machines/${idOf('m')}`, idOf('data')];
  const done = (tracker: { status: number; body: { id: string }; text: string }) =>
    eventually(async () => {
      assert.equal(tracker.status, 202, tracker.text);
      const { body } = await call('GET', `/iaas/api/request-tracker/${tracker.body.id}`);
      assert.equal(body.status, 'FINISHED', body.message);
    });
  const names = async () =>
    (await call('GET', `${machine}/disks`)).body.content.map(({ name }: { name: string }) => name);
  const site = join(client.server.directory, 'site');
  const own = readdirSync(site).find((name) => existsSync(join(site, name, 'order.json')))!;
  const mounted = () => readdirSync(join(site, own, 'root/mnt'));

  await done(await call('POST', `${machine}/disks`, { blockDeviceId: disk }));
  assert.deepEqual([await names(), mounted()], [['data'], ['data']]);
  const again = await call('POST', `${machine}/disks`, { blockDeviceId: disk });
  assert.match(again.body.message, /it is attached to it already/);
  const path = `/deployment/api/resources/${idOf('m')}`;
  assert.equal(
    (await client.act(path, 'Cloud.Machine.Add.Disk', { name: 'logs', capacityGb: 2 })).status,
    'SUCCESSFUL',
  );
  assert.deepEqual(
    [await names(), mounted().sort()],
    [
      ['data', 'logs'],
      ['data', 'logs'],
    ],
  );
  assert.match((await client.act(path, 'Add.Disk', { name: '../x', capacityGb: 2 })).message, /letters, digits/);
  const lost = await client.act(path, 'Attach.Disk', { source: '/resources/disks/../../x/1' });
  assert.deepEqual([lost.name, lost.status], ['Attach Disk', 'FAILED']);
  assert.match(lost.details, /The disk x that it attaches is not there/);
  const after = await client.create('', { deploymentId: made.id, content: undefined, inputs: { attached: false } });
  assert.equal(after.status, 'UPDATE_SUCCESSFUL');
  assert.deepEqual(mounted().sort(), ['data', 'logs'], 'an update does not fight what actions changed');

  const { content: disks } = (await call('GET', `${machine}/disks`)).body;
  for (const { id } of disks) await done(await call('DELETE', `${machine}/disks/${id}`));
  assert.deepEqual([await names(), mounted()], [[], []]);
  assert.ok(!existsSync(join(site, own, 'disks/logs')));
  assert.ok((await call('GET', `/iaas/api/block-devices/${disk}`)).body.id, 'what is detached is still there');
  await done(await call('POST', `/iaas/api/block-devices/${disk}?capacityInGB=9`));
  assert.equal((await call('GET', `/iaas/api/block-devices/${disk}`)).body.capacityInGB, 9);

  await done(await call('POST', `${machine}/operations/snapshots`, { name: 'first' }));
  const [snapshot] = (await call('GET', `${machine}/snapshots`)).body.content;
  assert.deepEqual([snapshot.name, snapshot.isCurrent], ['first', true]);
  await done(await call('POST', `${machine}/operations/revert/${snapshot.id}`));
  await done(await call('DELETE', `${machine}/snapshots/${snapshot.id}`));
  assert.equal((await call('GET', `${machine}/snapshots/${snapshot.id}`)).status, 404);

  const tags = [{ key: 'tier', value: 'web' }];
  const changed = await call('PATCH', machine, { description: 'the web', tags, customProperties: { cost: '17' } });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual(
    [changed.body.description, changed.body.tags, changed.body.customProperties.cost],
    ['the web', tags, '17'],
  );
  const odd = await call('PATCH', machine, { customProperties: { image: 'other' } });
  assert.match(odd.body.message, /`image` means something to it/);

  const empty = await call('POST', '/iaas/api/deployments', { name: 'empty', projectId: client.project });
  await done(empty);
  const all = (await call('GET', '/iaas/api/deployments')).body.content.map(({ name }: { name: string }) => name);
  assert.deepEqual(all.sort(), ['empty', 'site']);
});

test('a balancer that died is found, and comes back with the next update', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const content = `resources:
  b: {type: Cloud.LoadBalancer, properties: {instances: [], routes: [{port: 8080, instancePort: 80}]}}`;
  const made = await client.create(content);
  const drift = async () =>
    (await client.server.call('GET', `/deployment/api/deployments/${made.id}/drift`)).body.resources;
  assert.deepEqual(await drift(), { b: [] });
  const site = join(client.server.directory, 'site');
  await stopOwned(join(site, readdirSync(site)[0]!));
  assert.equal((await drift()).b[0].actual, 'OFF');
  await client.create(content, { deploymentId: made.id });
  assert.deepEqual(await drift(), { b: [] });
});

test('storage profiles and networks are spoken of in the words of a cloud, and ranges of addresses are checked', async (t) => {
  const { server } = await new Client(await TestServer.start(t, { cloud: true })).open();
  const call = server.call.bind(server);
  const account = await call('POST', '/iaas/api/cloud-accounts', {
    ...{ name: 'dc', cloudAccountType: 'vsphere', privateKeyId: 'u', privateKey: 'p' },
    regions: [{ externalRegionId: 'Datacenter:1', name: 'dc' }],
  });
  assert.equal(account.status, 202, account.text);
  const [region] = (await call('GET', "/iaas/api/regions?$filter=externalRegionId eq 'Datacenter:1'")).body.content;
  const made = await call('POST', '/iaas/api/storage-profiles-vsphere', {
    ...{ name: 'fast', regionId: region.id, provisioningType: 'thin', datastoreId: 'ds-1' },
  });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.provisioningType, 'thin');
  const general = (await call('GET', `/iaas/api/storage-profiles/${made.body.id}`)).body;
  assert.deepEqual(general.diskProperties, { provisioningType: 'thin', datastoreId: 'ds-1' });
  assert.equal((await call('GET', '/iaas/api/storage-profiles-aws')).body.totalElements, 0);
  assert.equal((await call('GET', `/iaas/api/storage-profiles-aws/${made.body.id}`)).status, 404);

  const network = await call('POST', '/iaas/api/fabric-networks-vsphere', {
    ...{ name: 'vlan 7', regionId: region.id, cidr: '10.7.0.0/24', dnsServerAddresses: ['10.7.0.2'] },
  });
  assert.deepEqual(network.body.dnsServerAddresses, ['10.7.0.2'], network.text);
  const range = {
    name: 'r',
    startIPAddress: '10.7.0.10',
    endIPAddress: '10.7.0.12',
    fabricNetworkIds: [network.body.id],
  };
  const kept = await call('POST', '/iaas/api/network-ip-ranges', range);
  assert.equal(kept.status, 201, kept.text);
  assert.deepEqual(kept.body._links['fabric-networks'].hrefs, [`/iaas/api/fabric-networks/${network.body.id}`]);
  for (const [change, why] of [
    [{ endIPAddress: '10.7.0.9' }, /no range of addresses/],
    [{ endIPAddress: 'fd00::1' }, /no range of addresses/],
    [{ startIPAddress: '10.7.0.300' }, /startIPAddress/],
    [{ ipVersion: 'IPv6' }, /10.7.0.10 is no IPv6 address/],
    [{ fabricNetworkIds: ['nowhere'] }, /no fabric-network nowhere/],
  ] as const) {
    const refused = await call('POST', '/iaas/api/network-ip-ranges', { ...range, name: 'other', ...change });
    assert.ok(refused.status >= 400 && refused.status < 500);
    assert.match(refused.body.message, why);
  }
});

test('one resource is deleted alone where nothing needs it, and what may not be deleted is not', async (t) => {
  const client = await new Client(await TestServer.start(t, { cloud: true })).open();
  const call = client.server.call.bind(client.server);
  const made = await client.create(`resources:
  net: {type: Cloud.Network, properties: {networkType: existing}}
  a: {type: Cloud.Machine, properties: {image: plain, flavor: small, networks: [{network: "\${resource.net.id}"}]}}
  b: {type: Cloud.Machine, preventDelete: true, properties: {image: plain, flavor: small}}`);
  const idOf = (name: string) => made.resources.find((one: { name: string }) => one.name === name).id;
  const remove = (name: string) => call('DELETE', `/deployment/api/deployments/${made.id}/resources/${idOf(name)}`);

  assert.match((await remove('net')).body.message, /a needs it/);
  assert.match((await remove('b')).body.message, /it has `preventDelete`/);
  const gone = await remove('a');
  assert.equal(gone.status, 200, gone.text);
  await eventually(async () => assert.equal((await client.deployment(made.id)).status, 'UPDATE_SUCCESSFUL'));
  const left = (await client.deployment(made.id)).resources.map(({ name }: { name: string }) => name);
  assert.deepEqual(left, ['net', 'b']);
  const whole = await call('DELETE', `/deployment/api/deployments/${made.id}`);
  assert.equal(whole.status, 400, whole.text);
  assert.match(whole.body.message, /site cannot be deleted: b has `preventDelete`/);

  const { filters } = (await call('GET', '/deployment/api/deployments/filters')).body;
  assert.deepEqual(
    filters.map(({ id, content }: { id: string; content: { name: string; count: number }[] }) => [
      id,
      content.map(({ name, count }) => [name, count]),
    ]),
    [
      ['projects', [['Tito', 1]]],
      ['status', [['UPDATE_SUCCESSFUL', 1]]],
      ['lastRequestStatus', [['SUCCESSFUL', 1]]],
      ['ownedBy', [['admin', 1]]],
      ['requestedBy', [['admin', 1]]],
      [
        'resourceTypes',
        [
          ['Cloud.Machine', 1],
          ['Cloud.Network', 1],
        ],
      ],
      ['cloudAccounts', [['local', 1]]],
      ['cloudTypes', [['local', 1]]],
    ],
  );
  const types = (await call('GET', '/deployment/api/resources/filters/resourceTypes')).body.content;
  assert.deepEqual(
    types.map(({ id, count }: { id: string; count: number }) => [id, count]),
    [
      ['Cloud.Machine', 1],
      ['Cloud.Network', 1],
    ],
  );
  assert.equal((await call('GET', '/deployment/api/deployments/filters/colour')).status, 404);
  assert.equal((await call('GET', '/deployment/api/deployments/names?name=site')).status, 200);
  const asked = (await call('GET', `/deployment/api/resources/${idOf('b')}/requests`)).body.content;
  assert.deepEqual(
    asked.map(({ actionId }: { actionId: string }) => actionId),
    ['Deployment.Create'],
  );
  assert.equal((await call('GET', '/deployment/api/resource-types/Cloud.Machine')).body.id, 'Cloud.Machine');
  assert.equal((await call('GET', '/catalog/api/types/com.vmw.blueprint')).status, 200);
});

test('machines get static addresses out of the ranges of their network, and no two the same', async (t) => {
  const { server, project } = await new Client(await TestServer.start(t, { cloud: true })).open();
  const network = '{name: lan, tags: ["net:lan"], ranges: [{start: 127.9.8.10, end: 127.9.8.12}]}';
  await server.import(
    `{kind: CLOUD_ZONE, name: here, accountType: local, networks: [${network}], images: {plain: {}}, flavors: {small: {memoryMb: 64}}}`,
  );
  const content = (address = '') => `resources:
  net: {type: Cloud.Network, properties: {networkType: existing, constraints: [{tag: "net:lan"}]}}
  m: {type: Cloud.Machine, properties: {image: plain, flavor: small, networks: [{network: "\${resource.net.id}", assignment: static${address}}]}}`;
  const ask = async (body: object) => {
    const asked = await server.call('POST', '/blueprint/api/blueprint-requests', { projectId: project, ...body });
    const request = await eventually(async () => {
      const { body: told } = await server.call('GET', `/blueprint/api/blueprint-requests/${asked.body.id}`);
      assert.notEqual(told.status, 'STARTED');
      return told;
    });
    if (request.status !== 'FINISHED') return request.failureMessage;
    const { resources = [] } = (await server.call('GET', `/deployment/api/deployments/${asked.body.deploymentId}`))
      .body;
    return resources
      .filter(({ type }: { type: string }) => type === 'Cloud.Machine')
      .map(({ properties }: { properties: { address: string } }) => properties.address);
  };

  const both = await Promise.all(['a', 'b'].map((deploymentName) => ask({ deploymentName, content: content() })));
  assert.deepEqual(both.flat().sort(), ['127.9.8.10', '127.9.8.11'], 'plans at the same time do not take the same');
  const third = await ask({ deploymentName: 'c', content: content() });
  assert.deepEqual(third, ['127.9.8.12']);
  assert.match(
    await ask({ deploymentName: 'd', content: content() }),
    /Machine m cannot be placed: all addresses of lan \(127.9.8.10 to 127.9.8.12\) are given out/,
  );
  const named = (address: string) => content(`, address: ${address}`);
  assert.match(await ask({ deploymentName: 'd', content: named('127.9.8.12') }), /belongs to m of c/);
  assert.match(await ask({ deploymentName: 'd', content: named('nowhere') }), /its address nowhere in lan is none/);

  const { content: all } = (await server.call('GET', '/deployment/api/deployments?name=c')).body;
  const again = await ask({ deploymentId: all[0].id, content: content(), plan: true });
  assert.deepEqual(again, ['127.9.8.12'], 'an update keeps it');
  const rebuilt = await server.call('POST', `/deployment/api/deployments/${all[0].id}/requests`, {
    actionId: 'Deployment.Update',
  });
  assert.equal(rebuilt.status, 200);
  await eventually(async () => {
    const { body } = await server.call('GET', `/deployment/api/deployments/${all[0].id}`);
    assert.equal(body.status, 'UPDATE_SUCCESSFUL');
    assert.deepEqual(
      body.actions.map(({ because }: { because: string }) => because),
      ['net stays as it is.', 'm stays as it is.'],
    );
  });
  await ask({ deploymentId: all[0].id, destroy: true });
  assert.deepEqual(
    await ask({ deploymentName: 'd', content: content() }),
    ['127.9.8.12'],
    'what was removed is free again',
  );
});

test('two plans at the same time do not take the last room of a zone both', async (t) => {
  const { server, project } = await new Client(await TestServer.start(t, { cloud: true })).open();
  await server.import(
    '{kind: CLOUD_ZONE, name: here, accountType: local, limits: {instances: 2}, images: {plain: {}}, flavors: {small: {memoryMb: 64}}}',
  );
  const content = 'resources: {m: {type: Cloud.Machine, properties: {image: plain, flavor: small}}}';
  const asked = await Promise.all(
    [...Array(6).keys()].map((index) =>
      server.call('POST', '/blueprint/api/blueprint-requests', {
        projectId: project,
        deploymentName: `d${index}`,
        content,
      }),
    ),
  );
  const refused = asked.filter(({ body }) => body.status === 'FAILED');
  assert.equal(refused.length, 4);
  for (const { body } of refused) assert.match(body.failureMessage, /zone here: .*2/);
});
