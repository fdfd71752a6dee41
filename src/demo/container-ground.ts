import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type Docker from 'dockerode';
import { engineSocket, openEngine } from '../plugins/clouds/container/engine.ts';
import { belongsTo, limits, machineImage } from '../plugins/clouds/container/place.ts';
import { type Engine, hostAddress, startEngine } from './engine.ts';
import type { Ground } from './ground.ts';
import { type NpmPackages, servePackages } from './npm-packages.ts';
import { freePort } from './server-process.ts';

/**
 * Machines are containers of podman or Docker. Makes their image where it is not there yet, and starts podman where no engine
 * listens.
 * @throws Error in one sentence, with nothing left behind, where that cannot be.
 */
export async function containerGround(root: string, data: string, say: (text: string) => void): Promise<Ground> {
  const site = join(data, 'containers');
  let own: Engine | undefined;
  let docker: Docker | undefined;
  let packages: NpmPackages | undefined;
  let daemon: ChildProcess | undefined;
  const strike = async () => {
    packages?.close();
    daemon?.kill('SIGKILL');
    if (docker) await removeAll(docker, own, site);
    own?.stop();
  };
  try {
    own = await engineOfOurOwn();
    const address = own?.address ?? engineSocket(process.env);
    docker = await openEngine(address).open();
    await makeImage(root, address.includes('docker') ? 'docker' : 'podman');
    // The network has an address here as long as a container is on it.
    const holder = await docker.createContainer({
      Image: machineImage,
      Labels: { 'io.millrace.site': site },
      Entrypoint: ['/bin/sleep'],
      Cmd: ['infinity'],
      HostConfig: { Ulimits: limits },
    });
    await holder.start();
    const gateway = await hostAddress(docker);
    packages = await servePackages(root, gateway);
    const { Version, Name } = await versionOf(docker);
    say(`Containers by ${Name} ${Version}; machines find this machine at ${gateway}.`);
    const asked = docker;
    return {
      address: gateway,
      files: {
        platform: 'lamp/platform.yaml',
        blueprint: 'lamp/blueprint.yaml',
        runner: 'lamp/runner.yaml',
      },
      // What is installed here already need not come from the registry again.
      words: { 'https://registry.npmjs.org': packages.url },
      environment: { DOCKER_HOST: address },
      names: { file: 'lamp/names.yaml', blueprint: 'Tito names' },
      parts: {
        database: 'MariaDB, in a container that boots systemd',
        web: 'Apache with PHP, one container per machine, 8 workers each',
        loadBalancer: 'HAProxy, in a container of its own',
        dns: 'PowerDNS with its API, in a container that boots systemd',
      },
      async publish(repository) {
        const port = await freePort(gateway);
        daemon = spawn(
          'git',
          [
            'daemon',
            '--export-all',
            '--reuseaddr',
            `--base-path=${dirname(repository)}`,
            `--listen=${gateway}`,
            `--port=${port}`,
          ],
          { stdio: 'ignore', detached: true, env: { ...process.env, MILLRACE_OWNER: join(data, 'git') } },
        );
        while (!(await listens(gateway, port))) await new Promise((resolve) => setTimeout(resolve, 20));
        return `git://${gateway}:${port}/${basename(repository)}`;
      },
      async standing() {
        const containers = await containersOf(asked, site);
        return containers.flatMap(({ Labels }) => {
          const { [belongsTo.deployment]: deployment, [belongsTo.instance]: instance } = Labels;
          return deployment ? [`${deployment} ${instance}`] : [];
        });
      },
      strike,
    };
  } catch (thrown) {
    await strike();
    throw thrown;
  }
}

/** Where somebody listens already, nothing is started. */
async function engineOfOurOwn(): Promise<Engine | undefined> {
  const answers = await openEngine(engineSocket(process.env))
    .open()
    .then(
      () => true,
      () => false,
    );
  const canStart = process.env.DOCKER_HOST === undefined && process.getuid?.() === 0;
  return !answers && canStart && spawnSync('podman', ['--version']).status === 0 ? startEngine() : undefined;
}

/**
 * Also when the engine of our own has died on the way: it is needed once more. Again until nothing is left: one may be starting at
 * this moment, and no engine removes that.
 */
async function removeAll(docker: Docker, own: Engine | undefined, site: string): Promise<void> {
  const standing = () =>
    containersOf(docker, site).catch(async (thrown) => {
      if (!own) throw thrown;
      await own.serve();
      return containersOf(docker, site);
    });
  for (let tries = 0; tries < 20; tries++) {
    const containers = await standing();
    if (containers.length === 0) return;
    for (const { Id } of containers)
      await docker
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(() => undefined);
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function makeImage(root: string, engine: 'podman' | 'docker'): Promise<void> {
  const maker = spawn(process.execPath, [join(root, 'scripts/machine-image.mjs'), '--engine', engine], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  maker.stderr.on('data', (chunk) => {
    said += chunk;
    process.stderr.write(chunk);
  });
  const [code] = await once(maker, 'close');
  if (code !== 0) throw new Error(`The image of the machines could not be made.${said ? '' : ' It said nothing.'}`);
}

const containersOf = (docker: Docker, site: string) =>
  docker.listContainers({ all: true, filters: { label: [`io.millrace.site=${site}`] } });

async function versionOf(docker: Docker): Promise<{ Version: string; Name: string }> {
  const { Version, Components } = (await docker.version()) as { Version: string; Components?: { Name: string }[] };
  return { Version, Name: Components?.[0]?.Name.startsWith('Podman') ? 'Podman' : 'Docker' };
}

const listens = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
