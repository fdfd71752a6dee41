import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { makeZone } from '../src/demo/client.ts';
import { startTraffic, type Traffic } from '../src/demo/traffic.ts';
import { createServer } from '../src/host/node-http.ts';
import { type Times, timesOf } from './measures.ts';
import type { BenchServer } from './server.ts';

/** What it takes to send users elsewhere while they ask, and what they notice of it. */
export interface SwitchFigures {
  /** From the push that asks for it to the first page of the new version, in milliseconds. */
  ownMs: Times;
  /** From a bare request to the same name server, by turns. */
  floorMs: Times;
  requests: number;
  failed: number;
}

interface Site {
  name: string;
  address: string;
  /** What its page says. */
  version: string;
  close(): void;
}

const [users, host] = [10, 'www.example'];

/** Where a server of this measure serves names: a loopback address of its own. */
export const addressForNames = (): string =>
  `127.${[...randomBytes(2)].map((byte) => 64 + (byte % 160)).join('.')}.2:5300`;

/** Blue and green by turns, under load: each time to a version that nobody has seen, asked for by a request, then by a push. */
export async function switches(server: BenchServer, times: number): Promise<SwitchFigures> {
  const order = JSON.parse(readFileSync(join(server.directory, 'dns', 'order.json'), 'utf8'));
  const api = `http://${order.address}:${order.apiPort}`;
  await makeZone(api, order.apiKey);
  const request = (address: string) => ({
    url: `${api}/api/v1/servers/localhost/zones/example.`,
    headers: { 'x-api-key': order.apiKey as string, 'content-type': 'application/json' },
    body: JSON.stringify({
      rrsets: [
        {
          name: `${host}.`,
          type: 'A',
          ttl: 1,
          changetype: 'REPLACE',
          records: [{ content: address, disabled: false }],
        },
      ],
    }),
  });
  const bySelf = async ({ address }: Site) => {
    const { url, ...init } = request(address);
    const answer = await fetch(url, { method: 'PATCH', ...init });
    if (!answer.ok) throw new Error(await answer.text());
  };
  const byPush = ({ name, version }: Site) => server.push(name, version);
  const { sites, port } = await openSites();
  for (const { name, address } of sites) {
    const { url, headers, body } = request(address);
    const input = { action: 'patch', url, headers, payload: body };
    await server.define(name, [], { stages: { Release: { tasks: { Switch: { type: 'REST', input } } } } });
  }
  await bySelf(sites[0]!);
  const traffic = startTraffic(host, `${order.address}:${order.dnsPort}`, port, users);
  await served(traffic, sites[0]!.version);
  const taken = [bySelf, byPush].map((ask) => ({ ask, ms: [] as number[] }));
  let number = 0;
  for (let time = 0; time <= times; time++)
    for (const { ask, ms } of taken) {
      const site = sites[++number % 2]!;
      site.version = `${site.name} ${number}`;
      const asked = Date.now();
      await ask(site);
      const at = await served(traffic, site.version);
      // The first of each does not count: code that is not compiled yet.
      if (time > 0) ms.push(at - asked);
      // What is left of the old one is asked for a while longer, if by anybody.
      await answered(traffic, traffic.requests + 20 * users);
    }
  await traffic.stop();
  for (const { close } of sites) close();
  const [floorMs, ownMs] = taken.map(({ ms }) => timesOf(ms));
  return { ownMs: ownMs!, floorMs: floorMs!, requests: traffic.requests, failed: traffic.failed };
}

/** When the first user saw a version. */
async function served({ versions }: Traffic, wanted: string): Promise<number> {
  for (;;) {
    const seen = versions.find(({ version }) => version === wanted);
    if (seen) return seen.at;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function answered(traffic: Traffic, requests: number): Promise<void> {
  while (traffic.requests < requests) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Two web servers at the same port of two addresses. */
async function openSites(): Promise<{ sites: Site[]; port: number }> {
  const [block] = randomBytes(1);
  let port = 0;
  const sites: Site[] = [];
  for (const [index, name] of ['blue', 'green'].entries()) {
    const site: Site = { name, address: `127.240.${block}.${index + 2}`, version: name, close: () => web.close() };
    const web = createServer((_, response) => response.end(`<b id="version">${site.version}</b>`));
    // A connection that rests while the other site is asked shall not be closed just when it is used again.
    web.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => web.listen(port, site.address, resolve));
    port = (web.address() as AddressInfo).port;
    sites.push(site);
  }
  return { sites, port };
}
