import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import ssh2 from 'ssh2';
import { temporaryDirectory } from '../../../test/directory.ts';
import { pipelineAround, TestServer } from '../../../test/server.ts';
import { freePort } from '../../demo/server-process.ts';
import { serveSsh } from '../clouds/local/machine-ssh.ts';

const passphrase = 'open sesame';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const plainKey = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const lockedKey = privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase }).toString();
const publicKey = (ssh2.utils.parseKey(plainKey) as ssh2.ParsedKey).getPublicSSH().toString('base64');

/** A machine one can log in to. Its processes are not ours, and outlive a server that goes away. */
async function machine(t: TestContext): Promise<{ host: string; home: string }> {
  const directory = temporaryDirectory(t);
  const home = join(directory, 'home');
  mkdirSync(home);
  const port = await freePort('127.0.0.1');
  const children: ChildProcess[] = [];
  const server = await serveSsh({
    address: '127.0.0.1',
    port,
    users: [{ name: 'ci', password: 'secret', keys: [`ssh-rsa ${publicKey}`] }],
    keyFile: join(directory, 'host-key'),
    start(command) {
      const child = spawn('/bin/sh', ['-c', command], { cwd: home, env: { PATH: process.env.PATH, HOME: home } });
      children.push(child);
      return child;
    },
  });
  t.after(() => {
    server.close();
    for (const child of children) child.kill();
  });
  return { host: `127.0.0.1:${port}`, home };
}

const task = (host: string, script: string, more = 'password: secret'): string =>
  `Run:\n  type: SSH\n  input:\n    host: ${host}\n    username: ci\n    ${more.replaceAll('\n', '\n    ')}\n    script: |\n${script.replace(/^/gm, '      ')}`;

test('a script runs with its variables and arguments, and what it writes to $SCRIPT_RESPONSE_FILE is its response', async (t) => {
  const [server, { host, home }] = await Promise.all([TestServer.start(t), machine(t)]);
  const execution = await server.runTasks(
    task(
      host,
      `echo "$NAME from $1 and $2"\necho '{"passed": 12}' > $SCRIPT_RESPONSE_FILE`,
      `password: secret\nenvironmentVariables: {NAME: "it's ann"}\narguments: [one, "two words"]`,
    ),
  );
  const { output } = execution.stages.S.tasks.Run;

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual([output.exitCode, output.response], [0, { passed: 12 }]);
  assert.deepEqual([output.logs, output.userFolder], ["it's ann from one and two words\n", home]);
  assert.match(await server.log(execution.id, 'S.Run'), /^it's ann from one and two words$/m);
});

test('people log in by password, by key, and by a key with a passphrase', async (t) => {
  const [server, { host }] = await Promise.all([TestServer.start(t), machine(t)]);
  await server.import(`project: Tito\nkind: VARIABLE\nname: plain\ntype: SECRET\nvalue: ${JSON.stringify(plainKey)}`);
  await server.import(`project: Tito\nkind: VARIABLE\nname: locked\ntype: SECRET\nvalue: ${JSON.stringify(lockedKey)}`);
  const message = async (more: string) => (await server.runTasks(task(host, 'true', more))).statusMessage;

  assert.equal(await message('privatekey: ${var.plain}'), 'Execution Completed.');
  assert.equal(await message(`privatekey: \${var.locked}\npassphrase: ${passphrase}`), 'Execution Completed.');
  assert.match(await message('privatekey: ${var.locked}\npassphrase: wrong'), /SSH to ci@127.0.0.1:\d+ failed/);
  assert.match(await message('password: wrong'), /failed: user name, password or key were refused/);
});

test('a script that fails, or a machine that is not there, is named', async (t) => {
  const [server, { host }] = await Promise.all([TestServer.start(t), machine(t)]);
  const failed = await server.runTasks(task(host, 'echo on its way\nexit 3'));
  assert.deepEqual([failed.status, failed.stages.S.tasks.Run.output.exitCode], ['FAILED', 3]);

  const tolerated = await server.runTasks(task(host, 'exit 3', 'password: secret\ncontinueOnCommandFailure: true'));
  assert.deepEqual([tolerated.status, tolerated.stages.S.tasks.Run.output.exitCode], ['COMPLETED', 3]);

  const nobody = await server.runTasks(task(`127.0.0.1:${await freePort('127.0.0.1')}`, 'true'));
  assert.match(nobody.statusMessage, /SSH to ci@127.0.0.1:\d+ failed: the connection was refused/);

  const nowhere = await server.runTasks(task(host, 'true', 'password: secret\nworkingDirectory: no/such'));
  assert.equal(nowhere.stages.S.tasks.Run.output.exitCode, 98);
});

test('a script runs once and is found again, with all its output, after the server went away', async (t) => {
  const [server, { host, home }] = await Promise.all([TestServer.start(t), machine(t)]);
  await server.import(
    pipelineAround(task(host, 'echo started >> runs\necho begin\nwhile [ ! -e go ]; do sleep 0.05; done\necho end')),
  );
  const id = await server.begin('P');
  for (let wait = 0; !existsSync(join(home, 'runs')) && wait < 500; wait++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await server.stop();
  writeFileSync(join(home, 'go'), '');
  await server.start();
  const execution = await server.ended(id);

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.equal((await server.log(id, 'S.Run')).replace(/\0/g, ''), 'begin\nend\n');
  assert.equal(readdirSync(join(home, '.millrace')).length, 1);
});

test('a cancelled script is stopped on its machine', async (t) => {
  const [server, { host, home }] = await Promise.all([TestServer.start(t), machine(t)]);
  await server.import(
    pipelineAround(task(host, "trap 'touch stopped; exit 1' TERM\ntouch running\nwhile true; do sleep 0.05; done")),
  );
  const id = await server.begin('P');
  for (let wait = 0; !existsSync(join(home, 'running')) && wait < 500; wait++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await server.call('POST', `/codestream/api/executions/${id}?action=cancel`, {});

  assert.equal((await server.ended(id)).status, 'CANCELED');
  assert.ok(existsSync(join(home, 'stopped')));
});

test('what a script prints is seen while it runs', async (t) => {
  const [server, { host, home }] = await Promise.all([TestServer.start(t), machine(t)]);
  await server.import(pipelineAround(task(host, 'echo first\nwhile [ ! -e go ]; do sleep 0.05; done')));
  const id = await server.begin('P');
  for await (const { data } of server.events(`/api/executions/${id}/logs/stream?task=S.Run`)) {
    assert.equal(data.text, 'first\n');
    break;
  }
  writeFileSync(join(home, 'go'), '');

  assert.equal((await server.ended(id)).status, 'COMPLETED');
});

const hasSsh = spawnSync('ssh', ['-V']).status === 0;

test("OpenSSH's own client logs in to a machine of the local cloud by key", {
  skip: !hasSsh && 'ssh is not installed',
}, async (t) => {
  const { host } = await machine(t);
  const key = join(temporaryDirectory(t), 'key');
  writeFileSync(key, plainKey, { mode: 0o600 });
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const child = spawn('ssh', [
    '-i',
    key,
    '-p',
    host.split(':')[1]!,
    ...options.flatMap((option) => ['-o', option]),
    'ci@127.0.0.1',
    'cat; exit 3',
  ]);
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stdin.end('through OpenSSH');
  const code = await new Promise((resolve) => child.on('close', resolve));

  assert.deepEqual([code, out], [3, 'through OpenSSH']);
});
