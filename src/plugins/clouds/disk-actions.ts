import { z } from 'zod';
import { isObject, type JsonObject } from '../../core/json.ts';
import { type CloudOutcome, defineAction, type ResourceAction, type ResourceContext } from '../../sdk/cloud.ts';
import { filledText, integer } from '../../sdk/fields.ts';
import { addedDisks } from './volume.ts';

const attachments = ({ attachedDisks: attached }: JsonObject): JsonObject[] =>
  Array.isArray(attached) ? attached.filter(isObject) : [];

/** Disks that come and go while a machine stands; `apply` makes it have those that it shall have. */
export function diskActions(
  apply: (before: JsonObject, context: ResourceContext) => Promise<CloudOutcome>,
): Record<string, ResourceAction> {
  const name = z
    .string()
    .regex(/^[\w-]{1,40}$/, 'letters, digits, `_` and `-`, at most 40')
    .describe('Its name: the machine finds it under `/mnt/<name>`.');
  const source = filledText('Its id, as `${resource.disk.id}` gives it.');
  const has = (known: JsonObject, wanted: string) => addedDisks(known).some((disk) => disk.name === wanted);
  const isAttached = (known: JsonObject, wanted: string) => attachments(known).some((one) => one.source === wanted);
  return {
    'Add.Disk': defineAction({
      title: 'Add disk',
      summary: 'Gives the machine one more disk, which goes with it.',
      input: z.object({ name, capacityGb: integer('Gigabytes.', 1) }),
      refusalOf: (input, known) => (has(known, input.name) ? `it has a disk ${input.name} already.` : undefined),
      sets: (input, known) => ({ addedDisks: [...addedDisks(known), input] }),
      run: (_, before, context) => apply(before, context),
    }),
    'Remove.Disk': defineAction({
      title: 'Remove disk',
      summary: 'Takes away a disk that was added, with all that is on it.',
      input: z.object({ name }),
      refusal: (known) => (addedDisks(known).length > 0 ? undefined : 'no disk was added to it.'),
      refusalOf: (input, known) => (has(known, input.name) ? undefined : `no disk ${input.name} was added to it.`),
      sets: (input, known) => ({ addedDisks: addedDisks(known).filter((disk) => disk.name !== input.name) }),
      run: (_, before, context) => apply(before, context),
    }),
    'Attach.Disk': defineAction({
      title: 'Attach disk',
      summary: 'Attaches a disk that stands.',
      input: z.object({ source }),
      refusalOf: (input, known) => (isAttached(known, input.source) ? 'it is attached to it already.' : undefined),
      sets: (input, known) => ({ attachedDisks: [...attachments(known), input] }),
      run: (_, before, context) => apply(before, context),
    }),
    'Detach.Disk': defineAction({
      title: 'Detach disk',
      summary: 'Detaches a disk; what is on it stays.',
      input: z.object({ source }),
      refusal: (known) => (attachments(known).length > 0 ? undefined : 'no disk is attached to it.'),
      refusalOf: (input, known) => (isAttached(known, input.source) ? undefined : 'it is not attached to it.'),
      sets: (input, known) => ({ attachedDisks: attachments(known).filter((one) => one.source !== input.source) }),
      run: (_, before, context) => apply(before, context),
    }),
  };
}
