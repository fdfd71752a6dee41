import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes } from '../../test/blueprints.ts';
import { deploy, deployed } from '../../test/deployer.ts';
import type { JsonObject } from '../core/json.ts';
import { resourceId } from './deployment.ts';
import { planDelete } from './removal.ts';

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
  const standing = deployed(blueprint, { image: 'ubuntu' });
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

test('with createBeforeDelete the new one stands before the old one goes, which is told apart from it', () => {
  const blueprint = `
inputs: {image: {type: string, default: ubuntu}}
resources:
  m: {type: Cloud.Machine, createBeforeDelete: true, properties: {image: "\${input.image}", flavor: small}}
  b: {type: Cloud.LoadBalancer, properties: {instances: ["\${resource.m.id}"]}}
`;
  const standing = deployed(blueprint, { image: 'ubuntu' });
  const old = standing.resources.m!;
  const plan = changes(blueprint, { image: 'tito' }, standing);
  assert.ok(!('refused' in plan));
  const later = { ...plan, request: 'request-2', requestedAt: '2026-11-23T11:00:00.000Z' };
  const seen: string[] = [];
  const { state, order } = deploy(later, standing, ({ id, instance }, desired) => {
    seen.push(`${id} ${String(desired.instances ?? desired.image)}`);
    return { kind: 'done', properties: { id: `new ${instance}` } };
  });

  assert.deepEqual(order, ['create m', 'update b', 'delete m (replaced)']);
  assert.deepEqual(seen, ['create m tito', 'update b new m', 'delete m (replaced) ubuntu']);
  assert.deepEqual(Object.keys(state.resources), ['m', 'b']);
  assert.notEqual(state.resources.m!.generation, old.generation);
});

test('where the new one fails, the old one is not touched, and goes with a later update', () => {
  const blueprint =
    'inputs: {image: {type: string, default: ubuntu}}\nresources:\n  m: {type: Cloud.Machine, createBeforeDelete: true, properties: {image: "${input.image}", flavor: small}}';
  const standing = deployed(blueprint, { image: 'ubuntu' });
  const plan = changes(blueprint, { image: 'tito' }, standing);
  assert.ok(!('refused' in plan));
  const failed = deploy({ ...plan, request: 'r2', requestedAt: '2026-11-23T11:00:00.000Z' }, standing, () => ({
    kind: 'failed',
    message: 'no room',
  })).state;
  assert.deepEqual(Object.keys(failed.resources).sort(), ['m', 'm (replaced)']);
  assert.equal(resourceId('d', failed.resources['m (replaced)']!), resourceId('d', standing.resources.m!));

  const again = changes(blueprint, { image: 'tito' }, failed);
  assert.ok(!('refused' in again));
  const { state, order } = deploy({ ...again, request: 'r3', requestedAt: '2026-11-23T12:00:00.000Z' }, failed);
  assert.deepEqual(order.toSorted(), ['create m', 'delete m', 'delete m (replaced)']);
  assert.ok(order.indexOf('delete m (replaced)') > order.indexOf('create m'), 'what still works goes last');
  assert.deepEqual(Object.keys(state.resources), ['m']);
});

/** `m` was to be made anew with `tito`; the new one, or the removal of the old one, failed. */
function halfReplaced(fails: 'create m' | 'delete m (replaced)') {
  const blueprint = `
inputs: {image: {type: string, default: ubuntu}}
resources:
  m: {type: Cloud.Machine, createBeforeDelete: true, properties: {image: "\${input.image}", flavor: small}}`;
  const standing = deployed(blueprint, { image: 'ubuntu' });
  const plan = changes(blueprint, { image: 'tito' }, standing);
  assert.ok(!('refused' in plan));
  const { state } = deploy({ ...plan, request: 'r2', requestedAt: '2026-11-23T11:00:00.000Z' }, standing, ({ id }) =>
    id === fails ? { kind: 'failed', message: 'no' } : { kind: 'done', properties: { id } },
  );
  return { blueprint, state };
}

test('a deployment that is deleted with its replacement half done loses both', () => {
  const { state } = halfReplaced('create m');
  const plan = planDelete(state, 'r3', 'fritz', '2026-11-23T12:00:00.000Z');
  const { state: gone, order } = deploy(plan, state);

  assert.deepEqual(order.toSorted(), ['delete m', 'delete m (replaced)']);
  assert.deepEqual(gone.resources, {});
});

test('an old one that could not be removed is not taken for the new one, and each later one has a name of its own', () => {
  const { blueprint, state } = halfReplaced('delete m (replaced)');
  const again = changes(blueprint, { image: 'ubuntu' }, state);
  assert.ok(!('refused' in again));
  const { order, state: after } = deploy({ ...again, request: 'r3', requestedAt: '2026-11-23T12:00:00.000Z' }, state);

  assert.deepEqual(order.toSorted(), ['create m', 'delete m (replaced)', 'delete m (replaced) (replaced)']);
  assert.deepEqual(Object.keys(after.resources), ['m']);
  assert.equal(after.resources.m!.desired.image, 'ubuntu');
});

test('a resource that may not be removed is named also where only the replaced one is left', () => {
  const { state } = halfReplaced('create m');
  const { m: _, ...resources } = state.resources;
  state.plan.blueprint.resources.m!.preventDelete = true;
  const plan = changes('resources: {}', {}, { ...state, resources });

  assert.ok('refused' in plan);
  assert.match(plan.refused[0]!.message, /^m \(replaced\) has `preventDelete`/);
});

test('each step has the time that its resource says, or two hours', () => {
  const deadlines = (keys: string) =>
    deploy(changes(text(keys), one) as never, null, () => undefined).state.resources.m!.deadline;

  assert.equal(deadlines('createTimeout: 45m'), 1000 + 45 * 60_000);
  assert.equal(deadlines(''), 1000 + 2 * 3_600_000);
});
