import { Writable } from 'node:stream';
import type Docker from 'dockerode';
import { MillraceError, messageOf } from '../../core/error.ts';
import { idOfKey } from '../../core/key-id.ts';
import type { ContainerSpec, OpenWorkspace, WorkspaceDefinition } from '../../sdk/parts.ts';
import type { Endpoint } from '../../sdk/powers.ts';
import { statusOf } from '../clouds/container/engine.ts';
import { failedAt } from '../far-side.ts';

const mostStarts = 50;
/** Milliseconds. */
const betweenStarts = 100;
const labelOf = 'io.millrace.workspace';
/** Waits for whatever tasks are begun in it; ends at once when it is told to. */
export const idle = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";

/** A workspace on a Docker or podman engine, wherever that listens: one container for each run, found by its name. */
export function openContainer({
  key,
  endpoint,
  registry,
  image,
  path,
  cache,
  environment,
  limits,
  owner,
}: ContainerSpec): OpenWorkspace {
  const name = `millrace-${idOfKey(key)}`;
  const engine = open(endpoint);
  const failed = failedAt(endpoint);

  return {
    path,
    async prepare() {
      const docker = await engine;
      const container = docker.getContainer(name);
      try {
        const { State } = await container.inspect();
        if (!State.Running) await container.start();
        return '';
      } catch (thrown) {
        if (statusOf(thrown) !== 404) throw failed('the engine does not answer', thrown);
      }
      const pulled = await pullWhereMissing(docker);
      try {
        await docker.createContainer({
          name,
          Image: image,
          Entrypoint: ['/bin/sh', '-c', idle],
          Cmd: [],
          Env: Object.entries(environment).map(([variable, value]) => `${variable}=${value}`),
          Labels: { [labelOf]: key },
          HostConfig: {
            Memory: limits.memory * 2 ** 20,
            NanoCpus: Math.round(limits.cpu * 1e9),
            Binds: cache.map((one) => `millrace-${idOfKey(`${owner}/${one}`)}:${absolute(one, path)}`),
            Init: false,
            // Where the machine limits processes, what podman asks for by itself is more than it may.
            Ulimits: [
              { Name: 'nofile', Soft: 1024, Hard: 1024 },
              { Name: 'nproc', Soft: 4096, Hard: 4096 },
            ],
          },
        });
      } catch (thrown) {
        // Somebody was faster; podman has no status for that.
        if (statusOf(thrown) !== 409 && !/already in use/.test(messageOf(thrown)))
          throw failed(`the container of ${image} cannot be made`, thrown);
      }
      await begin(container);
      const { Id } = await container.inspect();
      return `${pulled}Container with id ${Id.slice(0, 12)} is created from ${image}.\n`;
    },

    async remote(script, input) {
      const docker = await engine;
      const exec = await docker
        .getContainer(name)
        .exec({ Cmd: ['/bin/sh', '-c', script], AttachStdin: true, AttachStdout: true, AttachStderr: true })
        .catch((thrown: unknown) => {
          throw failed('the workspace is gone', thrown);
        });
      const stream = await exec.start({ hijack: true, stdin: true });
      const [output, errors] = [collector(), collector()];
      docker.modem.demuxStream(stream, output.stream, errors.stream);
      const done = new Promise<void>((resolve, reject) => {
        stream.on('end', resolve);
        stream.on('close', resolve);
        stream.on('error', reject);
      });
      stream.end(input);
      await done;
      stream.destroy();
      const { ExitCode } = await exec.inspect();
      return { code: ExitCode ?? 255, output: output.bytes(), errors: errors.bytes().toString('utf8') };
    },

    async remove() {
      const docker = await engine;
      await docker
        .getContainer(name)
        .remove({ force: true, v: false })
        .catch((thrown: unknown) => {
          if (statusOf(thrown) !== 404) throw failed('the workspace cannot be removed', thrown);
        });
    },
  };

  /** A name is taken a moment before what it names is there, for whoever was slower to make it. */
  async function begin(container: Docker.Container): Promise<void> {
    for (let tries = 1; ; tries++)
      try {
        return void (await container.start());
      } catch (thrown) {
        if (statusOf(thrown) === 304) return;
        if (statusOf(thrown) !== 404 || tries >= mostStarts)
          throw failed(`the container of ${image} does not start`, thrown);
        await new Promise((resolve) => setTimeout(resolve, betweenStarts));
      }
  }

  async function pullWhereMissing(docker: Docker): Promise<string> {
    try {
      await docker.getImage(image).inspect();
      return '';
    } catch (thrown) {
      if (statusOf(thrown) !== 404) throw failed('the engine does not answer', thrown);
    }
    try {
      const stream = await docker.pull(image, registry ? { authconfig: loginAt(registry) } : {});
      await new Promise<void>((resolve, reject) =>
        docker.modem.followProgress(stream, (error: Error | null, told: { error?: string }[]) => {
          const refused = told?.find((one) => one.error)?.error;
          if (error || refused) reject(error ?? new Error(refused));
          else resolve();
        }),
      );
    } catch (thrown) {
      throw failed(`the image ${image} cannot be pulled`, thrown);
    }
    return `Image ${image} is pulled.\n`;
  }
}

/** What a registry wants to know before it gives an image. */
function loginAt({ properties }: Endpoint) {
  const { repoURL = '', username = '', password = '', token = '' } = properties;
  return { serveraddress: repoURL, username: username || 'token', password: password || token };
}

async function open({ name, properties }: Endpoint): Promise<Docker> {
  const { default: Client } = await import('dockerode');
  const url = (properties.url ?? '').trim();
  if (url.startsWith('unix://') || url.startsWith('/')) return new Client({ socketPath: url.replace('unix://', '') });
  const parsed = URL.parse(url.replace(/^tcp:/, 'http:'));
  if (!parsed?.hostname)
    throw new MillraceError('endpoint.invalid', {
      message: `Endpoint ${name} has the \`url\` "${url}", which is no address of a container engine.`,
      hint: 'Such as tcp://docker.example:2375, https://docker.example:2376 or unix:///run/podman/podman.sock.',
    });
  const isTls = parsed.protocol === 'https:';
  return new Client({
    protocol: isTls ? 'https' : 'http',
    host: parsed.hostname,
    port: Number(parsed.port) || (isTls ? 2376 : 2375),
    ...(properties.certificate ? { ca: properties.certificate } : {}),
  });
}

/** Paths of a cache are those of the container, or below the directory of the workspace. */
const absolute = (path: string, workspace: string): string => (path.startsWith('/') ? path : `${workspace}/${path}`);

export function collector(): { stream: Writable; bytes(): Buffer } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(chunk as Buffer);
      done();
    },
  });
  return { stream, bytes: () => Buffer.concat(chunks) };
}

/** `workspace: {type: DOCKER}`. */
export const dockerWorkspace: WorkspaceDefinition = {
  type: 'DOCKER',
  title: 'Docker',
  summary: 'A container on the engine of a `docker` endpoint (podman serves as well), one for each run.',
  endpointType: 'docker',
  open: openContainer,
};
