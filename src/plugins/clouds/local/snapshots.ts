import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { JsonObject } from '../../../core/json.ts';
import { readJson, removeTree, writeAtomic } from '../../../host/processes.ts';
import { type CloudOutcome, defineAction, type ResourceAction, type ResourceContext } from '../../../sdk/cloud.ts';
import { filledText, text } from '../../../sdk/fields.ts';
import { shortHash } from '../short-hash.ts';

const copy = promisify(execFile);

interface Snapshot {
  id: string;
  name: string;
  description: string;
  createdAt: string;
}

export interface SnapshotHands {
  /** The directory of the machine; undefined where it is gone. */
  directory(context: ResourceContext): string | undefined;
  stop(directory: string): Promise<void>;
  /** Starts it anew, where it was on. */
  start(before: JsonObject, context: ResourceContext): CloudOutcome;
}

/** What a machine has written, kept as it was and put back. A snapshot is whole or not there. */
export function snapshotActions({ directory, stop, start }: SnapshotHands): Record<string, ResourceAction> {
  const named = z.object({ id: filledText('Id or name of the snapshot.') });
  const hasNone = ({ snapshots }: JsonObject) =>
    Array.isArray(snapshots) && snapshots.length > 0 ? undefined : 'it has no snapshot.';
  const within = async (
    context: ResourceContext,
    work: (own: string) => Promise<CloudOutcome>,
  ): Promise<CloudOutcome> => {
    const own = directory(context);
    return own ? work(own) : { failed: `Machine ${context.instance}: its directory is gone.` };
  };
  return {
    'Snapshot.Create': defineAction({
      title: 'Create snapshot',
      summary: 'Keeps what the machine has written, as it is now.',
      input: z.object({
        name: text('Its name.').default('snapshot'),
        description: text('What it is for.').default(''),
      }),
      run: ({ name, description }, _, context) =>
        within(context, async (own) => {
          const id = shortHash(context.key);
          const place = join(own, 'snapshots', id);
          if (!existsSync(place)) {
            const part = `${place}.part`;
            removeTree(part);
            mkdirSync(part, { recursive: true, mode: 0o700 });
            await copy('cp', ['-a', join(own, 'root'), part]);
            const about: Snapshot = { id, name, description, createdAt: new Date().toISOString() };
            writeAtomic(join(part, 'about.json'), JSON.stringify(about));
            renameSync(part, place);
          }
          return { done: { snapshots: listed(own) } };
        }),
    }),
    'Snapshot.Revert': defineAction({
      title: 'Revert to snapshot',
      summary: 'Puts back what the machine had written then; what came since is lost.',
      input: named,
      refusal: hasNone,
      run: ({ id }, before, context) =>
        within(context, async (own) => {
          const found = find(own, id);
          if (!found) return unknown(own, id, context);
          if (readJson(join(own, 'reverted.json')) !== context.key) {
            await stop(own);
            removeTree(join(own, 'root'));
            await copy('cp', ['-a', join(own, 'snapshots', found.id, 'root'), own]);
            writeAtomic(join(own, 'reverted.json'), JSON.stringify(context.key));
          }
          return start(before, context);
        }),
    }),
    'Snapshot.Delete': defineAction({
      title: 'Delete snapshot',
      summary: 'Forgets a snapshot.',
      input: named,
      refusal: hasNone,
      run: ({ id }, _, context) =>
        within(context, async (own) => {
          const found = find(own, id);
          if (found) removeTree(join(own, 'snapshots', found.id));
          return { done: { snapshots: listed(own) } };
        }),
    }),
  };
}

function listed(own: string): JsonObject[] {
  const place = join(own, 'snapshots');
  const names = existsSync(place) ? readdirSync(place) : [];
  const all = names.flatMap((name) => readJson<Snapshot>(join(place, name, 'about.json')) ?? []);
  return all.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1)) as unknown as JsonObject[];
}

const find = (own: string, wanted: string): Snapshot | undefined =>
  (listed(own) as unknown as Snapshot[]).find(({ id, name }) => id === wanted || name === wanted);

const unknown = (own: string, wanted: string, { instance }: ResourceContext): CloudOutcome => ({
  failed: `${instance} has no snapshot ${wanted}; it has ${(listed(own) as unknown as Snapshot[]).map(({ name }) => name).join(', ') || 'none'}.`,
});
