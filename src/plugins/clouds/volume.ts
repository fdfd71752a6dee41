import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { removeTree } from '../../host/processes.ts';
import {
  type CloudOutcome,
  defineAction,
  defineCloudResource,
  type ResourceAction,
  type ResourceContext,
} from '../../sdk/cloud.ts';
import { filledText, integer } from '../../sdk/fields.ts';
import { shortHash } from './short-hash.ts';

const prefix = '/resources/disks/';

/** Where disks of a local cloud lie: a directory each, named by identity. */
export interface Disks {
  directory: string;
}

const placeOf = ({ directory }: Disks, identity: string): string => join(directory, 'disks', shortHash(identity));

/** A disk is a directory: machines that attach it find it under `/mnt`, by its name. */
export const volume = (accountType: string, disks: Disks) =>
  defineCloudResource({
    type: 'Cloud.Volume',
    accountType,
    title: 'Disk (local)',
    summary: 'A directory that outlives the machine it is attached to. Its capacity is told, and not enforced.',
    properties: z.looseObject({ capacityGb: integer('Gigabytes.', 1) }),
    attributes: { id: 'Identity.', capacityGb: 'Gigabytes.' },
    async create({ capacityGb }, { identity }) {
      mkdirSync(placeOf(disks, identity), { recursive: true, mode: 0o755 });
      return { done: { id: `${prefix}${identity}`, capacityGb } };
    },
    update: async ({ capacityGb }, before) => ({ done: { ...before, capacityGb } }),
    async destroy(_, { identity }) {
      removeTree(placeOf(disks, identity));
      return { done: {} };
    },
    actions: {
      Resize: defineAction({
        title: 'Resize',
        summary: 'Gives the disk another capacity.',
        input: z.object({ capacityGb: integer('Gigabytes.', 1) }),
        sets: ({ capacityGb }) => ({ capacityGb }),
        run: async ({ capacityGb }) => ({ done: { capacityGb } }),
      }),
    },
    worksHere: true,
    read: async (_, { identity }) => (existsSync(placeOf(disks, identity)) ? {} : 'gone'),
  });

export interface MachineDisk {
  name: string;
  directory: string;
}

/** The disks that a machine attaches: their name, and their directory. */
function attachedDisks(disks: Disks, attached: Json | undefined): MachineDisk[] {
  return (Array.isArray(attached) ? attached.filter(isObject) : []).flatMap(({ source }) => {
    const identity = typeof source === 'string' && source.startsWith(prefix) ? source.slice(prefix.length) : undefined;
    const instance = identity?.split('/').at(-2);
    return identity && instance
      ? [{ name: instance.replace(/[^\w-]+/g, '-').replace(/-$/, ''), directory: placeOf(disks, identity) }]
      : [];
  });
}

/** All disks of a machine: those that it attaches, and those that were added to it and go with it. @throws Error where one is gone */
export function disksOf(disks: Disks, known: JsonObject, own: string): MachineDisk[] {
  const added = addedDisks(known).map(({ name }) => ({ name, directory: join(own, 'disks', name) }));
  const attached = attachedDisks(disks, known.attachedDisks);
  const missing = attached.find(({ directory }) => !existsSync(directory));
  if (missing) throw new Error(`The disk ${missing.name} that it attaches is not there.`);
  for (const { directory } of added) mkdirSync(directory, { recursive: true, mode: 0o755 });
  return [...attached, ...added];
}

/** Disks that were taken from a machine are gone when nothing leads to them any more. */
export function forgetDisks(known: JsonObject, own: string): void {
  const place = join(own, 'disks');
  const names = addedDisks(known).map(({ name }) => name);
  for (const name of existsSync(place) ? readdirSync(place) : [])
    if (!names.includes(name)) removeTree(join(place, name));
}

const addedDisks = ({ addedDisks: added }: JsonObject): { name: string; capacityGb: number }[] =>
  (Array.isArray(added) ? added.filter(isObject) : []).map(({ name, capacityGb }) => ({
    name: String(name),
    capacityGb: Number(capacityGb ?? 0),
  }));

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

/** Makes the links under `/mnt` of a machine of processes what they should be. */
export function linkDisks(root: string, disks: MachineDisk[]): void {
  const mount = join(root, 'mnt');
  mkdirSync(mount, { recursive: true });
  for (const name of readdirSync(mount))
    if (lstatSync(join(mount, name)).isSymbolicLink()) unlinkSync(join(mount, name));
  for (const { name, directory } of disks) symlinkSync(directory, join(mount, name));
}
