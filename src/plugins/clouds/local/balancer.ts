import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { ownedProcess, readJson, writeAtomic } from '../../../host/processes.ts';
import { defineCloudResource } from '../../../sdk/cloud.ts';
import type { BalancerOrder, BalancerStatus } from './balancer-process.ts';
import { balancerProperties, routesOf } from './balancer-properties.ts';
import { destroy, lastLines, startProgram } from './programs.ts';
import type { Site } from './site.ts';

const pollSeconds = 0.1;
/** Milliseconds for leaving members to answer what they have begun. */
const drainWithin = 30_000;

export const balancer = (site: Site) =>
  defineCloudResource({
    type: 'Cloud.LoadBalancer',
    accountType: 'local',
    title: 'Load balancer (process profile)',
    summary: 'An HTTP load balancer with health checks and draining, as a process of its own.',
    properties: balancerProperties,
    attributes: { id: 'Identity.', address: 'Its loopback address.', powerState: 'ON or OFF.' },
    async create(properties, context) {
      const { directory, address } = site.claim({
        identity: context.identity,
        instance: context.instance,
        deployment: context.deploymentName,
        kind: 'balancer',
      });
      if (!existsSync(join(directory, 'order.json'))) writeOrder(directory, orderFor(site, address, properties, 1));
      // What one that has ended left behind says nothing about this one.
      if (!ownedProcess(directory, 'balancer')) rmSync(join(directory, 'status.json'), { force: true });
      startProgram(directory, 'balancer', './balancer-process.ts');
      return { wait: { revision: 1, until: Date.now() + drainWithin }, seconds: pollSeconds };
    },
    async update(properties, _, context) {
      const found = site.find(context.identity);
      if (!found) return { failed: `Load balancer ${context.instance}: its directory is gone.` };
      const before = readJson<BalancerOrder>(join(found.directory, 'order.json'));
      const order = orderFor(site, found.card.address, properties, (before?.revision ?? 1) + 1);
      writeOrder(found.directory, order);
      // One that begins reads its order by itself, and does not know signals yet.
      const running = ownedProcess(found.directory, 'balancer');
      if (running) process.kill(running.pid, 'SIGHUP');
      else startProgram(found.directory, 'balancer', './balancer-process.ts');
      return { wait: { revision: order.revision, until: Date.now() + drainWithin }, seconds: pollSeconds };
    },
    async poll(ticket, { identity, instance }) {
      const found = site.find(identity);
      if (!found) return { failed: `Load balancer ${instance}: its directory is gone.` };
      const { revision, until } = ticket as { revision: number; until: number };
      const status = readJson<BalancerStatus>(join(found.directory, 'status.json'));
      if (status?.state === 'failed') return { failed: `Load balancer ${instance} did not start: ${status.message}.` };
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
            powerState: 'ON',
          },
        };
      if (!ownedProcess(found.directory, 'balancer') || Date.now() > until)
        return {
          failed: `Load balancer ${instance} did not start. Last lines: ${lastLines(join(found.directory, 'balancer.log'))}`,
        };
      return { wait: ticket, seconds: pollSeconds };
    },
    destroy: async (_, context) => destroy(site, context),
    worksHere: true,
    async read(_, { identity }) {
      const found = site.find(identity);
      if (!found) return 'gone';
      return { powerState: ownedProcess(found.directory, 'balancer') ? 'ON' : 'OFF' };
    },
  });

function orderFor(
  site: Site,
  address: string,
  properties: z.infer<typeof balancerProperties>,
  revision: number,
): BalancerOrder {
  const members = properties.instances.map(
    (id) => site.find(id.replace('/resources/compute/', ''))?.card.address ?? id,
  );
  return {
    revision,
    address,
    members,
    routes: routesOf(properties),
  };
}

const writeOrder = (directory: string, order: BalancerOrder): void =>
  writeAtomic(join(directory, 'order.json'), JSON.stringify(order));
