import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../test/directory.ts';
import { eventually } from '../../test/eventually.ts';
import { farSide } from '../../test/far-side.ts';
import { pipelineAround, TestServer } from '../../test/server.ts';
import { freePort } from '../demo/server-process.ts';
import { serveSsh } from '../plugins/clouds/local/machine-ssh.ts';

const root = join(import.meta.dirname, '../..');

/** An agent in a process of its own, as it would stand in another network. */
async function agent(t: TestContext, server: TestServer, name = 'branch') {
  const token = await server.signIn(name, name);
  let said = '';
  const child = spawn(process.execPath, [join(root, 'src/millrace.mjs'), 'agent'], {
    env: { ...process.env, MILLRACE_URL: server.url, MILLRACE_TOKEN: token },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  t.after(() => child.kill('SIGKILL'));
  await connected(server, 'CONNECTED');
  return { child, said: () => said };
}

const connected = (server: TestServer, status: string) =>
  eventually(async () => {
    const { body } = await server.call('GET', '/codestream/api/cloud-proxy');
    assert.deepEqual(
      body.links.map((link: string) => [body.documents[link].name, body.documents[link].status]),
      [['branch', status]],
    );
  });
const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));

async function start(t: TestContext) {
  const server = await TestServer.start(t);
  await server.call('POST', '/api/users', { name: 'branch', password: 'branch', role: 'agent' });
  await server.import('{project: Tito, kind: ENDPOINT, name: Branch, type: agent, properties: {}}');
  const far = await farSide(t, ({ path }) => ({ status: path === '/' ? 200 : 404, body: { path } }));
  return { server, url: far.url };
}

const get = (url: string, key = '${var.key}') =>
  `Get: {type: REST, endpoints: {agent: Branch}, input: {action: get, url: "${url}", headers: {x-key: "${key}"}}}`;

test('REST and SSH tasks reach far sides through the agent that they name, and fail with its words', async (t) => {
  const { server, url } = await start(t);
  await server.import('{project: Tito, kind: VARIABLE, name: key, type: SECRET, value: s3cret-value}');
  const { child, said } = await agent(t, server);
  const good = await server.runTasks(get(`${url}/`));
  assert.equal(good.status, 'COMPLETED', good.statusMessage);
  assert.deepEqual(good.stages.S.tasks.Get.output.responseJson.path, '/');
  assert.match(said(), new RegExp(`^get ${url}/: done in \\d+ ms$`, 'im'));
  assert.doesNotMatch(said(), /s3cret-value/);
  assert.match((await server.runTasks(get('http://127.0.0.1:1/'))).statusMessage, /the connection was refused/);
  assert.equal((await server.runTasks(get(`${url}/no`))).statusMessage, 'S.Get: Request failed with status code : 404');

  const home = join(temporaryDirectory(t), 'home');
  mkdirSync(home);
  const port = await freePort('127.0.0.1');
  const machine = await serveSsh({
    ...{
      address: '127.0.0.1',
      port,
      users: [{ name: 'ci', password: 'secret', keys: [] }],
      keyFile: join(home, 'key'),
    },
    start: (command) => spawn('/bin/sh', ['-c', command], { cwd: home, env: { PATH: process.env.PATH, HOME: home } }),
  });
  t.after(() => machine.close());
  const ssh = await server.runTasks(
    `Run: {type: SSH, endpoints: {agent: Branch}, input: {host: "127.0.0.1:${port}", username: ci, password: secret, script: 'echo hi; echo "{\\"passed\\": 12}" > $SCRIPT_RESPONSE_FILE'}}`,
  );
  assert.equal(ssh.status, 'COMPLETED', ssh.statusMessage);
  assert.deepEqual(ssh.stages.S.tasks.Run.output.response, { passed: 12 });
  assert.match(said(), /^SSH 127\.0\.0\.1: done/m);
  child.kill('SIGTERM');
  assert.equal(await ended(child), 0);
});

test('an agent that is away is named, an endpoint without one runs from here, and an agent may do nothing else', async (t) => {
  const { server, url } = await start(t);
  const never = await server.runTasks(get(`${url}/`, 'none'));
  assert.match(never.statusMessage, /The remote agent branch has never asked for work/);
  await server.import('{project: Tito, kind: ENDPOINT, name: Elsewhere, type: agent, properties: {}}');
  const here = await server.runTasks(
    `Get: {type: REST, endpoints: {agent: Elsewhere}, input: {action: get, url: "${url}/"}}`,
  );
  assert.equal(here.status, 'COMPLETED', here.statusMessage);

  const token = await server.signIn('branch', 'branch');
  assert.equal((await server.call('GET', '/codestream/api/pipelines', undefined, token)).status, 403);
  assert.equal((await server.call('POST', '/api/agents/calls', {})).status, 403, 'an administrator is no agent');
  const foreign = await server.call('POST', '/api/agents/calls/nothing', { result: {} }, token);
  assert.equal(foreign.status, 404);
});

test('an endpoint that says so is reached through its agent, and a call is given out once', async (t) => {
  const { server, url } = await start(t);
  await agent(t, server);
  const second = await agent(t, server);
  const asked = await server.call('POST', '/codestream/api/endpoint-validation', {
    ...{ project: 'Tito', name: 'j', type: 'jira', cloudProxyId: 'branch', properties: { url } },
  });
  assert.match(asked.body.validationOutput, /Endpoint j: GET \/rest\/api\/2\/myself answered 404/);
  await server.import(
    pipelineAround(
      Array.from(
        { length: 6 },
        (_, number) => `Get${number}: {type: REST, endpoints: {agent: Branch}, input: {action: get, url: "${url}/"}}`,
      ).join('\n'),
    ),
  );
  assert.equal((await server.run('P')).status, 'COMPLETED');
  second.child.kill('SIGKILL');
});
