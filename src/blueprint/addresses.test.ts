import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blueprintOf, zoneOf } from '../../test/blueprints.ts';
import { deploy } from '../../test/deployer.ts';
import { type Land, type PlanRequest, planChanges } from './changes.ts';
import type { Deployment, DeploymentPlan } from './deployment.ts';
import { projectRulesOf } from './project-rules.ts';

const network = {
  name: 'lan',
  ranges: [
    { start: '10.0.0.254', end: '10.0.1.1' },
    { start: 'fd00::1', end: 'fd00::1' },
  ],
};
const text = (more = '', nic = '{network: "${resource.net.id}", assignment: static}') => `resources:
  net: {type: Cloud.Network, properties: {networkType: existing}}
  m:
    type: Cloud.Machine
    ${more}
    properties: {image: ubuntu, flavor: small, count: 3, networks: [{network: other}, ${nic}]}`;

function plan(content: string, existing: Deployment | null = null, more: Partial<Land & PlanRequest> = {}) {
  const land: Land = {
    zones: [zoneOf('here', [], { networks: [network] })],
    occupancy: { amounts: {}, seats: [], networks: {} },
    rules: projectRulesOf(),
    taken: {},
    ...more,
  };
  const request = {
    request: 'r',
    kind: 'CREATE' as const,
    blueprint: blueprintOf(content),
    blueprintName: 'b',
    inputs: {},
  };
  return planChanges(
    { ...request, requestedBy: 'ann', requestedAt: '2026-11-26T10:00:00Z', ...more },
    existing,
    land,
    {},
    { id: 'deployment-1', name: 'site', project: 'Tito' },
  );
}

const planned = (made: ReturnType<typeof plan>): DeploymentPlan => {
  assert.ok(!('refused' in made), JSON.stringify('refused' in made && made.refused));
  return made;
};
const addressesOf = ({ target }: DeploymentPlan) =>
  target.flatMap(({ addresses = [] }) => addresses.map(({ nic, address }) => [nic, address]));

test('each machine gets the next address that nobody has, from one range after the other', () => {
  const first = planned(plan(text()));
  assert.deepEqual(addressesOf(first), [
    [1, '10.0.0.254'],
    [1, '10.0.0.255'],
    [1, '10.0.1.0'],
  ]);
  const taken = { 'local/local/lan': { '10.0.0.254': 'x of y', '10.0.0.255': 'x of y', '10.0.1.1': 'x of y' } };
  const made = plan(text(), null, { taken });
  assert.ok('refused' in made);
  assert.match(made.refused[0]!.message, /^Machine m\[2\] cannot be placed: all addresses of lan/);
});

test('an address reaches the properties of its machine, and an update sees no change in it', () => {
  const { state } = deploy(planned(plan(text())));
  const networks = state.resources['m[1]']!.desired.networks as { address?: string }[];
  assert.deepEqual(
    networks.map(({ address }) => address),
    [undefined, '10.0.0.255'],
  );
  const taken = {
    'local/local/lan': Object.fromEntries(
      Object.values(state.resources).flatMap(({ instance, addresses = [] }) =>
        addresses.map(({ address }) => [address, `${instance} of site`]),
      ),
    ),
  };
  const again = planned(plan(text(), state, { taken }));
  assert.deepEqual(
    again.actions.filter(({ instance }) => instance.startsWith('m')).map(({ because }) => because),
    ['m[0] stays as it is.', 'm[1] stays as it is.', 'm[2] stays as it is.'],
  );
  const rebuilt = planned(plan(text(), state, { taken, rebuild: ['m[1]'] }));
  assert.deepEqual(addressesOf(rebuilt), addressesOf(again), 'what is removed first leaves its address');
  const beside = planned(plan(text('createBeforeDelete: true'), state, { taken, rebuild: ['m[1]'] }));
  assert.deepEqual(addressesOf(beside)[1], [1, '10.0.1.1'], 'what is still there keeps it');
});

test('what is not static, or in a network without ranges, is left to the cloud', () => {
  const nics = [
    '{network: "${resource.net.id}", assignment: dynamic}',
    '{network: "${resource.net.id}"}',
    '{network: elsewhere, assignment: static}',
  ];
  for (const nic of nics) assert.deepEqual(addressesOf(planned(plan(text('', nic)))), []);
  const plain = plan(text(), null, { zones: [zoneOf('here', [], { networks: [{ name: 'lan' }] })] });
  assert.deepEqual(addressesOf(planned(plain)), []);
});
