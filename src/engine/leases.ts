import { toIso } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import type { DeploymentDesk } from './deployments.ts';
import type { EngineParts } from './parts.ts';

/** Milliseconds: people hear of the end of a lease so long before it, and all is kept so long after it. */
const day = 24 * 3_600_000;

/**
 * Ends what nobody wants any longer: a day before the end of a lease its owner is told, at its end the machines are switched off,
 * and a day later everything is removed. Every node looks; what it asks for has a key that follows from the lease, so it is done once.
 */
export async function lookAtLeases(parts: EngineParts, desk: DeploymentDesk): Promise<void> {
  const now = parts.moment.now();
  for (const summary of await parts.store.summaries('deployment')) {
    const ends = Number(summary.leaseExpiresAt ?? 0);
    if (!ends || now < ends - day || summary.status === 'DELETE_SUCCESSFUL' || summary.busy === true) continue;
    await lookAt(String(summary.id), ends, summary);
  }

  async function lookAt(id: string, ends: number, summary: JsonObject): Promise<void> {
    const told = Array.isArray(summary.notices) ? summary.notices : [];
    const name = String(summary.name);
    if (now < ends) {
      if (!told.includes('lease-ends'))
        await desk.tell(
          id,
          'lease-ends',
          `The lease of ${name} ends at ${toIso(ends)}: its machines are switched off then.`,
        );
    } else if (now < ends + day) {
      if (told.includes('lease-ended')) return;
      await desk.expire(`${id}/lease/${ends}`, id);
      await desk.tell(id, 'lease-ended', `The lease of ${name} has ended. It is removed at ${toIso(ends + day)}.`);
    } else if (!told.includes('lease-removed')) {
      await desk.tell(id, 'lease-removed', `The lease of ${name} ended a day ago: it is removed.`);
      await desk.request(`${id}/lease/${ends}/removed`, {
        ...{ action: 'DELETE', project: String(summary.project), deploymentName: name },
        ...{ inputs: {}, allowDestroy: true, requestedBy: 'system' },
      });
    }
  }
}
