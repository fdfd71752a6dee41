import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes } from '../../test/blueprints.ts';
import { deploy, deployed } from '../../test/deployer.ts';
import type { JsonObject } from '../core/json.ts';

/** A machine `m` with these keys beside its properties, whose label is an input. */
const text = (keys: string, properties = '') => `
formatVersion: 2
inputs:
  label: {type: string, default: one}
  wanted: {type: boolean, default: true}
resources:
  m:
    type: Cloud.Machine
    ${keys}
    properties: {image: ubuntu, flavor: small, label: "\${input.label}"${properties}}
`;

function update(blueprint: string, before: JsonObject, after: JsonObject) {
  const standing = deployed(blueprint, before);
  const plan = changes(blueprint, after, standing);
  if ('refused' in plan) return { refused: plan.refused.map(({ message }) => message), order: [], label: undefined };
  const later = { ...plan, request: 'request-2', requestedAt: '2026-11-23T11:00:00.000Z' };
  const { state, order } = deploy(later, standing);
  return { order, label: state.resources.m?.desired.label, because: plan.actions.map(({ because }) => because) };
}
const [one, two] = [{ label: 'one' }, { label: 'two' }];

test('without a word about it a changed property is an update', () => {
  assert.deepEqual(update(text(''), one, two).order, ['update m']);
});

test('a resource whose condition does not hold is not there, comes when it holds, and goes again', () => {
  const blueprint = text('condition: ${input.wanted}');
  const without = { wanted: false, label: 'one' };

  assert.deepEqual(deployed(blueprint, without).resources, {});
  assert.deepEqual(update(blueprint, without, { wanted: true, label: 'one' }).order, ['create m']);
  assert.deepEqual(update(blueprint, { wanted: true, label: 'one' }, without).order, ['delete m']);
});

test('ignoreChanges leaves alone what stands, forceRecreate makes it anew each time', () => {
  assert.deepEqual(update(text('ignoreChanges: true'), one, two).order, []);
  const anew = update(text('forceRecreate: true'), one, one);
  assert.deepEqual(anew.order, ['delete m', 'create m']);
  assert.match(anew.because![0]!, /m has `forceRecreate`/);
});

test('single properties are left as they are, or need a new resource when they change', () => {
  const kept = update(text('ignorePropertiesOnUpdate: [label]'), one, two);
  assert.deepEqual([kept.order, kept.label], [[], 'one']);
  const anew = update(text('recreatePropertiesOnUpdate: [label]'), one, two);
  assert.deepEqual([anew.order, anew.label], [['delete m', 'create m'], 'two']);
  assert.match(anew.because![0]!, /changes its label, which only a new one can have/);
});

test('instances come one after the other where each waits for the one before it', () => {
  const plan = changes(text('dependsOnPreviousInstances: true\n    count: 3'), { ...one, wanted: true });
  assert.ok(!('refused' in plan));
  assert.deepEqual(
    plan.actions.map(({ after }) => after),
    [[], ['create m[0]'], ['create m[1]']],
  );
});

test('uuid() is the same in every request, wherever it is read, and others elsewhere', () => {
  const blueprint = `
variables: {token: "\${uuid()}"}
resources:
  a: {type: Cloud.Machine, properties: {image: ubuntu, flavor: small, own: "\${uuid()}", shared: "\${variable.token}"}}
  b: {type: Cloud.Machine, properties: {image: ubuntu, flavor: small, own: "\${uuid()}", shared: "\${variable.token}"}}
`;
  const standing = deployed(blueprint, {});
  const { a, b } = standing.resources;
  assert.equal(a!.desired.shared, b!.desired.shared);
  assert.notEqual(a!.desired.own, b!.desired.own);
  const plan = changes(blueprint, {}, standing);
  assert.ok(!('refused' in plan));
  const again = deploy({ ...plan, request: 'request-2', requestedAt: '2026-11-24T00:00:00.000Z' }, standing);
  assert.deepEqual(again.order, [], 'nothing has changed');
});

test('env is known when a request is placed', () => {
  const plan = changes(
    'resources:\n  m: {type: Cloud.Machine, count: "${env.blueprintName == \'Tito\' ? 2 : 0}", properties: {image: ubuntu, flavor: small}}\n',
  );
  assert.ok(!('refused' in plan));
  assert.equal(plan.actions.length, 2);
});
