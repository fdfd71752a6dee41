import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { readJson, removeTree, writeAtomic } from '../../host/processes.ts';
import { type CloudOutcome, defineAction, defineCloudResource, type ResourceContext } from '../../sdk/cloud.ts';
import { integer } from '../../sdk/fields.ts';
import { shortHash } from './short-hash.ts';

const prefix = '/resources/disks/';

/** Where disks of a local cloud lie: a directory each, named by identity, and beside it whose it is. */
export interface Disks {
  directory: string;
}

const placeOf = ({ directory }: Disks, identity: string): string => join(directory, 'disks', shortHash(identity));
const ownerOf = (disks: Disks, identity: string): string => `${placeOf(disks, identity)}.json`;

/** Milliseconds that the end of a disk waits for the machines that hold it: they may be about to go as well. */
const heldAtMost = 20_000;

/**
 * A disk is a directory: machines that attach it find it under `/mnt`, by its name. `holders` tells which attach a directory now: a
 * disk is not removed under them. Those of its own deployment are waited for.
 */
export const volume = (accountType: string, disks: Disks, holders: (directory: string) => DiskHolder[]) => {
  const remove = (until: number, { identity, instance, deploymentId }: ResourceContext): CloudOutcome => {
    const isOwn = (holder: DiskHolder) => holder.identity.startsWith(`${deploymentId}/`);
    const found = holders(placeOf(disks, identity));
    const other = found.find((holder) => !isOwn(holder)) ?? found[0];
    if (other === undefined) {
      removeTree(placeOf(disks, identity));
      rmSync(ownerOf(disks, identity), { force: true });
      return { done: {} };
    }
    if (isOwn(other) && Date.now() < until) return { wait: { until }, seconds: 0.5 };
    const where = `machine ${other.instance} of deployment ${other.deployment}`;
    return { failed: `Disk ${instance} is attached to ${where}: detach it there first.` };
  };
  return defineCloudResource({
    type: 'Cloud.Volume',
    accountType,
    title: 'Disk (local)',
    summary: 'A directory that outlives the machine it is attached to. Its capacity is told, and not enforced.',
    properties: z.looseObject({ capacityGb: integer('Gigabytes.', 1) }),
    attributes: { id: 'Identity.', capacityGb: 'Gigabytes.' },
    async create({ capacityGb }, { identity, project }) {
      mkdirSync(placeOf(disks, identity), { recursive: true, mode: 0o755 });
      writeAtomic(ownerOf(disks, identity), JSON.stringify({ identity, project }));
      return { done: { id: `${prefix}${identity}`, capacityGb } };
    },
    update: async ({ capacityGb }, before) => ({ done: { ...before, capacityGb } }),
    destroy: async (_, context) => remove(Date.now() + heldAtMost, context),
    poll: async (ticket, context) => remove(isObject(ticket) ? Number(ticket.until) : 0, context),
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
};

/** A machine that attaches a disk. */
export interface DiskHolder {
  identity: string;
  instance: string;
  deployment: string;
}

export interface MachineDisk {
  name: string;
  directory: string;
}

/** The disks that a machine attaches: their name, their directory, and the project that they belong to where that is known. */
function attachedDisks(disks: Disks, attached: Json | undefined): (MachineDisk & { project: string | undefined })[] {
  return (Array.isArray(attached) ? attached.filter(isObject) : []).flatMap(({ source }) => {
    const identity = typeof source === 'string' && source.startsWith(prefix) ? source.slice(prefix.length) : undefined;
    const instance = identity?.split('/').at(-2);
    return identity && instance
      ? [
          {
            name: instance.replace(/[^\w-]+/g, '-').replace(/-$/, ''),
            directory: placeOf(disks, identity),
            project: readJson<{ project: string }>(ownerOf(disks, identity))?.project,
          },
        ]
      : [];
  });
}

/**
 * All disks of a machine: those that it attaches, and those that were added to it and go with it.
 * @throws Error where one is gone, or belongs to another project
 */
export function disksOf(disks: Disks, known: JsonObject, own: string, project: string): MachineDisk[] {
  const added = addedDisks(known).map(({ name }) => ({ name, directory: join(own, 'disks', name) }));
  const attached = attachedDisks(disks, known.attachedDisks);
  const missing = attached.find(({ directory }) => !existsSync(directory));
  if (missing) throw new Error(`The disk ${missing.name} that it attaches is not there.`);
  const foreign = attached.find((disk) => disk.project !== undefined && disk.project !== project);
  if (foreign) throw new Error(`The disk ${foreign.name} that it attaches belongs to another project.`);
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

export const addedDisks = ({ addedDisks: added }: JsonObject): { name: string; capacityGb: number }[] =>
  (Array.isArray(added) ? added.filter(isObject) : []).map(({ name, capacityGb }) => ({
    name: String(name),
    capacityGb: Number(capacityGb ?? 0),
  }));

/** Makes the links under `/mnt` of a machine of processes what they should be. */
export function linkDisks(root: string, disks: MachineDisk[]): void {
  const mount = join(root, 'mnt');
  mkdirSync(mount, { recursive: true });
  for (const name of readdirSync(mount))
    if (lstatSync(join(mount, name)).isSymbolicLink()) unlinkSync(join(mount, name));
  for (const { name, directory } of disks) symlinkSync(directory, join(mount, name));
}

/** Where the links of a machine of processes lead. */
export function linkedDisks(root: string): string[] {
  const mount = join(root, 'mnt');
  return (existsSync(mount) ? readdirSync(mount) : [])
    .map((name) => join(mount, name))
    .flatMap((path) => (lstatSync(path).isSymbolicLink() ? [readlinkSync(path)] : []));
}
