import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../src/demo/server-process.ts';

/** A PostgreSQL server of our own on a free port; it belongs to whoever started it. */
export interface Cluster {
  /** Of its superuser, without a database. */
  url: string;
  directory: string;
  stop(): void;
  /** As the power does. */
  kill(): void;
  start(): void;
}

export interface ClusterOptions {
  /** Whether commits wait for the disk: off for tests of what is written, on where crashes and speed are measured. */
  durable: boolean;
  settings?: string[];
}

/** The directory of the programs of the newest PostgreSQL that is installed; undefined: there is none. */
export function postgresPrograms(): string | undefined {
  const versions = globSync('/usr/lib/postgresql/*/bin').sort(
    (a, b) => Number(b.split('/')[4]) - Number(a.split('/')[4]),
  );
  const inPath = (process.env.PATH ?? '').split(delimiter);
  return [...versions, ...inPath].find((directory) => existsSync(join(directory, 'initdb')));
}

/** Makes and starts a server in a directory of its own. Root may not run one, so that root takes the user postgres for it. */
export async function startCluster({ durable, settings = [] }: ClusterOptions): Promise<Cluster> {
  const programs = postgresPrograms()!;
  const directory = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
  const owner = process.getuid?.() === 0 ? idsOf('postgres') : undefined;
  if (owner) chownSync(directory, owner.uid, owner.gid);
  const data = join(directory, 'data');
  const port = await freePort('127.0.0.1');
  run('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']);
  const all = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${directory}`,
    'max_connections=300',
    ...settings,
  ];
  if (!durable) all.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}`,
    directory,
    start,
    stop() {
      spawnSync(join(programs, 'pg_ctl'), ['-D', data, '-m', 'immediate', '-w', 'stop'], { ...owner, cwd: '/' });
      rmSync(directory, { recursive: true, force: true });
    },
    kill: () => run('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']),
  };

  function start(): void {
    run('pg_ctl', [
      '-D',
      data,
      '-l',
      join(directory, 'log'),
      '-w',
      '-o',
      all.map((one) => `-c ${one}`).join(' '),
      'start',
    ]);
  }

  function run(program: string, args: string[]): void {
    const { status, stderr } = spawnSync(join(programs, program), args, {
      ...owner,
      cwd: '/',
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  }
}

function idsOf(user: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`));
  if (!line) throw new Error(`PostgreSQL does not run as root, and there is no user ${user}.`);
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
