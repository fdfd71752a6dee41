import type { Instant } from '../core/instant.ts';
import { type JsonObject, stableText } from '../core/json.ts';
import type { Deployment, DeploymentEvent, DeploymentPlan } from './deployment.ts';

/** One accepted request of a deployment, and how it stands. */
export interface PastRequest {
  plan: DeploymentPlan;
  status: Deployment['status'];
  message: string;
  at: Instant;
  endedAt?: Instant;
  /** Who called it off, and when. */
  cancelled?: { by: string; at: Instant };
  /** Steps that have ended. */
  ended: number;
  outputs: JsonObject;
}

/** The requests of a deployment, oldest first, as its events tell. */
export function pastRequests(events: readonly DeploymentEvent[]): PastRequest[] {
  const requests: PastRequest[] = [];
  for (const event of events) {
    if (event.type === 'deployment-requested') {
      requests.push({
        plan: event.plan,
        status: `${event.plan.kind}_INPROGRESS`,
        message: '',
        at: event.at,
        ended: 0,
        outputs: {},
      });
    } else if (event.type === 'action-done' || event.type === 'action-failed') {
      requests.at(-1)!.ended += 1;
    } else if (event.type === 'deployment-cancelled') {
      requests.at(-1)!.cancelled = { by: event.by, at: event.at };
    } else if (event.type === 'deployment-finished') {
      const { status, message, at: endedAt, outputs } = event;
      Object.assign(requests.at(-1)!, { status, message, endedAt, outputs });
    }
  }
  return requests;
}

/**
 * What a rollback goes back to: after a failure the last request that succeeded, otherwise the one before that, so that each
 * further rollback goes one step further. Undefined where there is nothing earlier.
 */
export function earlierPlan(requests: readonly Pick<PastRequest, 'plan' | 'status'>[]): DeploymentPlan | undefined {
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
