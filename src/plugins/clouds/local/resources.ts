import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../../../core/json.ts';
import {
  isAlive,
  ownedProcess,
  readJson,
  removeTree,
  startOwned,
  stopOwned,
  writeAtomic,
} from '../../../host/processes.ts';
import {
  type CloudOutcome,
  type CloudResourceDefinition,
  defineCloudResource,
  type ResourceContext,
} from '../../../sdk/cloud.ts';
import { integer, text } from '../../../sdk/fields.ts';
import type { BalancerOrder, BalancerStatus } from './balancer-process.ts';
import { type CloudConfig, readCloudConfig, remoteAccessUser } from './cloud-config.ts';
import type { MachineOrder, MachineStatus } from './machine-process.ts';
import type { Site } from './site.ts';

const sshPort = 2222;
const controlPort = 2221;
const pollSeconds = 0.1;
const drainWithin = 30_000;

/** What of the server's own environment the processes of the local cloud may see. */
const environment = { PATH: process.env.PATH, LANG: 'C.UTF-8' };

/** The resources of the process profile: everything is a process of this machine, found again after a restart. */
export const localResources = (site: Site, bootWithin: number): CloudResourceDefinition[] => [
  machine(site, bootWithin),
  balancer(site),
  network(),
];

const machine = (site: Site, bootWithin: number) =>
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
        .array(z.looseObject({ key: z.string(), value: z.string().default('') }))
        .describe('Labels.')
        .default([]),
    }),
    attributes: {
      id: 'Identity.',
      address: 'Its loopback address.',
      ssh: '`address:port` of its SSH server.',
      hostname: 'Its host name.',
      powerState: 'ON.',
    },
    async create({ cloudConfig, remoteAccess }, context) {
      const parsed = readCloudConfig(
        typeof cloudConfig === 'string' ? cloudConfig : JSON.stringify(cloudConfig),
        { packages: listOf(context.image?.packages) },
      );
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
      const { directory, address } = site.claim({
        identity: context.identity,
        instance: context.instance,
        deployment: context.deploymentName,
        kind: 'machine',
      });
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
      startProgram(directory, 'machine', './machine-process.ts');
      return { wait: { identity: context.identity, until: Date.now() + bootWithin }, seconds: pollSeconds };
    },
    poll: async (ticket, context) => lookAtMachine(site, ticket, context, bootWithin),
    update: async (_, before) => ({ done: before }),
    destroy: async (_, context) => destroy(site, context),
  });

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
  if (!mark || !isAlive(mark))
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

const health = z.looseObject({
  urlPath: text('Path that answers below 400 when the instance is well.').default('/'),
  port: z.coerce.number().describe('Port of the check; the instance port when not given.').optional(),
  intervalSeconds: z.coerce.number().describe('Seconds between two checks.').default(1),
  timeoutSeconds: z.coerce.number().describe('Seconds after which a check has failed.').default(3),
  healthyThreshold: integer('Good checks in a row that make it healthy.').default(1),
  unhealthyThreshold: integer('Bad checks in a row that make it unhealthy.').default(3),
});

const balancer = (site: Site) =>
  defineCloudResource({
    type: 'Cloud.LoadBalancer',
    accountType: 'local',
    title: 'Load balancer (process profile)',
    summary: 'An HTTP load balancer with health checks and draining, as a process of its own.',
    properties: z.looseObject({
      instances: z
        .preprocess(
          (value) =>
            Array.isArray(value)
              ? value.flat(3).filter((item) => item !== null && item !== '')
              : value === null || value === ''
                ? []
                : [value],
          z.array(z.string()),
        )
        .describe('Ids of the machines: `${resource.web[*].id}`.'),
      routes: z
        .array(
          z.looseObject({
            port: integer('Port on which it listens.'),
            instancePort: integer('Port of the machines.').optional(),
            algorithm: text('ROUND_ROBIN or LEAST_CONNECTION.').default('ROUND_ROBIN'),
            healthCheckConfiguration: health.optional(),
          }),
        )
        .min(1),
      internetFacing: z.unknown().optional(),
      network: z.unknown().optional(),
    }),
    attributes: { id: 'Identity.', address: 'Its loopback address.' },
    async create(properties, context) {
      const { directory, address } = site.claim({
        identity: context.identity,
        instance: context.instance,
        deployment: context.deploymentName,
        kind: 'balancer',
      });
      if (!existsSync(join(directory, 'order.json')))
        writeOrder(directory, orderFor(site, address, properties, 1));
      startProgram(directory, 'balancer', './balancer-process.ts');
      return { wait: { revision: 1, until: Date.now() + drainWithin }, seconds: pollSeconds };
    },
    async update(properties, _, context) {
      const found = site.find(context.identity);
      if (!found) return { failed: `Load balancer ${context.instance}: its directory is gone.` };
      const before = readJson<BalancerOrder>(join(found.directory, 'order.json'));
      const order = orderFor(site, found.card.address, properties, (before?.revision ?? 1) + 1);
      writeOrder(found.directory, order);
      const mark = startProgram(found.directory, 'balancer', './balancer-process.ts');
      process.kill(mark.pid, 'SIGHUP');
      return { wait: { revision: order.revision, until: Date.now() + drainWithin }, seconds: pollSeconds };
    },
    async poll(ticket, { identity, instance }) {
      const found = site.find(identity);
      if (!found) return { failed: `Load balancer ${instance}: its directory is gone.` };
      const { revision, until } = ticket as { revision: number; until: number };
      const status = readJson<BalancerStatus>(join(found.directory, 'status.json'));
      if (status?.state === 'failed')
        return { failed: `Load balancer ${instance} did not start: ${status.message}.` };
      const isSettled =
        status &&
        status.revision >= revision &&
        status.members.every(({ draining, healthy }) => !draining && (healthy || revision === 1));
      if (isSettled || (status && status.revision >= revision && Date.now() > until))
        return {
          done: {
            id: `/resources/load-balancers/${identity}`,
            address: found.card.address,
            resourceName: instance,
          },
        };
      if (!ownedProcess(found.directory, 'balancer') || Date.now() > until)
        return {
          failed: `Load balancer ${instance} did not start. Last lines: ${lastLines(join(found.directory, 'balancer.log'))}`,
        };
      return { wait: ticket, seconds: pollSeconds };
    },
    destroy: async (_, context) => destroy(site, context),
  });

const network = () =>
  defineCloudResource({
    type: 'Cloud.Network',
    accountType: 'local',
    title: 'Network (process profile)',
    summary: 'The loopback network that every machine is on.',
    properties: z.looseObject({
      networkType: z
        .enum(['existing', 'public'])
        .describe('Nothing is made: the network exists.')
        .default('existing'),
    }),
    attributes: { id: 'Identity.', name: 'Its name.' },
    create: async (_, { identity }) => ({
      done: { id: `/resources/network/${identity}`, name: 'loopback', networkCidr: '127.0.0.0/8' },
    }),
    update: async (_, before) => ({ done: before }),
    destroy: async () => ({ done: {} }),
  });

function orderFor(
  site: Site,
  address: string,
  { instances, routes }: z.infer<ReturnType<typeof balancer>['properties']>,
  revision: number,
): BalancerOrder {
  const members = instances.map((id) => site.find(id.replace('/resources/compute/', ''))?.card.address ?? id);
  return {
    revision,
    address,
    members,
    routes: routes.map(({ port, instancePort = port, algorithm, healthCheckConfiguration }) => {
      const check = health.parse(healthCheckConfiguration ?? {});
      return {
        port,
        instancePort,
        algorithm: algorithm.toUpperCase(),
        health: {
          path: check.urlPath,
          port: check.port ?? instancePort,
          interval: check.intervalSeconds * 1000,
          timeout: check.timeoutSeconds * 1000,
          healthy: check.healthyThreshold,
          unhealthy: check.unhealthyThreshold,
        },
      };
    }),
  };
}

function startProgram(directory: string, name: string, program: string) {
  return startOwned({
    directory,
    name,
    command: [process.execPath, fileURLToPath(new URL(program, import.meta.url)), directory],
    environment,
  });
}

/** What is not there is gone: a second call after a crash is done at once. */
async function destroy(site: Site, { identity }: ResourceContext): Promise<CloudOutcome> {
  const found = site.find(identity);
  if (found) {
    await stopOwned(found.directory);
    removeTree(found.directory);
  }
  return { done: {} };
}

const writeOrder = (directory: string, order: BalancerOrder): void =>
  writeAtomic(join(directory, 'order.json'), JSON.stringify(order));
const listOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);
const hostName = ({ deploymentName, instance }: ResourceContext): string =>
  `${deploymentName}-${instance}`
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-3).join(' / ') || 'none.';
  } catch {
    return 'none.';
  }
}
