import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes, titoText } from '../../test/blueprints.ts';
import { deploy, deployed } from '../../test/deployer.ts';
import type { JsonObject } from '../core/json.ts';
import { decideDeployment } from './deploy.ts';
import type { Deployment, DeploymentPlan } from './deployment.ts';
import { planDelete } from './removal.ts';

const inputs: JsonObject = { repository: 'http://git/tito', revision: 'abcdef0', count: 2, workers: 8, googleKey: '' };

function plan(given: JsonObject = inputs, existing: Deployment | null = null, text = titoText): DeploymentPlan {
  const made = changes(text, given, existing);
  if ('refused' in made) throw new Error(JSON.stringify(made.refused));
  return {
    ...made,
    request: existing ? 'request-2' : 'request-1',
    requestedAt: `2026-11-23T10:0${existing ? 1 : 0}:00Z`,
  };
}

test('resources are made as soon as what they need stands, and outputs are read at the end', () => {
  const { state, order } = deploy(plan());

  assert.equal(state.status, 'CREATE_SUCCESSFUL');
  assert.deepEqual(order, ['create net', 'create db', 'create web[0]', 'create web[1]', 'create balancer']);
  assert.match(String(state.outputs.url), /^http:\/\/10\.0\.0\.\d+:8080$/);
});

test('a resource reads what the cloud said about the one before it', () => {
  const { state } = deploy(plan());
  const address = state.resources.db?.properties.address;

  assert.match(String(state.resources['web[0]']?.desired.cloudConfig), new RegExp(`DATABASE=${address}:5000`));
  assert.deepEqual(state.resources.balancer?.desired.instances, [
    state.resources['web[0]']?.properties.id,
    state.resources['web[1]']?.properties.id,
  ]);
});

test('an update that changes nothing touches nothing', () => {
  const standing = deployed(titoText, inputs);
  const { state, order } = deploy(plan(inputs, standing), standing);

  assert.deepEqual(order, []);
  assert.equal(state.status, 'UPDATE_SUCCESSFUL');
  assert.deepEqual(state.resources, standing.resources);
});

test('a scale-out makes the third machine and then tells the balancer', () => {
  const standing = deployed(titoText, inputs);
  const { state, order } = deploy(plan({ ...inputs, count: 3 }, standing), standing);

  assert.deepEqual(order, ['create web[2]', 'update balancer']);
  assert.equal((state.resources.balancer!.desired.instances as string[]).length, 3);
});

test('a scale-in takes the machine from the balancer before it is removed', () => {
  const standing = deployed(titoText, { ...inputs, count: 3 });
  const { state, order } = deploy(plan({ ...inputs, count: 2 }, standing), standing);

  assert.deepEqual(order, ['update balancer', 'delete web[2]']);
  assert.equal(state.resources['web[2]'], undefined);
});

test('after a failure nothing new is begun, what runs may end, and the deployment says why', () => {
  const { state, order } = deploy(plan(), null, ({ instance }) =>
    instance === 'db'
      ? { kind: 'failed', message: 'Machine db never booted.' }
      : { kind: 'done', properties: { id: instance } },
  );

  assert.equal(state.status, 'CREATE_FAILED');
  assert.equal(state.message, 'Machine db never booted.');
  assert.ok(!order.includes('create web[0]'));
  assert.equal(state.resources.db?.status, 'TAINTED');
});

test('the next request makes anew what went wrong, under another generation', () => {
  const { state: broken } = deploy(plan(), null, ({ instance }) =>
    instance === 'db'
      ? { kind: 'failed', message: 'no' }
      : { kind: 'done', properties: { id: instance, address: '10.1.1.1' } },
  );
  const { state, order } = deploy(plan(inputs, broken), broken);

  assert.equal(state.status, 'UPDATE_SUCCESSFUL');
  assert.deepEqual(order.slice(0, 2), ['delete db', 'create db']);
  assert.ok(state.resources.db!.generation > broken.resources.db!.generation);
});

test('a delete removes dependents first, and goes on with the rest when one of them fails', () => {
  const standing = deployed(titoText, inputs);
  const whole = deploy(planDelete(standing, 'request-2', 'ann', ''), standing);
  assert.equal(whole.state.status, 'DELETE_SUCCESSFUL');
  assert.equal(whole.order[0], 'delete balancer');
  assert.deepEqual(whole.state.resources, {});

  const broken = deploy(planDelete(standing, 'request-2', 'ann', ''), standing, ({ instance }) =>
    instance === 'web[0]' ? { kind: 'failed', message: 'it holds on' } : { kind: 'done', properties: {} },
  );
  assert.equal(broken.state.status, 'DELETE_FAILED');
  assert.ok(broken.order.includes('delete web[1]'));
  assert.ok(broken.state.resources['web[0]']);
});

test('a property that has no value fails its resource with its name', () => {
  const text =
    'resources:\n  a:\n    type: Cloud.Machine\n    properties:\n      name: "${to_number(resource.b.address)}"\n  b:\n    type: Cloud.Machine\n';
  const { state } = deploy(plan({}, null, text), null, () => ({ kind: 'done', properties: { address: 'no number' } }));

  assert.equal(state.status, 'CREATE_FAILED');
  assert.match(state.message, /Resource a: to_number\(\): "no number" is not a number/);
});

test('late and repeated reports, and requests to a busy deployment, decide nothing', () => {
  const standing = deployed(titoText, inputs);
  const late = decideDeployment(
    standing,
    { type: 'report', request: 'request-1', action: 'create db', report: { kind: 'failed', message: 'x' } },
    { now: 5, newId: () => '' },
  );
  assert.deepEqual(late.events, []);

  const { state: busy } = deploy(plan(), null, () => undefined);
  const second = decideDeployment(
    busy,
    {
      type: 'request',
      id: 'deployment-1',
      name: 'tito-1',
      project: 'Tito',
      host: 'here',
      plan: { ...plan(), request: 'other' },
    },
    { now: 5, newId: () => '' },
  );
  assert.deepEqual(second.events, []);
});

test('an action that takes time is polled with its ticket', () => {
  const { state } = deploy(plan({}, null, 'resources: {a: {type: Cloud.Machine}}'), null, () => undefined);
  const { commands } = decideDeployment(
    state,
    {
      type: 'report',
      request: 'request-1',
      action: 'create a',
      report: { kind: 'running', ticket: { pid: 7 }, pollAfter: 300 },
    },
    { now: 5000, newId: () => '' },
  );

  assert.deepEqual(commands, [
    {
      do: 'poll-action',
      request: 'request-1',
      action: 'create a',
      ticket: { pid: 7 },
      key: 'request-1/create a/poll',
      due: 5300,
    },
  ]);
});

test('a request that is called off begins nothing new, and ends when what is under way has ended', () => {
  const { state } = deploy(plan(), null, ({ id }) =>
    id === 'create net' ? { kind: 'done', properties: { id: 'net-1' } } : undefined,
  );
  const say = (before: Deployment, message: Parameters<typeof decideDeployment>[1]) =>
    decideDeployment(before, message, { now: 3000, newId: () => 'id' });

  const cancelled = say(state, { type: 'cancel', request: 'request-1', by: 'ann' }).state;
  assert.equal(cancelled.status, 'CREATE_INPROGRESS', 'the database is still being made');
  assert.deepEqual(say(cancelled, { type: 'cancel', request: 'request-1', by: 'bob' }).events, []);
  assert.deepEqual(say(state, { type: 'cancel', request: 'another', by: 'ann' }).events, []);

  const report = { kind: 'done' as const, properties: { id: 'db-1' } };
  const ended = say(cancelled, { type: 'report', request: 'request-1', action: 'create db', report });
  assert.deepEqual(ended.commands, []);
  assert.equal(ended.state.status, 'CREATE_FAILED');
  assert.equal(ended.state.message, 'Cancelled by ann.');
  assert.equal(ended.state.resources.db!.status, 'OK');

  const again = deploy({ ...plan(inputs, ended.state), request: 'request-2' }, ended.state);
  assert.equal(again.state.status, 'UPDATE_SUCCESSFUL');
  assert.equal(again.state.cancelled, undefined);
  assert.deepEqual(again.order, ['create web[0]', 'create web[1]', 'create balancer']);
});

test('what is called off when everything was done already has succeeded', () => {
  const last = plan().actions.at(-1)!.id;
  const { state } = deploy(plan(), null, ({ id, instance }) =>
    id === last ? undefined : { kind: 'done', properties: { id: `${instance}-1`, address: '10.0.0.9' } },
  );
  const moment = { now: 3000, newId: () => 'id' };
  const cancelled = decideDeployment(state, { type: 'cancel', request: 'request-1', by: 'ann' }, moment).state;
  const report = { kind: 'done' as const, properties: { id: 'b' } };
  const ended = decideDeployment(cancelled, { type: 'report', request: 'request-1', action: last, report }, moment);
  assert.equal(ended.state.status, 'CREATE_SUCCESSFUL');
});

test('a plan that was made for what stands no more is not taken', () => {
  const standing = deployed(titoText, inputs);
  const ask = (after: string) =>
    decideDeployment(
      standing,
      {
        ...{ type: 'request', id: standing.id, name: 'tito-1', project: 'Tito', host: 'here', after },
        plan: plan({ ...inputs, count: 3 }, standing),
      },
      { now: 3000, newId: () => 'id' },
    );

  assert.deepEqual(ask('another request').events, []);
  assert.equal(ask(standing.plan.request).state.status, 'UPDATE_INPROGRESS');
});
