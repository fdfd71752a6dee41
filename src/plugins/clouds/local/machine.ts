import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../../../core/json.ts';
import { ownedProcess, readJson, writeAtomic } from '../../../host/processes.ts';
import { type CloudOutcome, defineCloudResource, type ResourceContext } from '../../../sdk/cloud.ts';
import { text } from '../../../sdk/fields.ts';
import { diskActions } from '../disk-actions.ts';
import { labelAction, powerActions, resizeAction } from '../power.ts';
import { keepGroups } from '../security-rules.ts';
import { snapshotActions } from '../snapshots.ts';
import { disksOf, forgetDisks, linkDisks } from '../volume.ts';
import { type CloudConfig, readCloudConfig, remoteAccessUser } from './cloud-config.ts';
import { applyRules } from './firewall.ts';
import type { MachineOrder, MachineStatus } from './machine-process.ts';
import { destroy, lastLines, startProgram } from './programs.ts';
import type { Site } from './site.ts';
import { localSnapshots } from './snapshots.ts';

const sshPort = 2222;
const controlPort = 2221;
const pollSeconds = 0.1;

export const machine = (site: Site, bootWithin: number) =>
  defineCloudResource({
    type: 'Cloud.Machine',
    accountType: 'local',
    title: 'Machine (process profile)',
    summary: 'A directory, a loopback address, an SSH server and real processes.',
    properties: z.looseObject({
      image: text('Name of an image mapping.'),
      flavor: text('Name of a flavor mapping.').default(''),
      cloudConfig: z
        .union([z.string(), z.record(z.string(), z.json())])
        .describe('A strict part of `#cloud-config`.')
        .default(''),
      remoteAccess: z.looseObject({}).describe('Who may log in by SSH.').default({}),
      tags: z
        .array(z.looseObject({ key: z.string().describe('Name.'), value: z.string().describe('Value.').default('') }))
        .describe('Labels.')
        .default([]),
    }),
    attributes: {
      id: 'Identity.',
      address: 'Its loopback address.',
      ssh: '`address:port` of its SSH server.',
      hostname: 'Its host name.',
      powerState: 'ON or OFF.',
    },
    async create({ cloudConfig, remoteAccess, ...given }, context) {
      const parsed = readCloudConfig(typeof cloudConfig === 'string' ? cloudConfig : JSON.stringify(cloudConfig), {
        packages: listOf(context.image?.packages),
      });
      const [fault] = parsed.diagnostics;
      if (fault)
        return {
          failed:
            `Machine ${context.instance}: line ${fault.line} of its cloudConfig: ${fault.message} ${fault.hint ?? ''}`.trim(),
        };
      const config: CloudConfig = {
        ...parsed.config,
        hostname: parsed.config.hostname || hostName(context),
        users: [...parsed.config.users, ...remoteAccessUser(remoteAccess as JsonObject)],
      };
      const { identity, instance, deploymentName: deployment } = context;
      const { directory, address } = site.claim(
        { identity, instance, deployment, kind: 'machine' },
        staticAddress(given.networks),
      );
      if (!existsSync(join(directory, 'order.json'))) {
        const order: MachineOrder = {
          address,
          sshPort,
          controlPort,
          token: randomBytes(18).toString('hex'),
          memoryMb: Number(context.flavor?.memoryMb ?? 256),
          environment: isObject(context.image?.environment)
            ? (context.image.environment as Record<string, string>)
            : {},
          cloudConfig: config,
        };
        writeAtomic(join(directory, 'order.json'), JSON.stringify(order));
      }
      keepGroups(directory, given.networks);
      linkDisks(join(directory, 'root'), await disksOf(site, given as JsonObject, directory, context.project));
      return boot(site, context, bootWithin);
    },
    poll: async (ticket, context) => lookAtMachine(site, ticket, context, bootWithin),
    /** A flavor is changed in place; what was switched off stays so, and what is down without that comes up again. */
    async update(given, before, context) {
      const found = site.find(context.identity);
      if (!found) return { failed: `Machine ${context.instance}: its directory is gone.` };
      await resize(site, found.directory, context);
      keepGroups(found.directory, given.networks);
      await applyRules(site);
      linkDisks(
        join(found.directory, 'root'),
        await disksOf(site, given as JsonObject, found.directory, context.project),
      );
      return before.powerState === 'OFF' ? { done: before } : boot(site, context, bootWithin);
    },
    destroy: async (_, context) => destroy(site, context),
    worksHere: true,
    async read(_, { identity }) {
      const found = site.find(identity);
      if (!found) return 'gone';
      return { powerState: ownedProcess(found.directory, 'machine') ? 'ON' : 'OFF' };
    },
    actions: {
      ...labelAction,
      ...powerActions({
        on: async (_, context) => boot(site, context, bootWithin),
        off: async (_, context) => ((await stop(site, context)) ? { done: { powerState: 'OFF' } } : gone(context)),
        reboot: async (_, context) => {
          const found = site.find(context.identity);
          // A start that is repeated must not stop what it has started.
          if (found && readJson(join(found.directory, 'rebooted.json')) !== context.key) {
            await site.stop(found.directory);
            writeAtomic(join(found.directory, 'rebooted.json'), JSON.stringify(context.key));
          }
          return boot(site, context, bootWithin);
        },
      }),
      ...snapshotActions(
        localSnapshots(site, async (before, context) =>
          before.powerState === 'OFF' ? { done: {} } : boot(site, context, bootWithin),
        ),
      ),
      ...diskActions(async (before, context) => {
        const found = site.find(context.identity);
        if (!found) return gone(context);
        linkDisks(join(found.directory, 'root'), await disksOf(site, before, found.directory, context.project));
        forgetDisks(before, found.directory);
        return { done: {} };
      }),
      ...resizeAction(async (before, context) => {
        const found = site.find(context.identity);
        if (!found) return gone(context);
        await resize(site, found.directory, context);
        return before.powerState === 'OFF' ? { done: {} } : boot(site, context, bootWithin);
      }),
    },
  });

/** The address that was given to its first interface. */
export function staticAddress(networks: unknown): string {
  const [first] = Array.isArray(networks) ? networks : [];
  return isObject(first) && typeof first.address === 'string' ? first.address : '';
}

const gone = ({ instance }: ResourceContext): CloudOutcome => ({
  failed: `Machine ${instance}: its directory is gone.`,
});

/** Starts what is down; what runs is waited for. */
async function boot(site: Site, context: ResourceContext, bootWithin: number): Promise<CloudOutcome> {
  const found = site.find(context.identity);
  if (!found) return gone(context);
  const { directory } = found;
  if (!ownedProcess(directory, 'machine')) rmSync(join(directory, 'status.json'), { force: true });
  await applyRules(site);
  startProgram(directory, 'machine', './machine-process.ts');
  return { wait: { identity: context.identity, until: Date.now() + bootWithin }, seconds: pollSeconds };
}

async function stop(site: Site, { identity }: ResourceContext): Promise<boolean> {
  const found = site.find(identity);
  if (found) await site.stop(found.directory);
  return found !== undefined;
}

/** Another amount of memory needs a new start; the same changes nothing. What was broken off before it was written is done again. */
async function resize(site: Site, directory: string, { flavor }: ResourceContext): Promise<void> {
  const order = readJson<MachineOrder>(join(directory, 'order.json'))!;
  const memoryMb = Number(flavor?.memoryMb ?? order.memoryMb);
  if (memoryMb === order.memoryMb) return;
  await site.stop(directory);
  writeAtomic(join(directory, 'order.json'), JSON.stringify({ ...order, memoryMb }));
}

async function lookAtMachine(
  site: Site,
  ticket: Json,
  { instance, identity }: ResourceContext,
  bootWithin: number,
): Promise<CloudOutcome> {
  const found = site.find(identity);
  if (!found) return { failed: `Machine ${instance}: its directory is gone.` };
  const { directory, card } = found;
  const status = readJson<MachineStatus>(join(directory, 'status.json'));
  if (status?.state === 'failed')
    return { failed: `Machine ${instance} (${card.address}) did not start: ${status.message}.` };
  if (status?.state === 'ready') {
    const order = readJson<MachineOrder>(join(directory, 'order.json'))!;
    const { hostname } = order.cloudConfig;
    return {
      done: {
        id: `/resources/compute/${identity}`,
        address: card.address,
        ssh: `${card.address}:${sshPort}`,
        hostname,
        resourceName: hostname,
        powerState: 'ON',
        osType: 'LINUX',
        componentType: 'Cloud.Machine',
        account: 'local',
        networks: [{ name: 'loopback', address: card.address }],
      },
    };
  }
  const mark = ownedProcess(directory, 'machine');
  if (!mark)
    return {
      failed: `Machine ${instance} (${card.address}) did not start: its process ended. Last lines: ${lastLines(join(directory, 'machine.log'))}`,
    };
  const until = isObject(ticket) ? Number(ticket.until) : 0;
  if (Date.now() > until)
    return {
      failed: `Machine ${instance} (${card.address}) was not ready within ${bootWithin / 1000} s. Last lines: ${lastLines(join(directory, 'boot.log'))}`,
    };
  return { wait: ticket, seconds: pollSeconds };
}

const listOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);
/** What a machine is called, by its deployment and its place there. */
export const hostName = ({
  deploymentName,
  instance,
  name = `${deploymentName}-${instance}`,
}: ResourceContext): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
