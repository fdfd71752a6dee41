// The load balancer of the process profile: HTTP, health checks, draining. It outlives the server; its order is a file.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Agent, createServer, request as httpRequest } from '../../../host/node-http.ts';
import { leaveToTwin, readJson, writeAtomic } from '../../../host/processes.ts';
import type { Route } from './balancer-properties.ts';
import { enterControlGroup } from './control-group.ts';

export interface BalancerOrder {
  /** Raised with every change, so that its status can be told from an older one. */
  revision: number;
  address: string;
  members: string[];
  routes: Route[];
}

export interface BalancerStatus {
  revision: number;
  state: 'ready' | 'failed';
  message: string;
  members: { address: string; healthy: boolean; draining: boolean; active: number }[];
}

interface Member {
  address: string;
  healthy: boolean;
  /** Good checks in a row, or bad ones below zero. */
  streak: number;
  draining: boolean;
  /** Connections of clients that are bound to it. */
  bound: Set<Socket>;
  active: number;
}

interface Binding {
  member: Member;
  agent: Agent;
}

const directory = process.argv[2]!;
enterControlGroup(directory);
const members = new Map<string, Member>();
const bindings = new WeakMap<Socket, Map<number, Binding>>();
let order = readJson<BalancerOrder>(join(directory, 'order.json'))!;
let turn = 0;
let lastReport = '';

process.on('SIGTERM', () => process.exit(0));
process.on('SIGHUP', applyOrder);
for (const address of order.members) add(address);
try {
  await Promise.all(order.routes.map(serve));
} catch (error) {
  report('failed', (error as Error).message);
  process.exit(1);
}
report('ready', '');
for (const route of order.routes) setInterval(() => check(route), route.health.interval).unref();
for (const route of order.routes) check(route);
setInterval(() => report('ready', ''), 250);

/** Who is no longer named gets no new request, and leaves when the last one has been answered. */
function applyOrder(): void {
  order = readJson<BalancerOrder>(join(directory, 'order.json')) ?? order;
  for (const member of members.values()) member.draining = !order.members.includes(member.address);
  for (const address of order.members) if (!members.has(address)) add(address);
  for (const route of order.routes) check(route);
}

function add(address: string): void {
  members.set(address, { address, healthy: false, streak: 0, draining: false, bound: new Set(), active: 0 });
}

function serve(route: BalancerOrder['routes'][number]): Promise<void> {
  const server = createServer((incoming, outgoing) => forward(route, incoming, outgoing, 2));
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      leaveToTwin(directory, 'balancer', error);
      reject(
        new Error(
          error.code === 'EADDRINUSE'
            ? `the address ${order.address}:${route.port} is taken by another process`
            : error.code === 'EACCES'
              ? `port ${route.port} needs rights that this user has not; use one from 1024`
              : error.message,
        ),
      );
    });
    server.listen(route.port, order.address, resolve);
  });
}

/** A request without a body that found its member gone is sent to another one; nobody notices. */
function forward(
  route: BalancerOrder['routes'][number],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  tries: number,
): void {
  const client = incoming.socket;
  const binding = bind(route, client);
  if (!binding) return void outgoing.writeHead(503, { 'content-type': 'text/plain' }).end('No server is ready.\n');
  const { member, agent } = binding;
  const hasBody =
    incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
  member.active++;
  let over = false;
  const done = () => {
    if (!over) member.active--;
    over = true;
  };
  const upstream = httpRequest(
    {
      host: member.address,
      port: route.instancePort,
      method: incoming.method,
      path: incoming.url,
      agent,
      headers: { ...withoutHops(incoming), 'x-forwarded-for': client.remoteAddress ?? '' },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, withoutHops(answer));
      answer.pipe(outgoing);
      answer.on('end', () => {
        done();
        if (answer.headers.connection === 'close') unbind(route, client);
      });
    },
  );
  outgoing.on('close', done);
  upstream.on('error', () => {
    done();
    unbind(route, client);
    if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy();
    if (!hasBody && tries > 0) return forward(route, incoming, outgoing, tries - 1);
    outgoing.writeHead(502, { 'content-type': 'text/plain' }).end('The server did not answer.\n');
  });
  if (hasBody) incoming.pipe(upstream);
  else upstream.end();
}

/** A client's connection stays with its member, as its requests would on one connection to the server itself. */
function bind(route: BalancerOrder['routes'][number], client: Socket): Binding | undefined {
  const own = bindings.get(client) ?? new Map<number, Binding>();
  bindings.set(client, own);
  const standing = own.get(route.port);
  if (standing?.member.healthy && !standing.member.draining) return standing;
  if (standing) unbind(route, client);
  const member = choose(route);
  if (!member) return undefined;
  const binding = { member, agent: new Agent({ keepAlive: true, maxSockets: 1 }) };
  own.set(route.port, binding);
  member.bound.add(client);
  if (own.size === 1 && !standing) client.once('close', () => unbind(route, client));
  return binding;
}

function unbind(route: BalancerOrder['routes'][number], client: Socket): void {
  const own = bindings.get(client);
  const binding = own?.get(route.port);
  if (!binding) return;
  own?.delete(route.port);
  binding.member.bound.delete(client);
  binding.agent.destroy();
}

function choose({ algorithm }: BalancerOrder['routes'][number]): Member | undefined {
  const ready = [...members.values()].filter(({ healthy, draining }) => healthy && !draining);
  if (algorithm === 'ROUND_ROBIN') return ready[turn++ % Math.max(1, ready.length)];
  return ready.sort((a, b) => a.bound.size - b.bound.size)[0];
}

function check(route: BalancerOrder['routes'][number]): void {
  const { path, port, timeout, healthy, unhealthy } = route.health;
  for (const member of members.values()) {
    if (member.draining) continue;
    const probe = httpRequest(
      { host: member.address, port, path, timeout, agent: false, headers: { connection: 'close' } },
      (answer) => {
        answer.resume();
        judge((answer.statusCode ?? 500) < 400);
      },
    );
    probe.on('timeout', () => probe.destroy(new Error('timeout')));
    probe.on('error', () => judge(false));
    probe.end();

    function judge(isGood: boolean): void {
      member.streak = isGood ? Math.max(1, member.streak + 1) : Math.min(-1, member.streak - 1);
      if (member.streak >= healthy) member.healthy = true;
      if (-member.streak >= unhealthy) member.healthy = false;
    }
  }
}

function report(state: BalancerStatus['state'], message: string): void {
  for (const member of members.values()) {
    if (member.draining && member.active === 0) members.delete(member.address);
  }
  const status: BalancerStatus = {
    revision: order.revision,
    state,
    message,
    members: [...members.values()].map(({ address, healthy, draining, active }) => ({
      address,
      healthy,
      draining,
      active,
    })),
  };
  const text = JSON.stringify(status);
  if (text === lastReport) return;
  lastReport = text;
  writeAtomic(join(directory, 'status.json'), text);
}

/** Headers that concern one connection only. */
function withoutHops({ headers }: IncomingMessage): IncomingMessage['headers'] {
  const { connection: _, 'keep-alive': __, 'proxy-connection': ___, upgrade: ____, ...rest } = headers;
  return rest;
}
