import { z } from 'zod';
import { messageOf } from '../../../core/error.ts';
import { type CloudOutcome, defineCloudResource, type ResourceContext } from '../../../sdk/cloud.ts';
import { shortHash } from '../short-hash.ts';
import { statusOf } from './engine.ts';
import { type ContainerSite, labelsOf } from './place.ts';

const prefix = '/resources/network/';
const onDemand = ['private', 'outbound', 'routed'];

/** Networks that exist are the engine's own; others are made for the deployment, and removed with it. */
export const containerNetwork = (site: ContainerSite) =>
  defineCloudResource({
    type: 'Cloud.Network',
    accountType: 'container',
    title: 'Network (container profile)',
    summary:
      "The engine's own network, or one that is made for the deployment: `private` has no way out, `outbound` and `routed` have one.",
    properties: z.looseObject({
      networkType: z
        .enum(['existing', 'public', 'private', 'outbound', 'routed'])
        .describe('Whether it exists, or is made.')
        .default('existing'),
    }),
    attributes: { id: 'Identity.', name: 'Its name.' },
    async create({ networkType }, context) {
      const id = `${prefix}${context.identity}`;
      if (!onDemand.includes(networkType)) return { done: { id, name: 'bridge' } };
      const name = nameOf(site, context.identity);
      return madeNetwork(site, context, name, networkType === 'private', id);
    },
    update: async (_, before) => ({ done: before }),
    worksHere: true,
    async read({ networkType }, { identity }) {
      if (!onDemand.includes(String(networkType))) return {};
      const docker = await site.engine.open();
      try {
        await docker.getNetwork(nameOf(site, identity)).inspect();
        return {};
      } catch (thrown) {
        if (statusOf(thrown) !== 404) throw thrown;
        return 'gone';
      }
    },
    async destroy({ networkType }, { identity, instance }) {
      if (!onDemand.includes(String(networkType))) return { done: {} };
      const docker = await site.engine.open();
      try {
        await docker.getNetwork(nameOf(site, identity)).remove();
      } catch (thrown) {
        if (statusOf(thrown) !== 404) return { failed: `${instance} could not be removed: ${messageOf(thrown)}` };
      }
      return { done: {} };
    },
  });

/** One that was made before is found. */
async function madeNetwork(
  site: ContainerSite,
  context: ResourceContext,
  name: string,
  isInternal: boolean,
  id: string,
): Promise<CloudOutcome> {
  const docker = await site.engine.open();
  try {
    await docker.getNetwork(name).inspect();
  } catch (thrown) {
    if (statusOf(thrown) !== 404) throw thrown;
    await docker.createNetwork({ Name: name, Internal: isInternal, Labels: labelsOf(site, context) });
  }
  const { IPAM } = (await docker.getNetwork(name).inspect()) as {
    IPAM?: { Config?: { Subnet?: string; Gateway?: string }[] };
  };
  const { Subnet = '', Gateway = '' } = IPAM?.Config?.[0] ?? {};
  return { done: { id, name, networkCidr: Subnet, gateway: Gateway } };
}

const nameOf = ({ directory }: ContainerSite, identity: string): string =>
  `millrace-${shortHash(`${directory} ${identity}`)}`;

/** The network of the engine that a resource is in by the id of its network; undefined: the engine's own. */
export function networkMode(
  site: ContainerSite,
  network: unknown,
  neighbours: readonly { [key: string]: unknown }[],
): string | undefined {
  const known = neighbours.find(
    ({ id }) => id === network && typeof network === 'string' && network.startsWith(prefix),
  );
  return known && onDemand.includes(String(known.networkType))
    ? nameOf(site, String(network).slice(prefix.length))
    : undefined;
}
