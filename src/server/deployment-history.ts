import type { DeploymentEvent } from '../blueprint/deployment.ts';
import { toIso } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { titleOf } from './views.ts';

/** The steps of one request: each is told when it begins and when it ends. */
export function stepsOf(history: readonly DeploymentEvent[], request: string): JsonObject[] {
  const steps: JsonObject[] = [];
  let plan: (DeploymentEvent & { type: 'deployment-requested' })['plan'] | undefined;
  for (const event of history) {
    if (event.type === 'deployment-requested') plan = event.plan;
    if (plan?.request !== request) continue;
    const isStep = event.type === 'action-started' || event.type === 'action-done' || event.type === 'action-failed';
    const action = isStep ? plan.actions.find(({ id }) => id === event.action) : undefined;
    const word = { 'action-started': 'IN_PROGRESS', 'action-done': 'FINISHED', 'action-failed': 'FAILED' };
    const what = action ? action.does.toUpperCase() : 'REQUEST';
    const name =
      event.type === 'deployment-requested'
        ? 'REQUEST_IN_PROGRESS'
        : event.type === 'deployment-finished'
          ? `REQUEST_${event.status.endsWith('FAILED') ? 'FAILED' : 'FINISHED'}`
          : isStep
            ? `${what}_${word[event.type]}`
            : undefined;
    if (!name || (event.type === 'action-done' && event.unchanged)) continue;
    steps.push({
      id: idOfKey(`${request}/event/${steps.length}`),
      ...{ name, timestamp: toIso(event.at), hasLogs: false, userEvent: false },
      details: 'message' in event ? event.message : (action?.because ?? ''),
      resourceName: action?.instance ?? '',
      resourceType: plan.target.find(({ instance }) => instance === action?.instance)?.type ?? '',
    });
  }
  return steps;
}

/** What people did, and what they were told. */
export function userEvents(history: readonly DeploymentEvent[]): JsonObject[] {
  const told: JsonObject[] = [];
  for (const event of history) {
    const common = {
      id: idOfKey(`${event.at}/${told.length}`),
      createdAt: toIso(event.at),
      resourceIds: [],
      outputs: {},
    };
    if (event.type === 'deployment-requested')
      told.push({
        ...{ ...common, requestId: event.plan.request, requestedBy: event.plan.requestedBy, inputs: {} },
        ...{ name: titleOf(event.plan.actionId ?? event.plan.kind), status: 'PENDING', details: '' },
      });
    if (event.type === 'deployment-finished' && told.length > 0)
      Object.assign(told.findLast(({ status }) => status === 'PENDING') ?? {}, {
        ...{
          status: event.status.endsWith('FAILED') ? 'FAILED' : 'SUCCESSFUL',
          details: event.message,
          updatedAt: toIso(event.at),
        },
      });
    if (event.type === 'deployment-edited')
      told.push({
        ...{ ...common, requestId: '', requestedBy: event.by, inputs: event.changes as unknown as JsonObject },
        ...{ name: 'Edit Deployment', status: 'SUCCESSFUL', details: '' },
      });
    if (event.type === 'deployment-cancelled')
      told.push({
        ...{ ...common, requestId: '', requestedBy: event.by, inputs: {} },
        ...{ name: 'Cancel', status: 'SUCCESSFUL', details: '' },
      });
    if (event.type === 'deployment-notice')
      told.push({
        ...{ ...common, requestId: '', requestedBy: 'system', inputs: {} },
        ...{ name: 'Notice', status: 'SUCCESSFUL', details: event.message },
      });
  }
  return told;
}
