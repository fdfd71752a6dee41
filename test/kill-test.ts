// Kills servers again and again while pipelines with every task type run, starts them again, and shows that nothing was lost and
// nothing keyed was done twice: npm run kill-test -- 30 [--seed N] [--database postgres|URL] [--nodes N]
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Client, openClient } from '../src/api/client.ts';
import { messageOf } from '../src/core/error.ts';
import { isObject, type JsonObject } from '../src/core/json.ts';
import { processesStanding } from '../src/demo/ground.ts';
import { seeded } from '../src/demo/kills.ts';
import { leftovers } from '../src/demo/leftovers.ts';
import { patiently } from '../src/demo/patiently.ts';
import { startSlackReceiver } from '../src/demo/receivers.ts';
import { freePort, ServerProcess } from '../src/demo/server-process.ts';
import { removeTree, stopOwned } from '../src/host/processes.ts';
import { upgrade } from '../src/store/postgres/upgrade.ts';
import { befall, chooseAccident, type Victim } from './kill/accidents.ts';
import { builders, keyedFarSide } from './kill/far-side.ts';
import { front } from './kill/front.ts';
import { type Memory, readMemory } from './kill/memory.ts';
import { examine } from './kill/proof.ts';
import { definitions } from './kill/workload.ts';
import { startCluster } from './postgres/cluster.ts';
import { lossyProxy } from './postgres/proxy.ts';

type Gerrit = Awaited<ReturnType<typeof builders>>['gerrit'];
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    database: { type: 'string' },
    nodes: { type: 'string', default: '1' },
  },
});
const wanted = numberOf(positionals[0] ?? '30', 'how often to kill');
const dice = seeded(values.seed);
const count = numberOf(values.nodes, '--nodes');
// Many nodes share a database: one of our own, where none is given.
const database = values.database ?? (count > 1 ? 'postgres' : undefined);
/** Every place between an effect and its record kills with this chance, beside the moments of the dice. */
const chanceAtPlaces = 0.02;
const [shortestLife, longestLife] = [150, 1500];
const mostUnderWay = 4;
const over = ['COMPLETED', 'FAILED', 'CANCELED', 'ROLLBACK_COMPLETED', 'ROLLBACK_FAILED'];

const cleanUp: (() => unknown)[] = [];
const later = { after: (work: () => unknown) => void cleanUp.unshift(work) };
const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
later.after(() => removeTree(directory));
later.after(() => stopOwned(directory));
const data = join(directory, 'data');
const ledger = join(directory, 'ledger');
mkdirSync(data);
writeFileSync(ledger, '');
let failed = true;
try {
  const begun = performance.now();
  const far = await keyedFarSide();
  later.after(far.close);
  const built = await builders(later);
  const slack = await startSlackReceiver();
  later.after(slack.close);
  const databaseUrl = await openDatabase();
  const names = `127.201.${1 + Math.floor(Math.random() * 250)}.2`;
  const dns = `${names}:${await freePort(names)}`;
  const victims = await makeVictims(databaseUrl, dns);
  for (const { server } of victims) await server.start();
  const gate = await front(victims.map(({ server }) => server.url));
  later.after(gate.close);
  const client = await prepare(gate.url, names, far.url, slack, built.endpoints);
  for (const { server } of victims) server.environment.MILLRACE_CRASH_AT = `*${chanceAtPlaces}`;
  await patiently(() => isHeard(client));
  const tally = await torment(victims, client, built.gerrit);
  for (const { server } of victims) server.environment.MILLRACE_CRASH_AT = '';
  await patiently(() => drain(client, slack.messages, built.gerrit), 90).catch(() => undefined);
  const left = await patiently(() => leftovers(client, processesStanding(join(data, 'site'))));
  const { owed: standing } = await readMemory(data, databaseUrl);
  const health = await Promise.all(victims.map(healthOf));
  for (const { server } of victims) await server.stop();
  const memory = await readMemory(data, databaseUrl);
  const { faults, repeated } = examine({
    memory,
    data,
    ledger,
    calls: far.calls,
    messages: slack.messages,
    built: built.counts(),
    changes: built.gerrit.changes,
  });
  const all = [...faults, ...left];
  failed = all.length > 0;
  if (failed) process.stdout.write(testimony(readFileSync(victims[0]!.server.log, 'utf8'), health, standing));
  const seconds = Math.round((performance.now() - begun) / 1000);
  const place = databaseUrl ? `PostgreSQL, ${count} nodes` : 'SQLite';
  process.stdout.write(
    `${failed ? '✘' : '✔'} ${place}: ${killsOf(victims)} kills, ${tally.hangs} hangs and ${tally.cuts} cuts in ${seconds} s: ${memory.executions.length} runs${failed ? '' : ' ended as they should'}, ${slack.messages.length} messages, ${repeated} calls came again and were known by their key; nobody answered for at most ${Math.round(tally.longestAway)} ms.\n`,
  );
  for (const fault of all.slice(0, 40)) process.stdout.write(`✘ ${fault}\n`);
  for (const { server } of victims) await server.stop();
} finally {
  for (const work of cleanUp) await work();
}
process.exit(failed ? 1 : 0);

function numberOf(text: string, what: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  process.stderr.write(
    `${what}: "${text}" is no number from 1 to 99999. npm run kill-test -- 30 [--seed N] [--nodes N]\n`,
  );
  process.exit(2);
}

/** A PostgreSQL of our own that keeps what it has committed, one that was named, or none. */
async function openDatabase(): Promise<string | undefined> {
  if (!database) return undefined;
  let url = database;
  if (url === 'postgres') {
    const cluster = await startCluster({ durable: true });
    later.after(cluster.stop);
    url = `${cluster.url}/postgres`;
  }
  await upgrade(url, null);
  return url;
}

async function makeVictims(databaseUrl: string | undefined, dns: string): Promise<Victim[]> {
  const victims: Victim[] = [];
  for (let number = 0; number < count; number++) {
    const line = databaseUrl ? await lossyProxy(later, databaseUrl) : undefined;
    const server = new ServerProcess({
      node: process.execPath,
      program: join(import.meta.dirname, '..', 'src', 'millrace.mjs'),
      data,
      port: await freePort('127.0.0.1'),
      dns,
      environment: {
        MILLRACE_ADMIN_PASSWORD: 'pw',
        MILLRACE_CRASH_AT: '',
        ...(line ? { DATABASE_URL: line.url } : {}),
      },
    });
    later.after(() => server.stop());
    victims.push({ server, line });
  }
  return victims;
}

/** Signs in, makes the zone of names, and brings the workload. */
async function prepare(
  url: string,
  names: string,
  far: string,
  slack: { url: string; token: string },
  endpoints: string[],
): Promise<Client> {
  const open = openClient({ url, token: '' });
  const { access_token } = await open.json('POST', '/csp/gateway/am/api/login', { username: 'admin', password: 'pw' });
  const client = openClient({ url, token: String(access_token) });
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
  const variables = { ledger, far, server: url, names: dns, token: String(access_token), 'names key': apiKey! };
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
  const text = [...documents, ...endpoints, JSON.stringify(team), definitions].join('\n---\n');
  const answer = await client.text('POST', '/codestream/api/import?action=apply&project=Proof', text);
  if (/FAILED/.test(answer)) throw new Error(answer);
  return client;
}

/** Keeps runs under way and answers their questions, while accidents befall the nodes at moments of chance. */
async function torment(victims: Victim[], client: Client, gerrit: Gerrit) {
  const tally = { hangs: 0, cuts: 0, longestAway: 0 };
  const live = async () => {
    await feed(client, gerrit).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  let chosen = 0;
  const accidents = () => killsOf(victims) + tally.hangs + tally.cuts;
  while (accidents() < wanted) {
    const before = killsOf(victims);
    const death = performance.now() + shortestLife + dice() * (longestLife - shortestLife);
    while (performance.now() < death && killsOf(victims) === before) await live();
    const accident = chooseAccident(dice, victims.length === 1, chosen++);
    const gone = performance.now();
    if (killsOf(victims) === before) {
      await befall(victims[Math.floor(dice() * victims.length)]!, accident, live);
      if (accident.kind === 'hang') tally.hangs++;
      if (accident.kind === 'cut') tally.cuts++;
    }
    await patiently(async () => {
      if (accident.kind === 'kill' && killsOf(victims) === before) throw new Error('It has not died yet.');
      const ready = await Promise.all(victims.map(({ server }) => server.isReady()));
      if (!ready.includes(true)) throw new Error('Nobody is back yet.');
    });
    if (accident.kind === 'kill') tally.longestAway = Math.max(tally.longestAway, performance.now() - gone);
  }
  return tally;
}

function healthOf({ server: { url, pid } }: Victim): Promise<string> {
  return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) }).then(
    async (answer) => `${pid} at ${url}: ${await answer.text()}`,
    (reason) => `${pid} at ${url}: ${messageOf(reason)}`,
  );
}

/** What tells most of why something went wrong: what the servers said beside the news of runs, and who was to do what is left. */
function testimony(log: string, health: string[], standing: Memory['owed']): string {
  const said = log.split('\n').filter((line) => !/"A run has (started|ended)\."/.test(line));
  return [
    `What the servers said last:\n${said.slice(-40).join('\n')}`,
    ...health.map((told) => `Before they were stopped: ${told}\n`),
    ...standing.map((command) => `Owed before they were stopped: ${JSON.stringify(command)}\n`),
  ].join('\n');
}

function killsOf(victims: Victim[]): number {
  return victims.reduce((sum, { server }) => sum + server.kills, 0);
}

/** Whether the line to Gerrit stands: what happened before was not to be heard. */
async function isHeard(client: Client): Promise<void> {
  const { _line, _reason } = await client.json('GET', '/codestream/api/gerrit-listeners/Proof/reviews');
  if (_line !== 'UP') throw new Error(String(_reason));
}

async function feed(client: Client, gerrit: Gerrit): Promise<void> {
  const open = await underWay(client);
  await approve(client);
  if (open >= mostUnderWay) return;
  const chosen = dice();
  if (chosen > 0.9) return void gerrit.push('proof', 'main', `Change ${gerrit.changes.length}`, ['a']);
  const pipeline = chosen < 0.45 ? 'Everything' : chosen < 0.65 ? 'Kept' : chosen < 0.8 ? 'Elsewhere' : 'Breaks';
  await client.json('POST', `/codestream/api/pipelines/Proof/${pipeline}/executions`, { input: {} });
}

async function drain(client: Client, messages: unknown[], { changes }: Gerrit): Promise<void> {
  await approve(client);
  if (changes.some(({ comments }) => comments.length === 0)) throw new Error('Some change has not heard of its run.');
  if ((await underWay(client)) > 0 || !(await isSilent(messages))) throw new Error('Some run has not ended.');
}

/** Whether what is owed after the last run has been done: notices, turns, directories. */
async function isSilent(messages: unknown[]): Promise<boolean> {
  const before = messages.length;
  await new Promise((resolve) => setTimeout(resolve, 3500));
  return messages.length === before;
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
  if (!isObject(found)) throw new Error(`${path} was answered without documents.`);
  return Object.values(found).filter(isObject);
}
