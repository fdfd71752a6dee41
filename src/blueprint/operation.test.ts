import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes } from '../../test/blueprints.ts';
import { deploy, deployed } from '../../test/deployer.ts';
import type { JsonObject } from '../core/json.ts';
import { type DeploymentPlan, effective } from './deployment.ts';
import { planOperations } from './operation.ts';

test('machines that come up again are told to the balancer before them, and nothing else is touched', () => {
  const text = `resources:
  web: {type: Cloud.Machine, properties: {image: ubuntu, flavor: small, count: 2}}
  other: {type: Cloud.Machine, properties: {image: ubuntu, flavor: small}}
  b: {type: Cloud.LoadBalancer, properties: {instances: "\${resource.web[*].id}"}}`;
  const standing = deployed(text, {});
  const power = (name: string, instance: string) => ({
    id: `Cloud.Machine.${name}`,
    name,
    instance,
    inputs: {},
    sets: {},
  });
  const asked = { request: 'r2', requestedBy: 'ann', requestedAt: '2026-11-23T11:00:00.000Z' };

  const on = deploy(planOperations(standing, [power('PowerOn', 'web[0]'), power('PowerOn', 'other')], asked), standing);
  assert.deepEqual(on.order, ['PowerOn web[0]', 'PowerOn other', 'update b']);
  assert.equal(on.state.status, 'UPDATE_SUCCESSFUL');
  assert.deepEqual(deploy(planOperations(standing, [power('PowerOff', 'web[0]')], asked), standing).order, [
    'PowerOff web[0]',
  ]);
});

test('what an action sets stays until the blueprint changes its mind about it', () => {
  const text =
    'inputs: {flavor: {type: string, default: small}, label: {type: string, default: a}}\nresources:\n  m: {type: Cloud.Machine, properties: {image: ubuntu, flavor: "${input.flavor}", label: "${input.label}"}}';
  const first = deployed(text, { flavor: 'small', label: 'a' });
  const resize = { id: 'Cloud.Machine.Resize', name: 'Resize', instance: 'm', inputs: {}, sets: { flavor: 'large' } };
  const asked = { request: 'r2', requestedBy: 'ann', requestedAt: '2026-11-23T11:00:00.000Z' };
  const resized = deploy(planOperations(first, [resize], asked), first).state;
  assert.equal(effective(resized.resources.m!).flavor, 'large');

  const update = (state: typeof first, inputs: JsonObject) => {
    const plan = changes(text, inputs, state);
    assert.ok(!('refused' in plan));
    const [{ because, changes: told }] = plan.actions as [DeploymentPlan['actions'][number]];
    return { because, told, ...deploy({ ...plan, request: 'r3', requestedAt: '2026-11-23T12:00:00.000Z' }, state) };
  };
  const kept = update(resized, { flavor: 'small', label: 'b' });
  assert.equal(kept.because, 'm changes: label.');
  assert.deepEqual(
    kept.told?.find(({ property }) => property === 'flavor'),
    {
      ...{ property: 'flavor', before: 'small', after: 'large', isKnown: true, actual: 'large', kept: true },
    },
  );
  assert.equal(effective(kept.state.resources.m!).flavor, 'large');

  const changed = update(resized, { flavor: 'Small', label: 'a' });
  assert.deepEqual(changed.told, [
    { property: 'flavor', before: 'small', after: 'Small', isKnown: true, actual: 'large' },
  ]);
  assert.equal(effective(changed.state.resources.m!).flavor, 'Small');
});

test('an action that failed has set nothing', () => {
  const standing = deployed('resources: {m: {type: Cloud.Machine, properties: {image: ubuntu, flavor: small}}}', {});
  const resize = { id: 'Cloud.Machine.Resize', name: 'Resize', instance: 'm', inputs: {}, sets: { flavor: 'none' } };
  const asked = { request: 'r2', requestedBy: 'ann', requestedAt: '2026-11-23T11:00:00.000Z' };
  const { state } = deploy(planOperations(standing, [resize], asked), standing, () => ({
    kind: 'failed',
    message: 'There is no flavor none.',
  }));

  assert.equal(state.status, 'UPDATE_FAILED');
  assert.deepEqual(effective(state.resources.m!), standing.resources.m!.desired);
  assert.equal(state.resources.m!.status, 'OK');
});
