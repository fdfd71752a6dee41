import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join, relative } from 'node:path';
import type { JsonObject } from '../../../core/json.ts';
import { isMarked, processIds, readJson, startTime, writeAtomic } from '../../../host/processes.ts';
import { keptGroups } from '../security-rules.ts';
import { shortHash } from '../short-hash.ts';
import { groupOfSite } from './control-group.ts';
import { type Member, rulesetOf } from './ruleset.ts';
import type { Card, Site } from './site.ts';

/** Milliseconds that a command may take. */
const mostMs = 60_000;

/** Where nftables looks for control groups. */
const usualRoot = '/sys/fs/cgroup';

const rulesFile = ({ directory }: Site, id: string): string => join(directory, 'groups', `${shortHash(id)}.json`);

/** What a security group says lies in the site, so that each start of a machine finds it. */
export function keepRules(site: Site, id: string, rules: readonly JsonObject[]): void {
  mkdirSync(join(site.directory, 'groups'), { recursive: true });
  writeAtomic(rulesFile(site, id), JSON.stringify(rules));
}

export function forgetRules(site: Site, id: string): void {
  rmSync(rulesFile(site, id), { force: true });
  quietly(() => rmdirSync(join(site.directory, 'groups')));
}

/** Sites whose rules are being told to nftables: one after the other. */
const underWay = new Map<string, Promise<void>>();

/**
 * Sees to it that the machines of a site keep to their security groups as they are now, where that can be enforced.
 * @throws Error naming the rule that cannot be read
 */
export function applyRules(site: Site): Promise<void> {
  const before = underWay.get(site.directory) ?? Promise.resolve();
  const done = before.catch(() => undefined).then(() => apply(site));
  underWay.set(site.directory, done);
  return done;
}

async function apply(site: Site): Promise<void> {
  const told = join(site.directory, 'firewall.nft');
  for (let members = membersOf(site); ; ) {
    const isGuarded = members.some(({ rules }) => rules);
    const group = groupOfSite(site.directory);
    // A server that died in the middle of this may have left a group of which nothing tells but itself.
    if (!group || !(isGuarded || existsSync(told) || existsSync(group)) || !(await canEnforce(site))) return;
    const table = tableOf(group);
    const ruleset = isGuarded ? rulesetOf(table, relative(usualRoot, group), members) : '';
    for (const { name } of isGuarded ? members : []) mkdirSync(join(group, name), { recursive: true });
    moveIn(site, group, isGuarded ? members : []);
    await nft(isGuarded ? ruleset : `table inet ${table}\ndelete table inet ${table}\n`);
    writeAtomic(told, ruleset);
    removeGroups(group, isGuarded ? members : []);
    if (!isGuarded) rmSync(told, { force: true });
    const now = membersOf(site);
    if (JSON.stringify(now) === JSON.stringify(members)) return;
    members = now;
  }
}

function membersOf(site: Site): Member[] {
  return readdirSync(site.directory)
    .toSorted()
    .flatMap((name) => {
      const place = join(site.directory, name);
      const card = readJson<Card>(join(place, 'card.json'));
      const groups = keptGroups(place);
      const rules = groups.flatMap((id) => readJson<JsonObject[]>(rulesFile(site, id)) ?? []);
      return card ? [{ name, address: card.address, rules: groups.length > 0 ? rules : undefined }] : [];
    });
}

/** Processes that ran before anybody needed their group. */
function moveIn(site: Site, group: string, members: readonly Member[]): void {
  const outside = processIds().filter((pid) => !textOf(`/proc/${pid}/cgroup`).includes(`/${basename(group)}/`));
  for (const { name } of members)
    for (const pid of outside)
      if (isMarked(pid, join(site.directory, name)))
        quietly(() => writeFileSync(join(group, name, 'cgroup.procs'), String(pid)));
}

/** Groups of things that are gone or need none any more, and that of the site when it is empty. */
function removeGroups(group: string, members: readonly Member[]): void {
  const kept = new Set(members.map(({ name }) => name));
  const found = existsSync(group) ? readdirSync(group, { withFileTypes: true }) : [];
  for (const { name } of found.filter((entry) => entry.isDirectory() && !kept.has(entry.name)))
    quietly(() => {
      for (const pid of textOf(join(group, name, 'cgroup.procs'))
        .split('\n')
        .filter(Boolean))
        quietly(() => writeFileSync(join(group, '..', 'cgroup.procs'), pid));
      rmdirSync(join(group, name));
    });
  if (kept.size === 0) quietly(() => rmdirSync(group));
}

let possible: Promise<boolean> | undefined;

/**
 * Whether rules can be enforced here: that needs root, nftables and control groups of version 2. Tried once, with a group, a rule and a
 * connection of our own: of kernels and containers much can be guessed, and little known.
 */
export function canEnforce(site: Site): Promise<boolean> {
  possible ??= probe(site).catch(() => false);
  return possible;
}

async function probe({ directory }: Site): Promise<boolean> {
  const site = groupOfSite(directory);
  if (process.geteuid?.() !== 0 || !site) return false;
  // By the name of the site and of this process: others may be trying it now, and what one has left that was killed is found.
  const prefix = `${site}-probe-`;
  const left = globSync(`${prefix}*`).filter((path) => startTime(Number(path.slice(prefix.length))) === undefined);
  for (const path of left) await forgetProbe(path);
  const group = `${prefix}${process.pid}`;
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    mkdirSync(group, { recursive: true });
    const from = `socket cgroupv2 level 1 "${relative(usualRoot, group)}"`;
    await nft(
      `table inet ${tableOf(group)} {\n chain output {\n type filter hook output priority 0; policy accept;\n ${from} tcp dport ${port} reject with tcp reset\n }\n}\n`,
    );
    const connect = 'echo $$ > "$0" && exec "$1" -e "$2"';
    const ask = `require('node:net').connect(${port}, '127.0.0.1').on('error', () => process.exit(7)).on('connect', () => process.exit(0))`;
    return (await run('sh', ['-c', connect, join(group, 'cgroup.procs'), process.execPath, ask])).code === 7;
  } finally {
    server.close();
    await forgetProbe(group);
  }
}

async function forgetProbe(group: string): Promise<void> {
  await run('nft', ['delete', 'table', 'inet', tableOf(group)]);
  quietly(() => rmdirSync(group));
}

const tableOf = (group: string): string => basename(group).replaceAll('-', '_');

async function nft(ruleset: string): Promise<void> {
  const { code, text } = await run('nft', ['-f', '-'], ruleset);
  if (code !== 0) throw new Error(`nftables refused the rules of security groups: ${text.trim().split('\n')[0]}`);
}

function run(program: string, args: string[], input = ''): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], timeout: mostMs });
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', ({ message }) => resolve({ code: null, text: message }));
    child.on('close', (code) => resolve({ code, text }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** What is gone meanwhile, or in use again, needs nothing. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // It is as it should be.
  }
}
