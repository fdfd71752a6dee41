import { stableText } from '../core/json.ts';
import type { Deployment, DeploymentEvent, DeploymentPlan } from './deployment.ts';

/** One accepted request of a deployment, and how it stands. */
export interface PastRequest {
  plan: DeploymentPlan;
  status: Deployment['status'];
  message: string;
}

/** The requests of a deployment, oldest first, as its events tell. */
export function pastRequests(events: readonly DeploymentEvent[]): PastRequest[] {
  const requests: PastRequest[] = [];
  for (const event of events) {
    if (event.type === 'deployment-requested') {
      requests.push({ plan: event.plan, status: `${event.plan.kind}_INPROGRESS`, message: '' });
    } else if (event.type === 'deployment-finished') {
      Object.assign(requests.at(-1)!, { status: event.status, message: event.message });
    }
  }
  return requests;
}

/**
 * What a rollback goes back to: after a failure the last request that succeeded, otherwise the one before that, so that each
 * further rollback goes one step further. Undefined where there is nothing earlier.
 */
export function earlierPlan(requests: readonly PastRequest[]): DeploymentPlan | undefined {
  const standing: DeploymentPlan[] = [];
  for (const { plan, status } of requests) {
    if (!status.endsWith('_SUCCESSFUL')) continue;
    const restored = standing.findIndex(({ request }) => request === plan.restores);
    if (restored >= 0) standing.splice(restored + 1);
    else if (!isSame(plan, standing.at(-1))) standing.push(plan);
  }
  return requests.at(-1)?.status.endsWith('_FAILED') ? standing.at(-1) : standing.at(-2);
}

/** An update that changed nothing is no step to go back over. */
function isSame(plan: DeploymentPlan, other: DeploymentPlan | undefined): boolean {
  const asked = ({ blueprint, inputs }: DeploymentPlan) => stableText({ blueprint, inputs } as never);
  return other !== undefined && asked(plan) === asked(other);
}
