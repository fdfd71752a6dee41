import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import dns from 'dns-packet';
import { temporaryDirectory } from '../../../test/directory.ts';
import { MillraceError } from '../../core/error.ts';
import { freePort } from '../../demo/server-process.ts';
import { stopOwned } from '../../host/processes.ts';
import { type NameServer, openNameServer } from './embedded.ts';

async function nameServer(t: TestContext): Promise<NameServer & { directory: string; resolver: Resolver }> {
  let directory = '';
  t.after(() => stopOwned(directory));
  directory = temporaryDirectory(t);
  const server = await openNameServer(directory, {
    address: '127.0.0.1',
    dnsPort: await freePort('127.0.0.1'),
    apiPort: await freePort('127.0.0.1'),
  });
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`${server.address}:${server.dnsPort}`]);
  return { ...server, directory, resolver };
}

const call = async (server: NameServer, method: string, path: string, body?: unknown, key = server.apiKey) => {
  const answer = await fetch(`${server.apiUrl}/api/v1/servers/localhost/zones${path}`, {
    method,
    headers: { 'x-api-key': key },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : undefined };
};
const pointAt = (...addresses: string[]) => ({
  rrsets: [
    {
      name: 'tito.example.',
      type: 'A',
      ttl: 1,
      changetype: 'REPLACE',
      records: addresses.map((content) => ({ content, disabled: false })),
    },
  ],
});

test('names are answered as the API of PowerDNS sets them, at once', async (t) => {
  const server = await nameServer(t);
  assert.equal((await call(server, 'POST', '', { name: 'example.', kind: 'Native', nameservers: [] })).status, 201);
  assert.equal((await call(server, 'PATCH', '/example.', pointAt('10.0.0.1'))).status, 204);
  assert.deepEqual(await server.resolver.resolve4('tito.example'), ['10.0.0.1']);

  await call(server, 'PATCH', '/example.', pointAt('10.0.0.2'));
  assert.deepEqual(await server.resolver.resolve4('tito.example', { ttl: true }), [{ address: '10.0.0.2', ttl: 1 }]);
  await assert.rejects(server.resolver.resolve4('nothing.example'), { code: 'ENOTFOUND' });
  await assert.rejects(server.resolver.resolve4('tito.elsewhere'), { code: 'EREFUSED' });
});

test('names are answered over TCP too, and a long answer over UDP says so', async (t) => {
  const server = await nameServer(t);
  await call(server, 'POST', '', { name: 'example.' });
  const addresses = Array.from({ length: 100 }, (_, index) => `10.0.1.${index}`);
  await call(server, 'PATCH', '/example.', pointAt(...addresses));
  const query = dns.encode({
    type: 'query',
    id: 7,
    flags: dns.RECURSION_DESIRED,
    questions: [{ type: 'A', name: 'tito.example' }],
  });

  const short = dns.decode(await overUdp(server, query)!);
  assert.deepEqual([short.flag_tc, short.answers?.length], [true, 0]);
  const whole = dns.decode(await overTcp(server, query));
  assert.deepEqual([whole.id, whole.flag_aa, whole.answers?.length], [7, true, 100]);
});

test('without the key nothing is shown or changed, and a bad change is refused in words', async (t) => {
  const server = await nameServer(t);
  await call(server, 'POST', '', { name: 'example.' });

  assert.equal((await call(server, 'GET', '', undefined, 'wrong')).status, 401);
  assert.deepEqual(await call(server, 'PATCH', '/example.', pointAt('10.0.0.999')), {
    status: 422,
    body: { error: "Record tito.example./A '10.0.0.999': Not in expected format" },
  });
  assert.equal((await call(server, 'PATCH', '/example.', { rrsets: 'all' })).status, 422);
  assert.equal((await call(server, 'GET', '/other.')).status, 404);
  assert.equal((await call(server, 'POST', '', { name: 'example.' })).status, 409);
});

test('who opens the name server again finds the one that runs, with its names and its key', async (t) => {
  const server = await nameServer(t);
  await call(server, 'POST', '', { name: 'example.' });
  await call(server, 'PATCH', '/example.', pointAt('10.0.0.1'));
  const again = await openNameServer(server.directory, { address: '127.0.0.1', dnsPort: 1, apiPort: 1 });

  assert.deepEqual([again.dnsPort, again.apiKey], [server.dnsPort, server.apiKey]);
  assert.deepEqual(await server.resolver.resolve4('tito.example'), ['10.0.0.1']);
});

test('names survive the death of the name server', async (t) => {
  const server = await nameServer(t);
  await call(server, 'POST', '', { name: 'example.' });
  await call(server, 'PATCH', '/example.', pointAt('10.0.0.1'));
  await stopOwned(server.directory);
  await openNameServer(server.directory, { address: '127.0.0.1', dnsPort: 1, apiPort: 1 });

  assert.deepEqual(await server.resolver.resolve4('tito.example'), ['10.0.0.1']);
});

test('a port that is taken is named', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };

  await assert.rejects(
    openNameServer(temporaryDirectory(t), {
      address: '127.0.0.1',
      dnsPort: await freePort('127.0.0.1'),
      apiPort: port,
    }),
    (thrown) =>
      thrown instanceof MillraceError &&
      thrown.code === 'port.taken' &&
      thrown.message.includes(`${port} of 127.0.0.1 is taken`),
  );
});

test('what is no question is not answered, and the server goes on', async (t) => {
  const server = await nameServer(t);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  for (const bytes of [Buffer.alloc(0), Buffer.from('nonsense'), Buffer.alloc(600, 255)])
    socket.send(bytes, server.dnsPort, server.address);

  await assert.rejects(server.resolver.resolve4('tito.example'), { code: 'EREFUSED' });
});

function overUdp(server: NameServer, query: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.on('message', (message) => {
      socket.close();
      resolve(message);
    });
    socket.send(query, server.dnsPort, server.address);
  });
}

function overTcp(server: NameServer, query: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.dnsPort, server.address);
    const head = Buffer.alloc(2);
    head.writeUInt16BE(query.length);
    let answer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < 2 || answer.length < 2 + answer.readUInt16BE(0)) return;
      socket.end();
      resolve(answer.subarray(2));
    });
    socket.write(Buffer.concat([head, query]));
  });
}

test('two servers that start it at once have one name server', async (t) => {
  const server = await nameServer(t);
  const twin = spawn(process.execPath, [join(import.meta.dirname, 'name-server.ts'), server.directory], {
    env: { PATH: process.env.PATH, MILLRACE_OWNER: join(server.directory, 'name-server') },
  });
  const [code] = await once(twin, 'exit');
  assert.equal(code, 0);

  const wanted = { address: server.address, dnsPort: server.dnsPort, apiPort: 0 };
  assert.equal((await openNameServer(server.directory, wanted)).apiUrl, server.apiUrl);
});
