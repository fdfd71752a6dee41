import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../src/host/processes.ts';

/** A podman of our own, by the API that Docker speaks. runc where it is there: Debian's crun fails on some machines. */
export async function startEngine(): Promise<{ address: string; stop(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-engine-'));
  const socket = join(directory, 'engine.sock');
  const runtime = spawnSync('runc', ['--version']).status === 0 ? ['--runtime', 'runc'] : [];
  const args = [...runtime, 'system', 'service', '--time=0', `unix://${socket}`];
  const child: ChildProcess = spawn('podman', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr!.on('data', (chunk) => (said += chunk));
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error(`podman serves nothing: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    address: `unix://${socket}`,
    stop() {
      child.kill('SIGTERM');
      removeTree(directory);
    },
  };
}
