// The embedded name server: DNS over UDP and TCP, and the part of the PowerDNS API that releases need. It outlives the server.
import { createSocket } from 'node:dgram';
import type { IncomingMessage } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import dns from 'dns-packet';
import { z } from 'zod';
import { createServer as createHttp } from '../../host/node-http.ts';
import { leaveToTwin, readJson, writeAtomic } from '../../host/processes.ts';
import { changeZone, type DnsZone, resolve } from './zones.ts';

interface Order {
  address: string;
  dnsPort: number;
  apiPort: number;
  apiKey: string;
}

const directory = process.argv[2]!;
const order = readJson<Order>(join(directory, 'order.json'))!;
let zones: DnsZone[] = readJson<DnsZone[]>(join(directory, 'zones.json')) ?? [];

const Patch = z.object({
  rrsets: z.array(
    z.object({
      name: z.string(),
      type: z.string().toUpperCase(),
      changetype: z
        .string()
        .toUpperCase()
        .pipe(z.enum(['REPLACE', 'DELETE'])),
      ttl: z.number().int().optional(),
      records: z.array(z.object({ content: z.string(), disabled: z.boolean().optional() })).optional(),
      comments: z
        .array(
          z.object({
            content: z.string(),
            account: z.string().optional(),
            modified_at: z.number().optional(),
          }),
        )
        .optional(),
    }),
  ),
});
const NewZone = z.object({
  name: z.string().endsWith('.'),
  kind: z.string().default('Native'),
  nameservers: z.array(z.string()).default([]),
});

process.on('SIGTERM', () => process.exit(0));
try {
  await Promise.all([serveUdp(), serveTcp(), serveApi()]);
  writeAtomic(join(directory, 'status.json'), JSON.stringify({ pid: process.pid, state: 'ready', message: '' }));
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  leaveToTwin(directory, 'name-server', error as NodeJS.ErrnoException);
  writeAtomic(
    join(directory, 'status.json'),
    JSON.stringify({
      pid: process.pid,
      state: 'failed',
      message:
        code === 'EADDRINUSE'
          ? `port ${order.dnsPort} or ${order.apiPort} of ${order.address} is taken by another process`
          : message,
    }),
  );
  process.exit(1);
}

function serveUdp(): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const answer = reply(message);
    if (answer) socket.send(answer.length > 1232 ? truncated(answer) : answer, from.port, from.address);
  });
  return new Promise((done, fail) => {
    socket.on('error', fail);
    socket.bind(order.dnsPort, order.address, done);
  });
}

function serveTcp(): Promise<void> {
  const server = createTcp((socket) => {
    let buffer = Buffer.alloc(0);
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
        const length = buffer.readUInt16BE(0);
        const answer = reply(buffer.subarray(2, 2 + length));
        buffer = buffer.subarray(2 + length);
        if (!answer) return socket.destroy();
        const head = Buffer.alloc(2);
        head.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([head, answer]));
      }
    });
  });
  return new Promise((done, fail) => {
    server.on('error', fail);
    server.listen(order.dnsPort, order.address, done);
  });
}

/** What cannot be read is not answered. */
function reply(message: Buffer): Buffer | undefined {
  try {
    const query = dns.decode(message);
    const [question] = query.questions ?? [];
    if (query.type !== 'query' || !question) return undefined;
    const { code, answers, zone } = resolve(zones, question.name, question.type, Math.random);
    const rcode = { NOERROR: 0, NXDOMAIN: 3, REFUSED: 5 }[code];
    return dns.encode({
      type: 'response',
      id: query.id,
      flags: (zone ? dns.AUTHORITATIVE_ANSWER : 0) | ((query.flags ?? 0) & dns.RECURSION_DESIRED) | rcode,
      questions: [question],
      answers: answers.map(
        ({ name, type, ttl, content }) =>
          ({ name: name.replace(/\.$/, ''), type, ttl, data: dataOf(type, content) }) as dns.Answer,
      ),
      authorities: zone && answers.length === 0 ? [startOfAuthority(zone)] : [],
    });
  } catch {
    return undefined;
  }
}

/** Tells resolvers for how long they may remember that there is nothing: one second. */
const startOfAuthority = ({ name, serial }: DnsZone): dns.Answer => ({
  type: 'SOA',
  name: name.replace(/\.$/, ''),
  ttl: 1,
  data: { mname: `ns.${name}`, rname: `hostmaster.${name}`, serial, refresh: 60, retry: 60, expire: 3600, minimum: 1 },
});

function dataOf(type: string, content: string): unknown {
  if (type === 'TXT') return content.replace(/^"|"$/g, '');
  if (type === 'CNAME' || type === 'NS') return content.replace(/\.$/, '');
  return content;
}

function truncated(answer: Buffer): Buffer {
  const decoded = dns.decode(answer);
  return dns.encode({ ...decoded, answers: [], flags: (decoded.flags ?? 0) | dns.TRUNCATED_RESPONSE });
}

function serveApi(): Promise<void> {
  const server = createHttp((request, response) => {
    handle(request).then(
      ({ status, body }) =>
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(body === undefined ? '' : JSON.stringify(body)),
      (error: Error) =>
        response
          .writeHead(error instanceof z.ZodError || error instanceof SyntaxError ? 422 : 500, {
            'content-type': 'application/json',
          })
          .end(JSON.stringify({ error: error.message })),
    );
  });
  return new Promise((done, fail) => {
    server.on('error', fail);
    server.listen(order.apiPort, order.address, done);
  });
}

async function handle(request: IncomingMessage): Promise<{ status: number; body?: unknown }> {
  if (request.headers['x-api-key'] !== order.apiKey) return { status: 401, body: { error: 'Unauthorized' } };
  const { pathname } = new URL(request.url ?? '/', 'http://name-server');
  const [, id] = /^\/api\/v1\/servers\/localhost\/zones(?:\/([^/]+))?$/.exec(pathname) ?? [undefined];
  if (!pathname.startsWith('/api/v1/servers/localhost/zones')) return { status: 404, body: { error: 'Not Found' } };
  const zone =
    id === undefined
      ? undefined
      : zones.find(({ name }) => name === `${decodeURIComponent(id).replace(/\.$/, '').toLowerCase()}.`);
  if (id !== undefined && !zone) return { status: 404, body: { error: 'Could not find domain' } };
  switch (request.method) {
    case 'GET':
      return {
        status: 200,
        body: zone ? shown(zone) : zones.map((one) => ({ ...shown(one), rrsets: undefined })),
      };
    case 'POST': {
      const { name } = NewZone.parse(JSON.parse(await bodyOf(request)));
      if (zones.some((one) => one.name === name))
        return { status: 409, body: { error: `Domain '${name}' already exists` } };
      save([...zones, { name: name.toLowerCase(), serial: 1, rrsets: [] }]);
      return { status: 201, body: shown(zones.at(-1)!) };
    }
    case 'PATCH': {
      const changed = changeZone(zone!, Patch.parse(JSON.parse(await bodyOf(request))).rrsets, Date.now());
      if ('refused' in changed) return { status: 422, body: { error: changed.refused } };
      save(zones.map((one) => (one.name === changed.name ? changed : one)));
      return { status: 204 };
    }
    case 'DELETE':
      save(zones.filter((one) => one !== zone));
      return { status: 204 };
    default:
      return { status: 405, body: { error: 'Method Not Allowed' } };
  }
}

const shown = (zone: DnsZone) => ({
  id: zone.name,
  name: zone.name,
  type: 'Zone',
  kind: 'Native',
  serial: zone.serial,
  rrsets: zone.rrsets,
  url: `/api/v1/servers/localhost/zones/${zone.name}`,
});

/** On disk before it is answered, and answered from then on. */
function save(next: DnsZone[]): void {
  writeAtomic(join(directory, 'zones.json'), JSON.stringify(next));
  zones = next;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > 1_000_000) throw new SyntaxError('The body is too large.');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
