import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { readJson } from '../../../host/processes.ts';
import type { CloudOutcome, ResourceContext } from '../../../sdk/cloud.ts';
import { type ContainerSite, lastWords, placeOf, told } from './place.ts';

const sshPort = 22;

/** Whether a machine has booted: cloud-init has ended well, and its SSH server answers. */
export async function lookAtBoot(
  site: ContainerSite,
  { instance, identity }: ResourceContext,
  until: number,
  again: CloudOutcome,
): Promise<CloudOutcome> {
  const docker = await site.engine.open();
  const { name, shared } = placeOf(site, identity);
  const { State, NetworkSettings, Config, Mounts } = await docker.getContainer(name).inspect();
  const address = addressIn(NetworkSettings);
  const failed = (why: string): CloudOutcome => ({ failed: `Machine ${instance} (${address || name}) ${why}` });
  if (!State.Running)
    return failed(
      `did not start: its container ended with ${State.ExitCode}. Last lines: ${await lastWords(docker, name)}`,
    );
  const result = readJson<{ v1: { errors: string[] } }>(join(shared, 'cloud', 'result.json'));
  if (result && result.v1.errors.length > 0) {
    const log = await told(docker, name, ['tail', '-n', '40', '/var/log/cloud-init-output.log']);
    return failed(`did not start: cloud-init failed: ${result.v1.errors.join('; ')}. Last lines: ${meant(log)}`);
  }
  if (result && address && (await hasSsh(address)))
    return {
      done: {
        id: `/resources/compute/${identity}`,
        address,
        ssh: `${address}:${sshPort}`,
        hostname: Config.Hostname ?? '',
        resourceName: Config.Hostname ?? '',
        powerState: 'ON',
        osType: 'LINUX',
        componentType: 'Cloud.Machine',
        account: 'container',
        container: name,
        disks: (Mounts ?? [])
          .flatMap(({ Destination }) => (Destination.startsWith('/mnt/') ? [Destination.slice(5)] : []))
          .join(),
        networks: [{ name: 'bridge', address }],
      },
    };
  if (Date.now() < until) return again;
  const stage = result ? 'its SSH server does not answer' : `cloud-init is still at ${stageOf(shared)}`;
  const log = await told(docker, name, ['tail', '-n', '40', '/var/log/cloud-init-output.log']);
  return failed(`was not ready in time: ${stage}. Last lines: ${meant(log)}`);
}

/** The address on the engine's own network. podman says it beside the networks, Docker within them. */
export function addressIn(settings: Docker.ContainerInspectInfo['NetworkSettings'] & { IPAddress?: string }): string {
  return settings.IPAddress || Object.values(settings.Networks ?? {})[0]?.IPAddress || '';
}

/** The last lines of what a machine wrote, without what cloud-init says of itself. */
const meant = (log: string): string =>
  log
    .split('\n')
    .filter(
      (line) => line.trim() !== '' && !/^ci-info|^Cloud-init v|cc_scripts_user.py|Failed to run module/.test(line),
    )
    .slice(-3)
    .join(' / ') || 'none.';

function stageOf(shared: string): string {
  const status = readText(join(shared, 'cloud', 'status.json'));
  return /"stage": "([\w-]+)"/.exec(status)?.[1] ?? 'its beginning';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function hasSsh(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: sshPort, timeout: 1000 });
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('data', (banner) => answer(banner.toString('latin1').startsWith('SSH-')));
    for (const end of ['error', 'timeout', 'close'] as const) socket.once(end, () => answer(false));
  });
}
