import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isObject, type JsonObject } from '../../../core/json.ts';
import { writeAtomic } from '../../../host/processes.ts';
import { type CloudOutcome, defineCloudResource, type ResourceContext } from '../../../sdk/cloud.ts';
import { balancerProperties, type Route, routesOf } from '../local/balancer-properties.ts';
import { haproxyConfig, oldWorkers, readStatistics, sharedInside } from './haproxy.ts';
import { refusal } from './machine.ts';
import { networkMode } from './network.ts';
import {
  type ContainerSite,
  destroyThing,
  ensureRunning,
  labelsOf,
  lastWords,
  limits,
  machineImage,
  patiently,
  placeOf,
  readPower,
  sharedDirectories,
} from './place.ts';
import { addressIn } from './readiness.ts';

const pollSeconds = 0.2;
/** Milliseconds for leaving members to answer what they have begun, and for new ones to become well. */
const drainWithin = 30_000;

interface Ticket {
  until: number;
  /** The configuration that is to be taken, where it has not been: its new members must be well first. */
  wanted?: { routes: Route[]; members: string[] };
}

export const containerBalancer = (site: ContainerSite) =>
  defineCloudResource({
    type: 'Cloud.LoadBalancer',
    accountType: 'container',
    title: 'Load balancer (container profile)',
    summary: 'HAProxy in a container of its own, with health checks and draining.',
    properties: balancerProperties,
    attributes: { id: 'Identity.', address: 'Its address on the network of the engine.' },
    async create(properties, context) {
      const docker = await site.engine.open();
      const { name, shared } = placeOf(site, context.identity);
      sharedDirectories(shared);
      const mode = networkMode(site, (properties as JsonObject).network, context.neighbours);
      const config = join(shared, 'haproxy.cfg');
      if (!existsSync(config))
        writeAtomic(
          config,
          haproxyConfig(routesOf(properties), await addressesOf(site, properties.instances), drainWithin),
        );
      try {
        await ensureRunning(docker, {
          name,
          Image: machineImage,
          Labels: labelsOf(site, context),
          Entrypoint: ['/usr/sbin/haproxy'],
          Cmd: ['-W', '-db', '-S', `${sharedInside}/master.sock,mode,600`, '-f', `${sharedInside}/haproxy.cfg`],
          StopSignal: 'SIGUSR1',
          HostConfig: { Binds: [`${shared}:${sharedInside}`], Ulimits: limits, ...(mode ? { NetworkMode: mode } : {}) },
        });
      } catch (thrown) {
        return { failed: `Load balancer ${context.instance}: ${refusal(thrown, machineImage)}` };
      }
      return { wait: { until: Date.now() + drainWithin }, seconds: pollSeconds };
    },
    async update(properties, _, context) {
      if (!existsSync(placeOf(site, context.identity).shared))
        return { failed: `Load balancer ${context.instance}: its directory is gone.` };
      const container = (await site.engine.open()).getContainer(placeOf(site, context.identity).name);
      if (!(await container.inspect()).State.Running) await container.start();
      const wanted = { routes: routesOf(properties), members: await addressesOf(site, properties.instances) };
      return { wait: { until: Date.now() + drainWithin, wanted } as unknown as JsonObject, seconds: 0 };
    },
    async poll(given, context) {
      const ticket = (isObject(given) ? given : { until: 0 }) as unknown as Ticket;
      const again = { wait: given, seconds: pollSeconds };
      return patiently(() => look(site, context, ticket, again), again, ticket.until);
    },
    destroy: async (_, context) => destroyThing(site, context),
    worksHere: true,
    read: (_, { identity }) => readPower(site, identity),
  });

async function look(
  site: ContainerSite,
  context: ResourceContext,
  { until, wanted }: Ticket,
  again: CloudOutcome,
): Promise<CloudOutcome> {
  const docker = await site.engine.open();
  const { name, shared } = placeOf(site, context.identity);
  const container = docker.getContainer(name);
  const { State, NetworkSettings } = await container.inspect();
  const isLate = Date.now() > until;
  const failed = (why: string): CloudOutcome => ({ failed: `Load balancer ${context.instance} ${why}` });
  if (!State.Running) return failed(`did not start. Last lines: ${await lastWords(docker, name)}`);
  const address = addressIn(NetworkSettings);
  if (wanted) {
    const config = haproxyConfig(wanted.routes, wanted.members, drainWithin);
    if (readFileSync(join(shared, 'haproxy.cfg'), 'utf8') !== config) {
      // HAProxy takes a new server for well until a check has failed, so it hears of it when it is.
      if (!isLate && !(await areWell(wanted.members, wanted.routes))) return again;
      writeAtomic(join(shared, 'haproxy.cfg'), config);
      await container.kill({ signal: 'SIGUSR2' });
      return again;
    }
  }
  const [statistics, processes] = await Promise.all([
    asked(join(shared, 'admin.sock'), 'show stat'),
    asked(join(shared, 'master.sock'), 'show proc'),
  ]);
  if (statistics === '') return isLate ? failed(`did not start. Last lines: ${await lastWords(docker, name)}`) : again;
  const members = readStatistics(statistics);
  const isWanted = !wanted || wanted.members.every((one) => members.some((member) => member.address === one));
  const isSettled = isWanted && oldWorkers(processes) === 0 && (!wanted || members.every(({ isUp }) => isUp));
  if (!isSettled && !isLate) return again;
  return {
    done: {
      id: `/resources/load-balancers/${context.identity}`,
      address,
      resourceName: context.instance,
      container: name,
      powerState: 'ON',
    },
  };
}

/** The addresses of machines, from their ids. */
async function addressesOf(site: ContainerSite, ids: string[]): Promise<string[]> {
  const docker = await site.engine.open();
  return Promise.all(
    ids.map(async (id) => {
      const { name } = placeOf(site, id.replace('/resources/compute/', ''));
      return id.includes('/') ? addressIn((await docker.getContainer(name).inspect()).NetworkSettings) : id;
    }),
  );
}

async function areWell(members: string[], routes: Route[]): Promise<boolean> {
  const checks = members.flatMap((address) =>
    routes.map(async ({ health: { path, port, timeout } }) => {
      const answer = await fetch(`http://${address}:${port}${path}`, {
        signal: AbortSignal.timeout(timeout),
        headers: { connection: 'close' },
        redirect: 'manual',
      }).catch(() => undefined);
      await answer?.body?.cancel();
      return answer !== undefined && answer.status < 400;
    }),
  );
  return (await Promise.all(checks)).every(Boolean);
}

/** What HAProxy answers on a socket of its own; nothing where it does not. */
function asked(socket: string, question: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const connection = connect(socket, () => connection.end(`${question}\n`));
    connection.setTimeout(2000, () => connection.destroy());
    connection.on('data', (chunk) => (answer += chunk));
    connection.on('error', () => resolve(''));
    connection.on('close', () => resolve(answer));
  });
}
