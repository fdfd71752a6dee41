import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isObject, type JsonObject } from '../../../core/json.ts';
import { readJson, writeAtomic } from '../../../host/processes.ts';
import { type CloudOutcome, defineCloudResource, type ResourceContext } from '../../../sdk/cloud.ts';
import { text } from '../../../sdk/fields.ts';
import { diskActions } from '../disk-actions.ts';
import { remoteAccessUser } from '../local/cloud-config.ts';
import { hostName, staticAddress } from '../local/machine.ts';
import { labelAction, powerActions, resizeAction } from '../power.ts';
import { keepGroups } from '../security-rules.ts';
import { snapshotActions } from '../snapshots.ts';
import { disksOf, forgetDisks } from '../volume.ts';
import { applyGroups } from './firewall.ts';
import { networkMode } from './network.ts';
import {
  bootNeeds,
  type ContainerSite,
  destroyThing,
  ensureRunning,
  labelsOf,
  limits,
  machineImage,
  patiently,
  placeOf,
  readPower,
  sharedDirectories,
} from './place.ts';
import { lookAtBoot } from './readiness.ts';
import { keepOrder, keptOrder, type Order, remake, stopped } from './remake.ts';
import { containerSnapshots } from './snapshots.ts';
import { userDataFor } from './user-data.ts';

const pollSeconds = 0.2;
export const containerMachine = (site: ContainerSite, bootWithin: number) =>
  defineCloudResource({
    type: 'Cloud.Machine',
    accountType: 'container',
    title: 'Machine (container profile)',
    summary: 'A container that boots systemd, the genuine cloud-init and sshd.',
    properties: z.looseObject({
      image: text('Name of an image mapping; its `container` names the image.'),
      flavor: text('Name of a flavor mapping.').default(''),
      cloudConfig: z
        .union([z.string(), z.record(z.string(), z.json())])
        .describe('`#cloud-config`, all of it, or a script.')
        .default(''),
      remoteAccess: z.looseObject({}).describe('Who may log in by SSH.').default({}),
    }),
    attributes: {
      id: 'Identity.',
      address: 'Its address on the network of the engine.',
      ssh: '`address:port` of its SSH server.',
      hostname: 'Its host name.',
      powerState: 'ON or OFF.',
    },
    async create({ cloudConfig, remoteAccess, networks, ...given }, context) {
      const written = typeof cloudConfig === 'string' ? cloudConfig : JSON.stringify(cloudConfig);
      const { userData, vendorData, diagnostics } = userDataFor(written, remoteAccessUser(remoteAccess as JsonObject));
      const [fault] = diagnostics;
      if (fault)
        return {
          failed: `Machine ${context.instance}: line ${fault.line} of its cloudConfig: ${fault.message}`,
        };
      const docker = await site.engine.open();
      const { name, shared } = placeOf(site, context.identity);
      const [seed, cloud] = [join(shared, 'seed'), join(shared, 'cloud')];
      sharedDirectories(seed, cloud);
      const hostname = hostName(context);
      if (!existsSync(join(seed, 'meta-data'))) {
        writeAtomic(join(seed, 'user-data'), userData);
        writeAtomic(join(seed, 'vendor-data'), vendorData);
        writeAtomic(
          join(seed, 'meta-data'),
          JSON.stringify({ 'instance-id': context.identity, 'local-hostname': hostname }),
        );
      }
      const [nic] = Array.isArray(networks) ? networks : [];
      const address = staticAddress(networks);
      const mode = networkMode(site, isObject(nic) ? nic.network : undefined, context.neighbours);
      const image = String(context.image?.container ?? machineImage);
      const { Env, HostConfig } = await bootNeeds(docker);
      try {
        const order: Order = {
          name,
          Image: image,
          Hostname: hostname,
          Labels: labelsOf(site, context),
          Env,
          HostConfig: {
            ...HostConfig,
            Binds: [
              ...(HostConfig.Binds ?? []),
              `${seed}:/var/lib/cloud/seed/nocloud:ro`,
              `${cloud}:/var/lib/cloud/data`,
              ...(await bindsOf(site, given as JsonObject, shared, context.project)),
            ],
            ...(mode ? { NetworkMode: mode } : {}),
            Memory: memoryOf(context),
            Ulimits: limits,
          },
          ...(mode && address
            ? { NetworkingConfig: { EndpointsConfig: { [mode]: { IPAMConfig: { IPv4Address: address } } } } }
            : {}),
        };
        keepOrder(shared, order);
        keepGroups(shared, networks);
        await ensureRunning(docker, order);
        await applyGroups(site, context.identity, context);
      } catch (thrown) {
        return { failed: `Machine ${context.instance}: ${refusal(thrown, image)}` };
      }
      return { wait: { until: Date.now() + bootWithin }, seconds: pollSeconds };
    },
    async poll(ticket, context) {
      const until = isObject(ticket) ? Number(ticket.until) : 0;
      const again = { wait: ticket, seconds: pollSeconds };
      return patiently(() => lookAtBoot(site, context, until, again), again, until);
    },
    /** Another flavor and other disks need a new container; what was switched off stays so, and what is down without that comes up. */
    update(given, before, context) {
      keepGroups(placeOf(site, context.identity).shared, given.networks);
      return asOrdered(site, given as JsonObject, before, context, bootWithin);
    },
    destroy: async (_, context) => destroyThing(site, context),
    worksHere: true,
    read: (_, { identity }) => readPower(site, identity),
    actions: {
      ...labelAction,
      ...powerActions({
        on: (_, context) => start(site, context, bootWithin),
        off: async (_, context) => {
          await stop(site, context);
          return { done: { powerState: 'OFF' } };
        },
        async reboot(_, context) {
          const { shared } = placeOf(site, context.identity);
          const mark = join(shared, 'rebooted.json');
          // A start that is repeated must not stop what it has started.
          if (readJson(mark) !== context.key) {
            await stop(site, context);
            writeAtomic(mark, JSON.stringify(context.key));
          }
          return start(site, context, bootWithin);
        },
      }),
      ...snapshotActions(
        containerSnapshots(site, async (before, context) =>
          before.powerState === 'OFF' ? { done: {} } : start(site, context, bootWithin),
        ),
      ),
      ...resizeAction((before, context) => asOrdered(site, before, before, context, bootWithin)),
      ...diskActions(async (before, context) => {
        const outcome = await asOrdered(site, before, before, context, bootWithin);
        forgetDisks(before, placeOf(site, context.identity).shared);
        return outcome;
      }),
    },
  });

async function start(site: ContainerSite, context: ResourceContext, bootWithin: number): Promise<CloudOutcome> {
  const docker = await site.engine.open();
  const { name, shared } = placeOf(site, context.identity);
  const container = docker.getContainer(name);
  const { State } = await container.inspect();
  if (!State.Running) {
    // Said anew by each start.
    rmSync(join(shared, 'cloud', 'result.json'), { force: true });
    await container.start();
  }
  await applyGroups(site, context.identity, context);
  return { wait: { until: Date.now() + bootWithin }, seconds: pollSeconds };
}

async function stop(site: ContainerSite, { identity }: ResourceContext): Promise<void> {
  const docker = await site.engine.open();
  await stopped(docker.getContainer(placeOf(site, identity).name));
}

const memoryOf = ({ flavor }: ResourceContext): number => Number(flavor?.memoryMb ?? 0) * 2 ** 20;

/** Disks are directories of this machine, bound under `/mnt`. */
const bindsOf = async (site: ContainerSite, known: JsonObject, shared: string, project: string): Promise<string[]> =>
  (await disksOf(site, known, shared, project)).map(({ name, directory }) => `${directory}:/mnt/${name}`);
const isDisk = (bind: string): boolean => /:\/mnt\//.test(bind);

/** Sees to the memory and the disks that a machine shall have, and that it is on where it was not switched off. */
async function asOrdered(
  site: ContainerSite,
  wanted: JsonObject,
  before: JsonObject,
  context: ResourceContext,
  bootWithin: number,
): Promise<CloudOutcome> {
  const { shared } = placeOf(site, context.identity);
  const [memory, binds] = [memoryOf(context), await bindsOf(site, wanted, shared, context.project)];
  const host = keptOrder(shared)?.HostConfig ?? {};
  const isSame = host.Memory === memory && host.Binds?.filter(isDisk).join() === binds.join();
  if (!isSame) await remake(site, context, (order) => reordered(order, memory, binds));
  return before.powerState === 'OFF' ? { done: {} } : start(site, context, bootWithin);
}

/** The same machine with another amount of memory and other disks. */
function reordered(order: Order, memory: number, disks: string[]): Order {
  const { HostConfig = {} } = order;
  const others = (HostConfig.Binds ?? []).filter((bind) => !isDisk(bind));
  return { ...order, HostConfig: { ...HostConfig, Memory: memory, Binds: [...others, ...disks] } };
}

/** What the engine said against it, in words. */
export function refusal(thrown: unknown, image: string): string {
  const { statusCode, json, message } = thrown as { statusCode?: number; json?: { message?: string }; message: string };
  if (statusCode === 404)
    return `the engine has no image ${image}. Make it: npm run machine-image; or name another one in the zone's image mapping (container: NAME).`;
  return `the container engine refused it: ${json?.message ?? message}`;
}
