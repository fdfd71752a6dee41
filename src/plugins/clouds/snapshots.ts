import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { type CloudOutcome, defineAction, type ResourceAction, type ResourceContext } from '../../sdk/cloud.ts';
import { filledText, text } from '../../sdk/fields.ts';
import { shortHash } from './short-hash.ts';

export interface Snapshot {
  id: string;
  name: string;
  description: string;
  createdAt: string;
}

/** How one cloud keeps what its machines have written. */
export interface SnapshotKeeper {
  /** Oldest first; undefined where the machine is gone. */
  list(context: ResourceContext): Promise<Snapshot[] | undefined>;
  /** Whole or not there; the same id twice is one. */
  take(snapshot: Snapshot, context: ResourceContext): Promise<void>;
  /** Puts back what it was, and starts the machine anew where it was on. Idempotent by the key of the step. */
  revert(snapshot: Snapshot, before: JsonObject, context: ResourceContext): Promise<CloudOutcome>;
  remove(snapshot: Snapshot, context: ResourceContext): Promise<void>;
}

/** What a machine has written, kept as it was and put back. */
export function snapshotActions(keeper: SnapshotKeeper): Record<string, ResourceAction> {
  const named = z.object({ id: filledText('Id or name of the snapshot.') });
  const hasNone = ({ snapshots }: JsonObject) =>
    Array.isArray(snapshots) && snapshots.length > 0 ? undefined : 'it has no snapshot.';
  const withFound = async (
    context: ResourceContext,
    wanted: string,
    work: (found: Snapshot | undefined, all: Snapshot[]) => Promise<CloudOutcome>,
  ): Promise<CloudOutcome> => {
    const all = await keeper.list(context);
    if (!all) return { failed: `Machine ${context.instance} is gone.` };
    return work(
      all.find(({ id, name }) => id === wanted || name === wanted),
      all,
    );
  };
  const listed = async (context: ResourceContext): Promise<CloudOutcome> => ({
    done: { snapshots: ((await keeper.list(context)) ?? []) as unknown as JsonObject[] },
  });
  return {
    'Snapshot.Create': defineAction({
      title: 'Create snapshot',
      summary: 'Keeps what the machine has written, as it is now.',
      input: z.object({
        name: text('Its name.').default('snapshot'),
        description: text('What it is for.').default(''),
      }),
      run: ({ name, description }, _, context) => {
        const id = shortHash(context.key);
        return withFound(context, id, async (found) => {
          if (!found) await keeper.take({ id, name, description, createdAt: new Date().toISOString() }, context);
          return listed(context);
        });
      },
    }),
    'Snapshot.Revert': defineAction({
      title: 'Revert to snapshot',
      summary: 'Puts back what the machine had written then; what came since is lost.',
      input: named,
      refusal: hasNone,
      run: ({ id }, before, context) =>
        withFound(context, id, async (found, all) => {
          if (found) return keeper.revert(found, before, context);
          const names = all.map(({ name }) => name).join(', ') || 'none';
          return { failed: `${context.instance} has no snapshot ${id}; it has ${names}.` };
        }),
    }),
    'Snapshot.Delete': defineAction({
      title: 'Delete snapshot',
      summary: 'Forgets a snapshot.',
      input: named,
      refusal: hasNone,
      run: ({ id }, _, context) =>
        withFound(context, id, async (found) => {
          if (found) await keeper.remove(found, context);
          return listed(context);
        }),
    }),
  };
}
