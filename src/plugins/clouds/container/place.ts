import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { messageOf } from '../../../core/error.ts';
import { readJson, removeTree } from '../../../host/processes.ts';
import type { CloudOutcome, ResourceContext } from '../../../sdk/cloud.ts';
import { shortHash } from '../short-hash.ts';
import { type ContainerEngine, isAway, statusOf } from './engine.ts';

/** Where things of the container profile live on this machine. */
export interface ContainerSite {
  engine: ContainerEngine;
  directory: string;
}

/** What `npm run machine-image` makes: all roles boot it. */
export const machineImage = 'localhost/millrace-machine';
/** Said for each container: what an engine asks for by itself may be more than the machine allows. */
export const limits = [
  { Name: 'nofile', Soft: 8192, Hard: 8192 },
  { Name: 'nproc', Soft: 4096, Hard: 4096 },
];

/** The container of a thing and the directory that it shares with us; both named by its identity. */
export function placeOf({ directory }: ContainerSite, identity: string): { name: string; shared: string } {
  const hash = shortHash(`${directory} ${identity}`);
  return { name: `millrace-${hash}`, shared: join(directory, hash) };
}

/** The identity of a machine, from what it shares with us: cloud-init reads it there as well. */
export const identityIn = (shared: string): string =>
  readJson<{ 'instance-id': string }>(join(shared, 'seed', 'meta-data'))?.['instance-id'] ?? '';

const thing = 'io.millrace.thing';
/** The labels that say whose a container is. */
export const belongsTo = { deployment: 'io.millrace.deployment', instance: 'io.millrace.instance' };
/** Every thing carries them, so that people and tests find what belongs to whom. */
export const labelsOf = (site: ContainerSite, context: ResourceContext): Record<string, string> => ({
  [thing]: placeOf(site, context.identity).name,
  'io.millrace.site': site.directory,
  [belongsTo.deployment]: context.deploymentName,
  [belongsTo.instance]: context.instance,
});

/** Milliseconds for an engine that went away in the middle of a call to come back. */
const comesBackWithin = 30_000;

/**
 * Makes the container or finds the one that was made before, and sees to it that it runs; once more where the engine goes away
 * meanwhile.
 */
export async function ensureRunning(docker: Docker, order: Docker.ContainerCreateOptions): Promise<void> {
  const until = Date.now() + comesBackWithin;
  for (;;) {
    try {
      return await makeRunning(docker, order);
    } catch (thrown) {
      if (!isAway(thrown) || Date.now() > until) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function makeRunning(docker: Docker, order: Docker.ContainerCreateOptions): Promise<void> {
  const container = docker.getContainer(order.name!);
  try {
    const { State } = await container.inspect();
    if (!State.Running) await container.start();
  } catch (thrown) {
    if (statusOf(thrown) !== 404) throw thrown;
    await docker.createContainer(order);
    await container.start();
  }
}

/**
 * What a container needs beside its image to boot systemd. podman sees to it by itself; Docker gives it no place to write and no
 * control groups, so it shares those of this machine.
 */
export async function bootNeeds(
  docker: Docker,
): Promise<{ Env: string[]; HostConfig: Docker.HostConfig & { CgroupnsMode?: string } }> {
  const { Components = [] } = (await docker.version()) as { Components?: { Name: string }[] };
  if (Components.some(({ Name }) => Name.startsWith('Podman'))) return { Env: [], HostConfig: {} };
  return {
    Env: ['container=docker'],
    HostConfig: {
      Tmpfs: { '/run': '', '/run/lock': '', '/tmp': 'exec' },
      CgroupnsMode: 'host',
      Binds: ['/sys/fs/cgroup:/sys/fs/cgroup:rw'],
    },
  };
}

export function sharedDirectories(...paths: string[]): void {
  for (const path of paths) mkdirSync(path, { recursive: true, mode: 0o755 });
}

/** The container that told a machine its rules: one that was cut off in this keeps the machine from being removed. */
export const helperOf = (name: string): string => `${name}-rules`;

/** What is not there is gone: a second call after a crash is done at once. */
export async function destroyThing(
  site: ContainerSite,
  { identity, instance }: ResourceContext,
): Promise<CloudOutcome> {
  const { name, shared } = placeOf(site, identity);
  const docker = await site.engine.open();
  const gone = async (removal: Promise<unknown>): Promise<void> => {
    try {
      await removal;
    } catch (thrown) {
      if (statusOf(thrown) !== 404) throw thrown;
    }
  };
  try {
    await gone(docker.getContainer(helperOf(name)).remove({ force: true }));
    await gone(docker.getContainer(name).remove({ force: true, v: true }));
    for (const { Id } of await imagesOf(site, identity)) await gone(docker.getImage(Id).remove({ force: true }));
  } catch (thrown) {
    return { failed: `${instance} could not be removed: ${messageOf(thrown)}` };
  }
  removeTree(shared);
  return { done: {} };
}

/** Whether a container runs, or is not there any more. */
export async function readPower(site: ContainerSite, identity: string): Promise<{ powerState: string } | 'gone'> {
  const docker = await site.engine.open();
  try {
    const { State } = await docker.getContainer(placeOf(site, identity).name).inspect();
    return { powerState: State.Running ? 'ON' : 'OFF' };
  } catch (thrown) {
    if (statusOf(thrown) !== 404) throw thrown;
    return 'gone';
  }
}

/** What was kept of a machine: snapshots, and what it was made anew from. An image has the labels of the container that it is of. */
export async function imagesOf(site: ContainerSite, identity: string): Promise<Docker.ImageInfo[]> {
  const docker = await site.engine.open();
  return docker.listImages({ filters: { label: [`${thing}=${placeOf(site, identity).name}`] } });
}

/** The last lines that a container wrote, for the one sentence that explains why it is gone. */
export async function lastWords(docker: Docker, name: string): Promise<string> {
  try {
    const logs = await docker.getContainer(name).logs({ stdout: true, stderr: true, tail: 3, follow: false });
    return textOf(logs).trim().split('\n').slice(-3).join(' / ') || 'none.';
  } catch {
    return 'none.';
  }
}

/** What a command in the container printed: for words to people, never for work. */
export async function told(docker: Docker, name: string, command: string[]): Promise<string> {
  try {
    const made = await docker.getContainer(name).exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
    const stream = await made.start({});
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return textOf(Buffer.concat(chunks)).trim();
  } catch {
    return '';
  }
}

/** Frames of the API: a header of eight bytes, whose last four count what follows. */
function textOf(frames: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= frames.length; ) {
    const size = frames.readUInt32BE(at + 4);
    parts.push(frames.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A look that failed because the engine was away is made again, until the time is up. */
export async function patiently(
  look: () => Promise<CloudOutcome>,
  again: CloudOutcome & { wait: unknown },
  until: number,
): Promise<CloudOutcome> {
  try {
    return await look();
  } catch (thrown) {
    if (isAway(thrown) && Date.now() < until) return { ...again, seconds: 1 };
    throw thrown;
  }
}
