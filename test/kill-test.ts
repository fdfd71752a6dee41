// Kills the server again and again while pipelines with every task type run, starts it again, and shows that nothing was lost
// and nothing keyed was done twice: npm run kill-test -- 30 [--seed N]
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Client, openClient } from '../src/cli/client.ts';
import { isObject, type JsonObject } from '../src/core/json.ts';
import { seeded } from '../src/demo/kills.ts';
import { leftovers } from '../src/demo/leftovers.ts';
import { startSlackReceiver } from '../src/demo/receivers.ts';
import { freePort, ServerProcess } from '../src/demo/server-process.ts';
import { patiently } from '../src/demo/stage.ts';
import { removeTree, stopOwned } from '../src/host/processes.ts';
import { keyedFarSide } from './kill/far-side.ts';
import { examine } from './kill/proof.ts';
import { definitions } from './kill/workload.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' } },
});
const wanted = Number(positionals[0] ?? 30);
const dice = seeded(values.seed);
/** Every place between an effect and its record kills with this chance, beside the moments of the dice. */
const chanceAtPlaces = 0.02;
const [shortestLife, longestLife] = [150, 1500];
const mostUnderWay = 4;
const over = ['COMPLETED', 'FAILED', 'CANCELED', 'ROLLBACK_COMPLETED', 'ROLLBACK_FAILED'];

const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
const data = join(directory, 'data');
const ledger = join(directory, 'ledger');
mkdirSync(data);
writeFileSync(ledger, '');
const far = await keyedFarSide();
const slack = await startSlackReceiver();
const names = `127.201.${1 + Math.floor(Math.random() * 250)}.2`;
const server = new ServerProcess({
  node: process.execPath,
  program: join(import.meta.dirname, '..', 'src', 'main.ts'),
  data,
  port: await freePort('127.0.0.1'),
  dns: `${names}:${await freePort(names)}`,
  environment: { MILLRACE_ADMIN_PASSWORD: 'pw', MILLRACE_CRASH_AT: '' },
});
let failed = true;
try {
  const begun = Date.now();
  await server.start();
  const client = await prepare();
  server.environment.MILLRACE_CRASH_AT = `*${chanceAtPlaces}`;
  const longestAway = await torment(client);
  server.environment.MILLRACE_CRASH_AT = '';
  await patiently(() => drain(client), 60).catch(() => undefined);
  const left = await patiently(() => leftovers(client, join(data, 'site')));
  await server.stop();
  const { executions, faults, repeated } = examine({ data, ledger, calls: far.calls, messages: slack.messages });
  const all = [...faults, ...left];
  failed = all.length > 0;
  for (const fault of all.slice(0, 40)) process.stdout.write(`✘ ${fault}\n`);
  const seconds = Math.round((Date.now() - begun) / 1000);
  process.stdout.write(
    `${failed ? '✘' : '✔'} ${server.kills} kills in ${seconds} s: ${executions.length} runs ended as they should, ${slack.messages.length} messages, ${repeated} calls came again and were known by their key; away for at most ${longestAway} ms.\n`,
  );
} finally {
  await server.stop();
  if (failed)
    process.stdout.write(
      `What the server said: ${readFileSync(server.log, 'utf8').split('\n').slice(-12).join('\n')}\n`,
    );
  await stopOwned(directory);
  far.close();
  await slack.close();
  removeTree(directory);
}
process.exit(failed ? 1 : 0);

/** Signs in, makes the zone of names, and brings the workload. */
async function prepare(): Promise<Client> {
  const open = openClient({ url: server.url, token: '' });
  const { access_token } = await open.json('POST', '/csp/gateway/am/api/login', { username: 'admin', password: 'pw' });
  const client = openClient({ url: server.url, token: String(access_token) });
  const { apiPort, apiKey } = JSON.parse(readFileSync(join(data, 'dns', 'order.json'), 'utf8')) as Record<
    string,
    string
  >;
  const dns = `http://${names}:${apiPort}`;
  await fetch(`${dns}/api/v1/servers/localhost/zones`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey!, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'proof.', kind: 'Native', nameservers: [] }),
  });
  const variables = {
    ledger,
    far: far.url,
    server: server.url,
    names: dns,
    token: String(access_token),
    'names key': apiKey!,
  };
  const secret = ['token', 'names key'];
  const documents = Object.entries(variables).map(([name, value]) =>
    JSON.stringify({
      project: 'Proof',
      kind: 'VARIABLE',
      name,
      type: secret.includes(name) ? 'SECRET' : 'REGULAR',
      value,
    }),
  );
  const team = {
    project: 'Proof',
    kind: 'ENDPOINT',
    name: 'team',
    type: 'slack',
    properties: { url: slack.url, token: slack.token },
  };
  const text = [...documents, JSON.stringify(team), definitions].join('\n---\n');
  const answer = await client.text('POST', '/codestream/api/import?action=apply&project=Proof', text);
  if (/FAILED/.test(answer)) throw new Error(answer);
  return client;
}

/** Keeps runs under way and answers their questions, while the power fails at moments of chance. Answers the longest absence. */
async function torment(client: Client): Promise<number> {
  let longest = 0;
  while (server.kills < wanted) {
    const before = server.kills;
    const death = Date.now() + shortestLife + dice() * (longestLife - shortestLife);
    while (Date.now() < death && server.kills === before) {
      await feed(client).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const gone = Date.now();
    if (server.kills === before) server.kill();
    await patiently(async () => {
      if (server.kills === before || !(await server.isReady())) throw new Error('It is not back yet.');
    });
    longest = Math.max(longest, Date.now() - gone);
  }
  return longest;
}

async function feed(client: Client): Promise<void> {
  const open = await underWay(client);
  await approve(client);
  if (open >= mostUnderWay) return;
  const pipeline = dice() < 0.7 ? 'Everything' : 'Breaks';
  await client.json('POST', `/codestream/api/pipelines/Proof/${pipeline}/executions`, { input: {} });
}

async function drain(client: Client): Promise<void> {
  await approve(client);
  if ((await underWay(client)) > 0 || !(await isSilent())) throw new Error('Some run has not ended.');
}

/** Whether what is owed after the last run has been done: notices, turns, directories. */
async function isSilent(): Promise<boolean> {
  const before = slack.messages.length;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return slack.messages.length === before;
}

async function underWay(client: Client): Promise<number> {
  const runs = await documents(client, '/codestream/api/executions?$top=1000');
  return runs.filter(({ status }) => !over.includes(String(status))).length;
}

async function approve(client: Client): Promise<void> {
  for (const { id } of await documents(client, "/codestream/api/user-operations?$top=1000&$filter=status eq 'ACTIVE'"))
    await client.json('PATCH', `/codestream/api/user-operations/${String(id)}`, { status: 'APPROVED' });
}

async function documents(client: Client, path: string): Promise<JsonObject[]> {
  const { documents: found } = await client.json('GET', path.replaceAll(' ', '%20').replaceAll("'", '%27'));
  return Object.values(isObject(found) ? found : {}).filter(isObject);
}
