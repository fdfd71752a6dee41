import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { type Client, openClient } from '../api/client.ts';
import { isObject, type JsonObject, parseJson } from '../core/json.ts';
import { removeTree, stopOwned } from '../host/processes.ts';
import { type Browser, findBrowser } from './browser.ts';
import { type MetricsReceiver, type SlackReceiver, startMetricsReceiver, startSlackReceiver } from './receivers.ts';
import { Repository } from './repository.ts';
import { freePort, ServerProcess } from './server-process.ts';
import { findTools, lookInto } from './tools.ts';

/** Everything that the main job plays on: a directory, a server, a repository, and receivers for what has no account here. */
export interface Stage {
  directory: string;
  server: ServerProcess;
  client: Client;
  repository: Repository;
  slack: SlackReceiver;
  metrics: MetricsReceiver;
  browser: Browser;
  nameServer: string;
  password: string;
  /** Stops every process and removes every file. Harmless when repeated. */
  strike(): Promise<void>;
  /** Logs in to a machine by the ssh of this machine, where it has one, and answers what the machine says of itself. */
  lookInto: ((address: string) => Promise<string>) | undefined;
  /** What the traffic is switched by. */
  switchedBy: string;
}

export interface StageOptions {
  root: string;
  node: string;
  crashAt: string;
  heardMetrics: Parameters<typeof startMetricsReceiver>[0];
  say(text: string): void;
}

/** @throws Error in one sentence where something is missing; nothing is left behind then. */
export async function setStage({ root, node, crashAt, heardMetrics, say }: StageOptions): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  const data = join(directory, 'data');
  mkdirSync(data);
  const example = join(root, 'examples', 'tito');
  const slack = await startSlackReceiver();
  const metrics = await startMetricsReceiver(heardMetrics);
  let server: ServerProcess | undefined;
  const strike = async () => {
    await server?.stop();
    await stopOwned(directory);
    await Promise.all([slack.close(), metrics.close()]);
    removeTree(directory);
  };
  try {
    const tools = findTools();
    if (!tools.git.version)
      throw new Error('The demo pushes with Git, which is not installed: install it and run this again.');
    const browser = await findBrowser(root, join(directory, 'browser'));
    const password = randomBytes(12).toString('base64url');
    const [block, host] = randomBytes(2);
    const names = `127.${64 + (block! % 160)}.${host!}.2`;
    const dnsPort = await freePort(names);
    server = new ServerProcess({
      node,
      program: join(root, 'src', 'millrace.mjs'),
      data,
      port: await freePort('127.0.0.1'),
      dns: `${names}:${dnsPort}`,
      environment: { MILLRACE_ADMIN_PASSWORD: password, MILLRACE_CRASH_AT: crashAt },
    });
    await server.start();
    const client = await signIn(server.url, 'admin', password);
    const releaser = randomBytes(12).toString('base64url');
    await client.json('POST', '/api/users', { name: 'releaser', password: releaser, role: 'executor' });
    const names2 = parseJson(readFileSync(join(data, 'dns', 'order.json'), 'utf8')) as {
      apiPort: number;
      apiKey: string;
    };
    const dnsUrl = `http://${names}:${names2.apiPort}`;
    await makeZone(dnsUrl, names2.apiKey);
    const repository = new Repository(directory, example);
    await importExample(client, example, tools.python.version ? 'python' : 'nodejs', {
      browser: browser.executable,
      'browser module': browser.module,
      'slack url': slack.url,
      'slack token': slack.token,
      'wavefront url': metrics.url,
      'millrace url': server.url,
      'releaser password': releaser,
      'runner password': randomBytes(12).toString('base64url'),
      'runner key': makeKey(join(directory, 'ssh-key')),
      'dns server': `${names}:${dnsPort}`,
      'dns url': dnsUrl,
      'dns key': names2.apiKey,
      'google key': process.env.GOOGLE_MAPS_KEY ?? '',
    });
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
    repository.installHook(String(webhook.externalListenerLink), secret, node);
    say(`Server ${server.url} · names ${names}:${dnsPort}`);
    for (const line of found(tools, browser)) say(line);
    return {
      directory,
      server,
      client,
      repository,
      slack,
      metrics,
      browser,
      nameServer: `${names}:${dnsPort}`,
      password,
      lookInto: tools.ssh.version ? (address) => lookInto(address, join(directory, 'ssh-key')) : undefined,
      switchedBy: tools.python.version ? `a function in Python ${tools.python.version}` : `a function in Node.js`,
      strike,
    };
  } catch (thrown) {
    await strike();
    throw thrown;
  }
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

async function signIn(url: string, user: string, password: string): Promise<Client> {
  const answer = await openClient({ url, token: '' }).json('POST', '/csp/gateway/am/api/login?access_token', {
    username: user,
    password,
  });
  return openClient({ url, token: String(answer.refresh_token) });
}

async function importExample(
  client: Client,
  example: string,
  runtime: 'python' | 'nodejs',
  words: Record<string, string>,
): Promise<void> {
  const files = [
    'platform.yaml',
    'blueprint.yaml',
    'runners/blueprint.yaml',
    `functions/switch-traffic.${runtime}.yaml`,
    'pipeline.yaml',
  ];
  for (const file of files) {
    const text = Object.entries(words).reduce(
      (filled, [word, value]) => filled.replaceAll(`<${word}>`, value),
      readFileSync(join(example, file), 'utf8'),
    );
    const answer = await client.text('POST', '/codestream/api/import?action=apply&project=Tito', text);
    if (/status: FAILED/.test(answer)) throw new Error(`The server refused ${file}:\n${answer}`);
  }
}

async function makeZone(url: string, key: string): Promise<void> {
  const answer = await fetch(`${url}/api/v1/servers/localhost/zones`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'example.', kind: 'Native' }),
  });
  if (!answer.ok) throw new Error(`The name server refused the zone: ${await answer.text()}`);
}

/** Asks until the answer is good: the server may be down for a moment. */
export async function patiently<T>(work: () => Promise<T>, seconds = 30): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (Date.now() > deadline) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The run that a commit started. @throws where the event was ignored or refused, with its reason. */
export async function executionOf(client: Client, commit: string): Promise<string> {
  return patiently(async () => {
    const answer = await client.json(
      'GET',
      `/codestream/api/git-events?${new URLSearchParams({ $filter: `commitId eq '${commit}'` })}`,
    );
    const [event] = Object.values(isObject(answer.documents) ? answer.documents : {}).filter(isObject) as JsonObject[];
    const link = String(event?.executionLink ?? '');
    if (!link)
      throw new Error(
        `The push ${commit.slice(0, 8)} started no run: ${String(event?.message ?? 'no event has arrived')}`,
      );
    return link.split('/').at(-1)!;
  });
}
