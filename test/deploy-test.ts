// Tries what deploy/ ships: manifests against the schemas of Kubernetes, the image as two nodes on one PostgreSQL, the unit under
// systemd: npm run deploy-test. Needs podman, mmdebstrap, kubectl and PostgreSQL, and root.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { openClient } from '../src/api/client.ts';
import { patiently } from '../src/demo/patiently.ts';
import { freePort } from '../src/demo/server-process.ts';
import { removeTree } from '../src/host/processes.ts';
import { startCluster } from './postgres/cluster.ts';

const root = join(import.meta.dirname, '..');
const schemas = 'kubernetes-models@5.1.0';
const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096'];
const check = `
kind: PIPELINE
project: Try
name: Check
enabled: true
stages: {S: {tasks: {T: {type: Condition, input: {condition: 'true'}}}}}
`;

const directory = mkdtempSync(join(tmpdir(), 'millrace-deploy-'));
const cleanUp: (() => unknown)[] = [() => removeTree(directory)];

try {
  await step('manifests', checkManifests);
  await step('image', buildImage);
  await step('two nodes in containers', tryContainers);
  await step('unit under systemd', tryUnit);
} finally {
  for (const work of cleanUp.reverse()) await work();
}
process.exit(process.exitCode ?? 0);

async function step(name: string, work: () => void | Promise<void>): Promise<void> {
  const begun = Date.now();
  await work();
  process.stdout.write(`✔ ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)\n`);
}

/** Each document that kustomize renders is what the schema of its kind wants. The schemas are large, so only this test has them. */
async function checkManifests(): Promise<void> {
  run('npm', ['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error', '--prefix', directory, schemas]);
  const models = join(directory, 'node_modules/kubernetes-models');
  const modelOf = async (apiVersion: string, kind: string) =>
    (await import(pathToFileURL(join(models, apiVersion, `${kind}.js`)).href))[kind];
  for (const folder of ['base', 'example']) {
    // Kustomize breaks long base64 into lines, which Kubernetes reads and the schema does not know.
    const rendered = run('kubectl', ['kustomize', join(root, 'deploy/kubernetes', folder)]).replace(
      /\|\n((?: {4}[\w+/=]+\n)+)/g,
      (_, lines: string) => `${lines.replace(/\s/g, '')}\n`,
    );
    const documents = parseAllDocuments(rendered).map(
      (document) => document.toJS() as { apiVersion: string; kind: string },
    );
    assert.ok(documents.length >= 5, `Only ${documents.length} objects in ${folder}.`);
    for (const document of documents) {
      const Model = await modelOf(document.apiVersion, document.kind);
      new Model(document).validate();
    }
  }
  const Deployment = await modelOf('apps/v1', 'Deployment');
  const wrong = new Deployment({ metadata: { name: 'x' }, spec: { replicas: 'three' } });
  assert.throws(() => wrong.validate(), 'A wrong manifest passes: the check checks nothing.');
}

function buildImage(): void {
  const base = join(directory, 'base.tar');
  run('mmdebstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', base]);
  podman('import', base, 'localhost/millrace-base');
  run(process.execPath, [
    join(root, 'scripts/image.mjs'),
    'localhost/millrace',
    '--base',
    'localhost/millrace-base',
    '--runtime',
    'runc',
  ]);
}

/** One key and one database, and a pod's limits: no root, nothing writable but its data. */
async function tryContainers(): Promise<void> {
  const cluster = await startCluster({ durable: true });
  cleanUp.push(cluster.stop);
  const key = join(directory, 'key');
  mkdirSync(key);
  writeFileSync(join(key, 'master.key'), Buffer.alloc(32, 1).toString('base64'), { mode: 0o444 });
  const environment = {
    DATABASE_URL: `${cluster.url}/postgres`,
    MILLRACE_KEY_FILE: '/etc/millrace/master.key',
    MILLRACE_ADMIN_PASSWORD: 'pw',
  };
  const given = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const hardened = [
    '--network',
    'host',
    ...limits,
    '--read-only',
    '--cap-drop',
    'ALL',
    '--tmpfs',
    '/tmp',
    '--volume',
    `${key}:/etc/millrace:ro`,
    ...given,
  ];
  podman('run', '--rm', ...hardened, 'localhost/millrace', 'db', 'migrate');
  const ports = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  for (const port of ports) {
    const name = `millrace-test-${port}`;
    podman(
      'run',
      '--detach',
      '--name',
      name,
      ...hardened,
      'localhost/millrace',
      'serve',
      '--port',
      String(port),
      '--no-local-cloud',
    );
    cleanUp.push(() => podman('rm', '--force', '--time', '0', name));
  }
  for (const port of ports) await ready(port);
  const [one, other] = await Promise.all(ports.map(signedIn));
  await one!.text('POST', '/codestream/api/import?action=apply&project=Try', check);
  const { executionId } = await other!.json('POST', '/codestream/api/pipelines/Try/Check/executions', { input: {} });
  const stop = new AbortController();
  for await (const { data } of one!.events(`/api/events?execution=${String(executionId)}`, '0', stop.signal)) {
    if (data.type !== 'execution-ended') continue;
    assert.equal(data.status, 'COMPLETED');
    break;
  }
  stop.abort();
  podman('stop', '--time', '10', `millrace-test-${ports[0]}`);
  assert.equal(podman('inspect', '--format', '{{.State.ExitCode}}', `millrace-test-${ports[0]}`).trim(), '0');
}

/** Boots systemd in a container of the image, starts the unit, kills it, and finds it back. */
async function tryUnit(): Promise<void> {
  const context = join(directory, 'systemd');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Containerfile'),
    'FROM localhost/millrace\nUSER 0\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd systemd-sysv procps >/dev/null\nENTRYPOINT []\nCMD ["/sbin/init"]\n',
  );
  podman('build', '--network', 'host', ...limits, '--tag', 'localhost/millrace-systemd', context);
  const name = 'millrace-test-systemd';
  podman('rm', '--force', '--ignore', '--time', '0', name);
  podman(
    'run',
    '--detach',
    '--name',
    name,
    '--systemd',
    'always',
    '--network',
    'host',
    ...limits,
    '--privileged',
    'localhost/millrace-systemd',
  );
  cleanUp.push(() => podman('rm', '--force', '--time', '0', name));
  const inside = (...args: string[]) => podman('exec', name, ...args);
  podman('cp', join(root, 'deploy/systemd/millrace@.service'), `${name}:/etc/systemd/system/millrace@.service`);
  await patiently(() => inside('systemctl', 'daemon-reload'));
  inside('systemd-analyze', 'verify', '/etc/systemd/system/millrace@.service');
  const port = await freePort('127.0.0.1');
  inside('systemctl', 'start', `millrace@${port}`);
  await ready(port);
  const main = () => inside('systemctl', 'show', '--property', 'MainPID', '--value', `millrace@${port}`).trim();
  const before = main();
  inside('kill', '-9', before);
  await patiently(() => assert.notEqual(main(), before));
  await ready(port);
  inside('systemctl', 'stop', `millrace@${port}`);
  assert.equal(inside('systemctl', 'show', '--property', 'Result', '--value', `millrace@${port}`).trim(), 'success');
}

async function signedIn(port: number) {
  const url = `http://127.0.0.1:${port}`;
  const login = { username: 'admin', password: 'pw' };
  const { access_token } = await openClient({ url, token: '' }).json('POST', '/csp/gateway/am/api/login', login);
  return openClient({ url, token: String(access_token) });
}

function ready(port: number): Promise<unknown> {
  return patiently(async () => assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200));
}

function podman(...args: string[]): string {
  return run('podman', ['--runtime', 'runc', ...args]);
}

function run(command: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 27 });
  if (status === 0) return stdout;
  throw new Error(
    `${command} ${args.slice(0, 6).join(' ')} failed: ${error?.message ?? ''} ${stdout.slice(-1500)} ${stderr.slice(-1500)}`,
  );
}
