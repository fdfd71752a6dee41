import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../core/error.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { readJson, writeAtomic } from '../../host/processes.ts';
import { type CloudOutcome, defineAction, defineCloudResource, type ResourceContext } from '../../sdk/cloud.ts';
import { integer } from '../../sdk/fields.ts';
import { ensureDisk, growDisk, removeDisk } from './disk-image.ts';
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
      removeDisk(placeOf(disks, identity));
      rmSync(ownerOf(disks, identity), { force: true });
      return { done: {} };
    }
    if (isOwn(other) && Date.now() < until) return { wait: { until }, seconds: 0.5 };
    const where = `machine ${other.instance} of deployment ${other.deployment}`;
    return { failed: `Disk ${instance} is attached to ${where}: detach it there first.` };
  };
  async function grow(capacityGb: number, before: JsonObject, { identity, instance, project }: ResourceContext) {
    const refusal = tooSmall(capacityGb, before);
    if (refusal) return { failed: `Disk ${instance}: ${refusal}` };
    try {
      const capacityEnforced = await growDisk(placeOf(disks, identity), capacityGb);
      writeAtomic(ownerOf(disks, identity), JSON.stringify({ identity, project, capacityGb }));
      return { done: { ...before, capacityGb, capacityEnforced } };
    } catch (thrown) {
      return { failed: `Disk ${instance}: ${messageOf(thrown)}` };
    }
  }
  return defineCloudResource({
    type: 'Cloud.Volume',
    accountType,
    title: 'Disk (local)',
    summary:
      'A directory that outlives the machine it is attached to. Where the server is root, it holds as much as its capacity, and no more; elsewhere that is told.',
    properties: z.looseObject({ capacityGb: integer('Gigabytes.', 1) }),
    attributes: {
      id: 'Identity.',
      capacityGb: 'Gigabytes.',
      capacityEnforced: 'Whether it can hold no more than that.',
    },
    async create({ capacityGb }, { identity, project }) {
      const capacityEnforced = await ensureDisk(placeOf(disks, identity), capacityGb);
      writeAtomic(ownerOf(disks, identity), JSON.stringify({ identity, project, capacityGb }));
      return { done: { id: `${prefix}${identity}`, capacityGb, capacityEnforced } };
    },
    update: async ({ capacityGb }, before, context) => grow(capacityGb, before, context),
    destroy: async (_, context) => remove(Date.now() + heldAtMost, context),
    poll: async (ticket, context) => remove(isObject(ticket) ? Number(ticket.until) : 0, context),
    actions: {
      Resize: defineAction({
        title: 'Resize',
        summary: 'Gives the disk a larger capacity.',
        input: z.object({ capacityGb: integer('Gigabytes.', 1) }),
        refusalOf: ({ capacityGb }, known) => tooSmall(capacityGb, known),
        sets: ({ capacityGb }) => ({ capacityGb }),
        run: async ({ capacityGb }, before, context) => grow(capacityGb, before, context),
      }),
    },
    worksHere: true,
    read: async (_, { identity }) => (existsSync(placeOf(disks, identity)) ? {} : 'gone'),
  });
};

/** As with the clouds: what is on a disk might not fit any more. */
const tooSmall = (wanted: number, { capacityGb }: JsonObject): string | undefined =>
  wanted < Number(capacityGb ?? 0)
    ? `it has ${Number(capacityGb)} GB and cannot become smaller; make another one of ${wanted} GB.`
    : undefined;

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

type AttachedDisk = MachineDisk & { project: string | undefined; capacityGb: number };

/** The disks that a machine attaches: their name, their directory, and the project that they belong to where that is known. */
function attachedDisks(disks: Disks, attached: Json | undefined): AttachedDisk[] {
  return (Array.isArray(attached) ? attached.filter(isObject) : []).flatMap(({ source }) => {
    const identity = typeof source === 'string' && source.startsWith(prefix) ? source.slice(prefix.length) : undefined;
    const instance = identity?.split('/').at(-2);
    if (!identity || !instance) return [];
    const { project, capacityGb = 1 } =
      readJson<{ project: string; capacityGb?: number }>(ownerOf(disks, identity)) ?? {};
    const name = instance.replace(/[^\w-]+/g, '-').replace(/-$/, '');
    return [{ name, directory: placeOf(disks, identity), project, capacityGb }];
  });
}

/**
 * All disks of a machine: those that it attaches, and those that were added to it and go with it.
 * @throws Error where one is gone, or belongs to another project
 */
export async function disksOf(disks: Disks, known: JsonObject, own: string, project: string): Promise<MachineDisk[]> {
  const added = addedDisks(known).map((disk) => ({ ...disk, directory: join(own, 'disks', disk.name) }));
  const attached = attachedDisks(disks, known.attachedDisks);
  const missing = attached.find(({ directory }) => !existsSync(directory));
  if (missing) throw new Error(`The disk ${missing.name} that it attaches is not there.`);
  const foreign = attached.find((disk) => disk.project !== undefined && disk.project !== project);
  if (foreign) throw new Error(`The disk ${foreign.name} that it attaches belongs to another project.`);
  const all = [...attached, ...added];
  for (const { directory, capacityGb } of all) await ensureDisk(directory, capacityGb);
  return all.map(({ name, directory }) => ({ name, directory }));
}

/** Disks that were taken from a machine are gone when nothing leads to them any more. */
export function forgetDisks(known: JsonObject, own: string): void {
  const place = join(own, 'disks');
  const names = addedDisks(known).map(({ name }) => name);
  for (const name of existsSync(place) ? readdirSync(place) : [])
    if (!names.includes(name.split('.')[0]!)) removeDisk(join(place, name.split('.')[0]!));
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
