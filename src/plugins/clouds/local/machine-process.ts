// One machine of the process profile: its first start, its services, and its SSH server. Everything it starts carries its mark.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from '../../../host/node-http.ts';
import { leaveToTwin, readJson, writeAtomic } from '../../../host/processes.ts';
import type { CloudConfig } from './cloud-config.ts';
import { enterControlGroup } from './control-group.ts';
import { keepWithinMemory } from './machine-memory.ts';
import { serveSsh } from './machine-ssh.ts';
import { readUnit } from './unit.ts';

/** What the resource hands to the process. */
export interface MachineOrder {
  address: string;
  sshPort: number;
  controlPort: number;
  token: string;
  memoryMb: number;
  environment: Record<string, string>;
  cloudConfig: CloudConfig;
}

/** What the process tells the resource. */
export interface MachineStatus {
  state: 'booting' | 'ready' | 'failed';
  message: string;
}

const directory = process.argv[2]!;
const order = readJson<MachineOrder>(join(directory, 'order.json'))!;
const root = join(directory, 'root');
/** Why a process was killed for its memory, where one was. */
let killed = '';
/** Services that a later start begins by itself. */
const enabledFile = join(directory, 'enabled.json');
const services = new Map<string, { child: ChildProcess; wanted: boolean }>();
const environment: Record<string, string> = {
  PATH: `${join(directory, 'bin')}:${process.env.PATH ?? ''}`,
  LANG: 'C.UTF-8',
  HOME: join(root, 'root'),
  TMPDIR: join(root, 'tmp'),
  MACHINE_ROOT: root,
  MACHINE_ADDRESS: order.address,
  HOSTNAME: order.cloudConfig.hostname,
  NODE_OPTIONS: `--max-old-space-size=${order.memoryMb}`,
  MILLRACE_OWNER: `${process.env.MILLRACE_OWNER ?? directory}/child`,
  ...order.environment,
};

process.on('SIGTERM', () => process.exit(0));
boot().catch((error: Error) => report({ state: 'failed', message: error.message }));

async function boot(): Promise<void> {
  enterControlGroup(directory);
  for (const path of ['root', 'tmp', 'home', 'etc/systemd/system', 'var/log'])
    mkdirSync(join(root, path), { recursive: true });
  mkdirSync(join(directory, 'bin'), { recursive: true });
  await serveControl();
  report({ state: 'booting', message: '' });
  keepWithinMemory(directory, order.memoryMb, (sentence) => {
    killed = sentence;
    appendFileSync(join(root, 'var/log/kernel.log'), `${sentence}\n`);
  });
  installSystemctl();
  for (const { name } of order.cloudConfig.users) mkdirSync(homeOf(name), { recursive: true });
  await serveSsh({
    address: order.address,
    port: order.sshPort,
    users: order.cloudConfig.users,
    keyFile: join(directory, 'host-key'),
    start: (command, user) => inShell(command, homeOf(user), { HOME: homeOf(user), USER: user }),
  });
  if (!existsSync(join(directory, 'booted'))) await firstBoot();
  else for (const name of readJson<string[]>(enabledFile) ?? []) if (!services.has(name)) startService(name);
  report({ state: 'ready', message: '' });
}

async function firstBoot(): Promise<void> {
  for (const { path, content, mode, append } of order.cloudConfig.files) {
    const inside = join(root, normalize(`/${path}`));
    mkdirSync(join(inside, '..'), { recursive: true });
    if (append) appendFileSync(inside, content);
    else writeFileSync(inside, content);
    chmodSync(inside, mode);
  }
  for (const [index, command] of order.cloudConfig.commands.entries()) {
    const { code, output } = await finished(
      Array.isArray(command) ? spawnIn(command[0]!, command.slice(1), root, {}) : inShell(command, root, {}),
    );
    appendFileSync(join(directory, 'boot.log'), output);
    if (code !== 0) {
      const last = output.trim().split('\n').slice(-3).join(' / ');
      throw new Error(
        `command ${index + 1} of runcmd (${(Array.isArray(command) ? command.join(' ') : command).slice(0, 80)}) ended with ${code}: ${killed || last}`,
      );
    }
  }
  writeFileSync(join(directory, 'booted'), '');
}

function inShell(command: string, cwd: string, extra: Record<string, string>): ChildProcess {
  return spawnIn('/bin/sh', ['-c', command], cwd, extra);
}

/** Limits of open files and core dumps hold for everything on the machine. */
function spawnIn(command: string, args: string[], cwd: string, extra: Record<string, string>): ChildProcess {
  return spawn('/bin/sh', ['-c', 'ulimit -c 0; ulimit -n 4096; exec "$@"', 'sh', command, ...args], {
    cwd,
    env: { ...environment, ...extra },
    stdio: 'pipe',
  });
}

function finished(child: ChildProcess): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.stdin?.end();
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 255, output }));
  });
}

/** `systemctl` inside of the machine asks this process. */
function serveControl(): Promise<void> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://machine');
    if (request.headers.authorization !== order.token) return void response.writeHead(401).end();
    try {
      response.end(systemctl(url.searchParams.get('verb') ?? '', url.searchParams.getAll('unit')));
    } catch (error) {
      response.writeHead(400).end((error as Error).message);
    }
  });
  return new Promise((resolve, reject) => {
    server.on('error', (error) => {
      leaveToTwin(directory, 'machine', error);
      reject(portError(error, order.controlPort));
    });
    server.listen(order.controlPort, order.address, resolve);
  });
}

function systemctl(verb: string, units: string[]): string {
  const names = units.map((unit) => unit.replace(/\.service$/, ''));
  switch (verb) {
    case 'daemon-reload':
      return '';
    case 'enable':
    case 'disable':
      setEnabled(names, verb === 'enable');
      return '';
    case 'enable --now':
      setEnabled(names, true);
      for (const name of names) if (!services.get(name)?.wanted) startService(name);
      return '';
    case 'start':
      for (const name of names) if (!services.get(name)?.wanted) startService(name);
      return '';
    case 'restart':
      for (const name of names) {
        stopService(name);
        startService(name);
      }
      return '';
    case 'stop':
      for (const name of names) stopService(name);
      return '';
    case 'is-active':
    case 'status':
      return names.map((name) => (services.get(name)?.child.exitCode === null ? 'active' : 'inactive')).join('\n');
    default:
      throw new Error(`systemctl ${verb} is not possible here.`);
  }
}

function setEnabled(names: string[], isEnabled: boolean): void {
  const others = (readJson<string[]>(enabledFile) ?? []).filter((name) => !names.includes(name));
  writeAtomic(enabledFile, JSON.stringify(isEnabled ? [...others, ...names] : others));
}

function startService(name: string): void {
  const path = join(root, 'etc/systemd/system', `${name}.service`);
  if (!existsSync(path)) throw new Error(`There is no unit ${name}: /etc/systemd/system/${name}.service is missing.`);
  const unit = readUnit(readFileSync(path, 'utf8'));
  const words = unit.command.split(/\s+/).map((word) => insideOf(word));
  const child = spawnIn(words[0]!, words.slice(1), insideOf(unit.directory) || root, unit.environment);
  const log = createWriteStream(join(root, 'var/log', `${name}.log`), { flags: 'a' });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  child.stdin?.end();
  const service = { child, wanted: true };
  services.set(name, service);
  child.on('exit', () => {
    if (service.wanted && unit.restart) setTimeout(() => service.wanted && startService(name), 500);
  });
}

function stopService(name: string): void {
  const service = services.get(name);
  if (!service) return;
  service.wanted = false;
  service.child.kill('SIGTERM');
  services.delete(name);
}

/** `/opt/x` means the machine's own /opt/x; a program it does not have is looked up by its name. */
function insideOf(word: string): string {
  if (!word.startsWith('/')) return word;
  const inside = join(root, normalize(word));
  return existsSync(inside) ? inside : (word.split('/').at(-1) ?? word);
}

function homeOf(user: string): string {
  return user === 'root' ? join(root, 'root') : join(root, 'home', user);
}

function installSystemctl(): void {
  const client = fileURLToPath(new URL('./systemctl.mjs', import.meta.url));
  const path = join(directory, 'bin', 'systemctl');
  writeFileSync(
    path,
    `#!/bin/sh\nNODE_OPTIONS= MACHINE_CONTROL=${order.address}:${order.controlPort} MACHINE_TOKEN=${order.token} exec "${process.execPath}" "${client}" "$@"\n`,
  );
  chmodSync(path, 0o700);
}

function report(status: MachineStatus): void {
  writeAtomic(join(directory, 'status.json'), JSON.stringify(status));
}

function portError(error: NodeJS.ErrnoException, port: number): Error {
  return error.code === 'EADDRINUSE'
    ? new Error(`the address ${order.address}:${port} is taken by another process`)
    : error;
}
