import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { removeTree } from '../host/processes.ts';

/** A container engine that was started here. */
export interface Engine {
  address: string;
  /** The service dies; what it has started lives on. */
  kill(): void;
  /** Serves again, or for the first time. */
  serve(): Promise<void>;
  stop(): void;
}

/**
 * A podman of our own, by the API that Docker speaks; `options` are podman's own. runc where it is there: Debian's crun fails on
 * some machines.
 */
export async function startEngine(options: string[] = []): Promise<Engine> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-engine-'));
  const socket = join(directory, 'engine.sock');
  const address = `unix://${socket}`;
  const runtime = spawnSync('runc', ['--version']).status === 0 ? ['--runtime', 'runc'] : [];
  let child: ChildProcess | undefined;
  const engine: Engine = {
    address,
    kill() {
      child?.kill('SIGKILL');
      rmSync(socket, { force: true });
    },
    async serve() {
      // In a group of its own: Ctrl-C is for whoever removes the containers, with this engine's help.
      const own = spawn('podman', [...runtime, ...options, 'system', 'service', '--time=0', address], {
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
      child = own;
      let said = '';
      own.stderr.on('data', (chunk) => (said += chunk));
      while (!existsSync(socket)) {
        if (own.exitCode !== null) throw new Error(`podman serves nothing: ${said}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    stop() {
      child?.kill('SIGTERM');
      removeTree(directory);
    },
  };
  await engine.serve();
  return engine;
}

/** The address of this machine on the network that containers are on by default. */
export async function hostAddress(docker: Docker): Promise<string> {
  const networks = await docker.listNetworks();
  const own = networks.find(({ Name }) => Name === 'podman' || Name === 'bridge');
  return own?.IPAM?.Config?.[0]?.Gateway ?? '';
}
