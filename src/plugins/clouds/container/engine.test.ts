import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../../test/directory.ts';
import { engineSocket, openEngine } from './engine.ts';

/** Something that answers as an engine would, with what it says of itself. */
async function engine(t: TestContext, ApiVersion: string, SecurityOptions: string[] = []): Promise<string> {
  const socket = join(temporaryDirectory(t), 'engine.sock');
  const server = createServer(({ url }, response) => {
    const body = url!.endsWith('/version') ? { ApiVersion } : { SecurityOptions };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return socket;
}

test('an engine that is too old, or has no addresses to reach, is refused in words', async (t) => {
  await assert.rejects(openEngine(await engine(t, '1.9')).open(), /speaks version 1.9 of the API; 1.40 is needed/);
  await assert.rejects(
    openEngine(await engine(t, '1.41', ['name=rootless'])).open(),
    /runs without root, so its machines have no address to reach/,
  );
  await assert.rejects(
    openEngine('tcp://elsewhere:2375').open(),
    /tcp:\/\/elsewhere:2375 is no socket of this machine/,
  );
  assert.ok(await openEngine(`unix://${await engine(t, '1.41')}`).open());
});

test('an engine that was not there is asked again', async (t) => {
  const socket = await engine(t, '1.41');
  const later = openEngine(`${socket}.later`);
  await assert.rejects(later.open(), /There is no container engine at .*\.later: nothing listens there/);
  await assert.rejects(later.open(), { code: 'endpoint.unreachable' });
});

test('the engine is the one that is named, else one that listens', () => {
  assert.equal(engineSocket({ DOCKER_HOST: 'unix:///here.sock' }), 'unix:///here.sock');
  assert.match(engineSocket({}), /podman\.sock|docker\.sock/);
});
