import { type Deployment, isBusy, isDeleted } from '../blueprint/deployment.ts';
import { MillraceError } from '../core/error.ts';
import { type Instant, toIso } from '../core/instant.ts';
import type { DeploymentDesk } from './deployments.ts';
import type { EngineParts } from './parts.ts';

/** Milliseconds: people hear of the end of a lease so long before it, and all is kept so long after it. */
const day = 24 * 3_600_000;

/**
 * Ends what nobody wants any longer: a day before the end of a lease its owner is told, at its end the machines are switched off,
 * and a day later everything is removed. Every node looks; what it asks for has a key that follows from the lease, so it is done once.
 */
export async function lookAtLeases({ store, moment }: EngineParts, desk: DeploymentDesk): Promise<void> {
  const now = moment.now();
  for (const { id, body } of await store.list('lease')) {
    if (now < Number(body.endsAt) - day) continue;
    const deployment = await desk.read(id);
    if (!deployment || isDeleted(deployment) || deployment.leaseExpiresAt === undefined)
      await store.remove('lease', id);
    else if (!isBusy(deployment)) await lookAt(deployment, deployment.leaseExpiresAt);
  }

  async function lookAt({ id, name, project, notices = [] }: Deployment, ends: Instant): Promise<void> {
    if (now < ends - day) return;
    if (now < ends) {
      if (!notices.includes('lease-ends'))
        await desk.tell(
          id,
          'lease-ends',
          `The lease of ${name} ends at ${toIso(ends)}: its machines are switched off then.`,
        );
    } else if (now < ends + day) {
      if (notices.includes('lease-ended')) return;
      await desk.expire(`${id}/lease/${ends}`, id);
      await desk.tell(id, 'lease-ended', `The lease of ${name} has ended. It is removed at ${toIso(ends + day)}.`);
    } else if (!notices.includes('lease-removed')) {
      await desk.tell(id, 'lease-removed', `The lease of ${name} ended a day ago: it is removed.`);
      try {
        await desk.request(`${id}/lease/${ends}/removed`, {
          ...{ action: 'DELETE', project, deploymentName: name },
          ...{ inputs: {}, allowDestroy: true, requestedBy: 'system' },
        });
      } catch (thrown) {
        // What may not be deleted stays, and people hear why.
        if (!(thrown instanceof MillraceError)) throw thrown;
        await desk.tell(id, 'lease-kept', thrown.message);
      }
    }
  }
}
