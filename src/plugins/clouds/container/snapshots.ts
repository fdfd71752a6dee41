import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../../core/json.ts';
import { readJson, writeAtomic } from '../../../host/processes.ts';
import type { CloudOutcome, ResourceContext } from '../../../sdk/cloud.ts';
import type { Snapshot, SnapshotKeeper } from '../snapshots.ts';
import { type ContainerSite, placeOf } from './place.ts';
import { forgetImage, keepImage, remake } from './remake.ts';

const tagOf = ({ id }: Snapshot): string => `snapshot-${id}`;

/** A snapshot of a container is an image of it; what it is called lies beside the container. */
export function containerSnapshots(
  site: ContainerSite,
  waitFor: (before: JsonObject, context: ResourceContext) => Promise<CloudOutcome>,
): SnapshotKeeper {
  const place = (identity: string) => placeOf(site, identity).shared;
  const read = (identity: string): Snapshot[] => readJson<Snapshot[]>(join(place(identity), 'snapshots.json')) ?? [];
  const write = (identity: string, all: Snapshot[]) =>
    writeAtomic(join(place(identity), 'snapshots.json'), JSON.stringify(all));
  return {
    async list({ identity }) {
      return existsSync(place(identity)) ? read(identity) : undefined;
    },
    async take(snapshot, { identity }) {
      await keepImage(site, identity, tagOf(snapshot));
      write(identity, [...read(identity), snapshot]);
    },
    async revert(snapshot, before, context) {
      const image = `localhost/${placeOf(site, context.identity).name}:${tagOf(snapshot)}`;
      await remake(site, context, (order) => order, image);
      return waitFor(before, context);
    },
    async remove(snapshot, { identity }) {
      write(
        identity,
        read(identity).filter(({ id }) => id !== snapshot.id),
      );
      await forgetImage(site, identity, tagOf(snapshot));
    },
  };
}
