import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JsonObject } from '../../../core/json.ts';
import { readJson, removeTree, writeAtomic } from '../../../host/processes.ts';
import type { CloudOutcome, ResourceContext } from '../../../sdk/cloud.ts';
import type { Snapshot, SnapshotKeeper } from '../snapshots.ts';
import type { Site } from './site.ts';

const copy = promisify(execFile);

/** A snapshot of a machine of processes is a copy of its root directory, beside it. */
export function localSnapshots(
  site: Site,
  start: (before: JsonObject, context: ResourceContext) => Promise<CloudOutcome>,
): SnapshotKeeper {
  const directoryOf = ({ identity }: ResourceContext) => site.find(identity)!.directory;
  return {
    async list({ identity }) {
      const own = site.find(identity)?.directory;
      return own === undefined ? undefined : listed(own);
    },
    async take(snapshot, context) {
      const own = directoryOf(context);
      const place = join(own, 'snapshots', snapshot.id);
      const part = `${place}.part`;
      removeTree(part);
      mkdirSync(part, { recursive: true, mode: 0o700 });
      await copy('cp', ['-a', join(own, 'root'), part]);
      writeAtomic(join(part, 'about.json'), JSON.stringify(snapshot));
      renameSync(part, place);
    },
    async revert({ id }, before, context) {
      const own = directoryOf(context);
      if (readJson(join(own, 'reverted.json')) !== context.key) {
        await site.stop(own);
        removeTree(join(own, 'root'));
        await copy('cp', ['-a', join(own, 'snapshots', id, 'root'), own]);
        writeAtomic(join(own, 'reverted.json'), JSON.stringify(context.key));
      }
      return start(before, context);
    },
    async remove({ id }, context) {
      removeTree(join(directoryOf(context), 'snapshots', id));
    },
  };
}

function listed(own: string): Snapshot[] {
  const place = join(own, 'snapshots');
  const names = existsSync(place) ? readdirSync(place) : [];
  const all = names.flatMap((name) =>
    name.endsWith('.part') ? [] : (readJson<Snapshot>(join(place, name, 'about.json')) ?? []),
  );
  return all.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}
