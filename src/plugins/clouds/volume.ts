import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isObject, type Json } from '../../core/json.ts';
import { removeTree } from '../../host/processes.ts';
import { defineAction, defineCloudResource } from '../../sdk/cloud.ts';
import { integer } from '../../sdk/fields.ts';
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

/** The disks that a machine attaches: their name, and their directory. */
export function attachedDisks(disks: Disks, attached: Json | undefined): { name: string; directory: string }[] {
  return (Array.isArray(attached) ? attached.filter(isObject) : []).flatMap(({ source }) => {
    const identity = typeof source === 'string' && source.startsWith(prefix) ? source.slice(prefix.length) : undefined;
    const instance = identity?.split('/').at(-2);
    return identity && instance
      ? [{ name: instance.replace(/[^\w-]+/g, '-').replace(/-$/, ''), directory: placeOf(disks, identity) }]
      : [];
  });
}

/** Makes the links under `/mnt` of a machine of processes what they should be. */
export function linkDisks(root: string, attached: { name: string; directory: string }[]): void {
  const mount = join(root, 'mnt');
  mkdirSync(mount, { recursive: true });
  for (const name of readdirSync(mount))
    if (lstatSync(join(mount, name)).isSymbolicLink()) unlinkSync(join(mount, name));
  for (const { name, directory } of attached) symlinkSync(directory, join(mount, name));
}
