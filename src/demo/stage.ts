import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { Client } from '../api/client.ts';
import { paints } from '../cli/output.ts';
import { messageOf } from '../core/error.ts';
import { parseJson } from '../core/json.ts';
import { removeTree, stopOwned } from '../host/processes.ts';
import type { MetricPoint } from '../lang/metric-line.ts';
import { type Browser, findBrowser } from './browser.ts';
import { importFiles, makeZone, signIn } from './client.ts';
import { containerGround } from './container-ground.ts';
import { followRun } from './follow.ts';
import { type Ground, type Profile, processGround } from './ground.ts';
import { type MetricsReceiver, type SlackReceiver, startMetricsReceiver, startSlackReceiver } from './receivers.ts';
import { Repository } from './repository.ts';
import { freePort, ServerProcess } from './server-process.ts';
import { findTools, lookInto } from './tools.ts';

/** Everything that the main job plays on: a directory, a server, a repository, and receivers for what has no account here. */
export interface Stage {
  directory: string;
  server: ServerProcess;
  client: Client;
  ground: Ground;
  repository: Repository;
  slack: SlackReceiver;
  metrics: MetricsReceiver;
  browser: Browser;
  nameServer: string;
  password: string;
  /** What the traffic is switched by. */
  switchedBy: string;
  /** Stops every process and removes every file. Harmless when repeated. */
  strike(): Promise<void>;
}

export interface StageOptions {
  root: string;
  node: string;
  profile: Profile;
  crashAt: string;
  /** Rejects when nobody wants it any more. */
  interrupted: Promise<never>;
  heardMetrics(points: MetricPoint[]): void;
  say(text: string): void;
}

/** @throws Error in one sentence where something is missing; nothing is left behind then. */
export async function setStage({
  root,
  node,
  profile,
  crashAt,
  interrupted,
  heardMetrics,
  say,
}: StageOptions): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  const data = join(directory, 'data');
  mkdirSync(data);
  const example = join(root, 'examples', 'tito');
  const closing: (() => unknown)[] = [() => removeTree(directory), () => stopOwned(directory)];
  const strike = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const tools = findTools();
    if (!tools.git.version)
      throw new Error('The demo pushes with Git, which is not installed: install it and run this again.');
    const browser = await browserFor(profile, root, directory);
    const ground = profile === 'process' ? processGround(data, browser) : await containerGround(root, data, say);
    closing.push(ground.strike);
    const slack = await startSlackReceiver();
    closing.push(slack.close);
    const metrics = await startMetricsReceiver(ground.address, heardMetrics);
    closing.push(metrics.close);
    const password = newSecret();
    const ownNames = ground.names ? undefined : await addressForNames();
    const server = new ServerProcess({
      node,
      program: join(root, 'src', 'millrace.mjs'),
      data,
      port: await freePort('127.0.0.1'),
      dns: ownNames,
      environment: { ...ground.environment, MILLRACE_ADMIN_PASSWORD: password, MILLRACE_CRASH_AT: crashAt },
    });
    closing.push(() => server.stop());
    await server.start();
    const client = await signIn(server.url, 'admin', password);
    const releaser = newSecret();
    await client.json('POST', '/api/users', { name: 'releaser', password: releaser, role: 'executor' });
    const names = ownNames ? await ownZone(data, ownNames) : { server: '', url: '', key: newSecret() };
    const words: Record<string, string> = {
      ...ground.words,
      '<slack url>': slack.url,
      '<slack token>': slack.token,
      '<wavefront url>': metrics.url,
      '<millrace url>': server.url,
      '<releaser password>': releaser,
      '<database password>': newSecret(),
      '<runner password>': newSecret(),
      '<runner key>': makeKey(join(directory, 'ssh-key')),
      '<runner>': '',
      '<metric proxies>': '',
      '<dns server>': names.server,
      '<dns url>': names.url,
      '<dns key>': names.key,
      '<google key>': process.env.GOOGLE_MAPS_KEY ?? '',
    };
    const { platform, blueprint, runner } = ground.files;
    const machines = [platform, 'connections.yaml', blueprint, runner, ...(ground.names ? [ground.names.file] : [])];
    const language = tools.python.version ? 'python' : 'nodejs';
    const pipelines = ['runners/pipeline.yaml', `functions/switch-traffic.${language}.yaml`, 'pipeline.yaml'];
    await importFiles(client, example, [...machines, ...pipelines], words);
    say(`Server ${server.url}`);
    for (const line of found(tools, browser)) say(line);
    say(`\n${paints.bold('What all releases use')}`);
    const prepared = await Promise.race([prepare(client, ground.names?.blueprint ?? '', say), interrupted]);
    const { runner: runnerSsh, runner_address: runnerAddress, dns_server: dnsServer, dns_url: dnsUrl } = prepared;
    if (ground.names) Object.assign(words, { '<dns server>': dnsServer, '<dns url>': dnsUrl });
    Object.assign(words, {
      '<runner>': runnerSsh,
      '<metric proxies>': `${new URL(metrics.url).host} ${runnerAddress}:2878`,
    });
    await importFiles(client, example, ['connections.yaml'], words);
    const repository = new Repository(directory, example);
    const secret = randomBytes(18).toString('hex');
    const webhook = await client.json('POST', '/codestream/api/git-webhooks', {
      project: 'Tito',
      name: 'tito pushes',
      serverType: 'GITHUB',
      repoName: 'tito/tito',
      branchName: 'main',
      pipeline: 'Release Tito',
      secretToken: secret,
      owner: 'admin',
    });
    repository.installHook({
      listener: String(webhook.externalListenerLink),
      secret,
      cloneUrl: await ground.publish(repository.bare),
      node,
    });
    if (tools.ssh.version) say(await showInside(runnerSsh!, join(directory, 'ssh-key')));
    say(`Names are answered at ${words['<dns server>']}`);
    return {
      directory,
      server,
      client,
      ground,
      repository,
      slack,
      metrics,
      browser,
      nameServer: words['<dns server>']!,
      password,
      switchedBy: tools.python.version ? `a function in Python ${tools.python.version}` : `a function in Node.js`,
      strike,
    };
  } catch (thrown) {
    await strike();
    throw thrown;
  }
}

const newSecret = (): string => randomBytes(12).toString('base64url');

/** Deploys what all releases use. Answers what the pipeline of it says. @throws where it failed, with its reason. */
async function prepare(client: Client, names: string, say: (text: string) => void): Promise<Record<string, string>> {
  const { executionId } = await client.json('POST', '/codestream/api/pipelines/Tito/Prepare Tito/executions', {
    input: { names_blueprint: names },
  });
  const { status, message, output } = await followRun(String(executionId), {
    client,
    say,
    onEvent: () => undefined,
    terminal: undefined,
  });
  if (status !== 'COMPLETED') throw new Error(`What all releases use could not be deployed: ${message}`);
  return Object.fromEntries(Object.entries(output).map(([name, value]) => [name, String(value)]));
}

/** A loopback address of its own, so that names can be served at it beside other demos. */
async function addressForNames(): Promise<string> {
  const [block, host] = randomBytes(2);
  const address = `127.${64 + (block! % 160)}.${host!}.2`;
  return `${address}:${await freePort(address)}`;
}

/** Makes the zone at the server's own name server, and answers how that is asked. */
async function ownZone(data: string, server: string): Promise<{ server: string; url: string; key: string }> {
  const order = parseJson(readFileSync(join(data, 'dns', 'order.json'), 'utf8')) as { apiPort: number; apiKey: string };
  const url = `http://${server.split(':')[0]}:${order.apiPort}`;
  await makeZone(url, order.apiKey);
  return { server, url, key: order.apiKey };
}

/** In containers, the browser is one of theirs. */
async function browserFor(profile: Profile, root: string, directory: string): Promise<Browser> {
  return profile === 'container'
    ? { executable: '/usr/bin/chromium', module: '', said: 'of Debian, in the container of the runner' }
    : findBrowser(root, join(directory, 'browser'));
}

/** Shows once that a machine is one that anybody's ssh can log in to. */
async function showInside(address: string, key: string): Promise<string> {
  const seen = await lookInto(address, key).catch((thrown) => `no: ${messageOf(thrown)}`);
  const [host, port] = address.split(':');
  return paints.dim(`  ssh -p ${port} ci@${host} says: ${seen}`);
}

/** A key pair for people who look into machines: the private half is a file, the public half is answered. */
function makeKey(path: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  writeFileSync(path, pem, { mode: 0o600 });
  const parsed = ssh2.utils.parseKey(pem);
  if (parsed instanceof Error) throw parsed;
  return `ssh-rsa ${parsed.getPublicSSH().toString('base64')}`;
}

/** What was found on this machine, what it is used for, and what happens without it. */
function found({ python, ssh }: ReturnType<typeof findTools>, browser: Browser): string[] {
  return [
    `  python3  ${python.version ? `${python.version}: switches the traffic` : 'missing: the traffic is switched by a function in Node.js'}`,
    `  browser  ${browser.executable ? `${browser.said}: runs the UI tests` : `${browser.said}: the UI tests run over HTTP`}`,
    `  ssh      ${ssh.version ? `${ssh.version}: looks into a machine, as you could; Millrace brings its own` : 'missing: not needed, Millrace brings its own'}`,
  ];
}
