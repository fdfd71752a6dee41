import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../core/json.ts';
import type { Deployment, DeploymentPlan } from './deployment.ts';
import { earlierPlan, type PastRequest, pastRequests } from './history.ts';

const asked = (
  request: string,
  inputs: JsonObject,
  status: Deployment['status'] = 'UPDATE_SUCCESSFUL',
  restores?: string,
): Pick<PastRequest, 'plan' | 'status'> => ({
  plan: { request, kind: 'UPDATE', blueprint: {}, inputs, restores } as unknown as DeploymentPlan,
  status,
});
const goesBackTo = (...requests: Pick<PastRequest, 'plan' | 'status'>[]) => earlierPlan(requests)?.request;

test('a rollback goes back to the request before the one that stands', () => {
  assert.equal(goesBackTo(asked('a', { count: 1 }), asked('b', { count: 2 })), 'a');
});

test('after a failed update it goes back to what stood before that update', () => {
  assert.equal(goesBackTo(asked('a', { count: 1 }), asked('b', { count: 2 }, 'UPDATE_FAILED')), 'a');
});

test('a second rollback goes one step further, and there is an end to it', () => {
  const three = [asked('a', { count: 1 }), asked('b', { count: 2 }), asked('c', { count: 3 })];
  const once = [...three, asked('d', { count: 2 }, 'UPDATE_SUCCESSFUL', 'b')];
  const twice = [...once, asked('e', { count: 1 }, 'UPDATE_SUCCESSFUL', 'a')];

  assert.deepEqual([goesBackTo(...three), goesBackTo(...once), goesBackTo(...twice)], ['b', 'a', undefined]);
});

test('an update after a rollback is a step like any other', () => {
  const requests = [
    asked('a', { count: 1 }),
    asked('b', { count: 2 }),
    asked('c', { count: 1 }, 'UPDATE_SUCCESSFUL', 'a'),
    asked('d', { count: 4 }),
  ];

  assert.equal(goesBackTo(...requests), 'a');
});

test('updates that changed nothing are no steps', () => {
  assert.equal(goesBackTo(asked('a', { count: 1 }), asked('b', { count: 2 }), asked('c', { count: 2 })), 'a');
});

test('where nothing ever stood there is nothing to go back to', () => {
  assert.equal(goesBackTo(asked('a', { count: 1 }, 'CREATE_FAILED')), undefined);
  assert.equal(goesBackTo(), undefined);
});

test('events tell the requests with their ends', () => {
  const { plan } = asked('a', { count: 1 });
  const requested = { type: 'deployment-requested', id: 'd', name: 'site', project: 'Tito', plan, at: 1 } as const;
  const finished = {
    type: 'deployment-finished',
    status: 'UPDATE_FAILED',
    message: 'no room',
    outputs: {},
    at: 2,
  } as const;

  assert.deepEqual(
    pastRequests([requested, finished, requested]).map(({ status, message }) => [status, message]),
    [
      ['UPDATE_FAILED', 'no room'],
      ['UPDATE_INPROGRESS', ''],
    ],
  );
});
