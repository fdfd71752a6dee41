import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { MillraceError, messageOf } from '../../../core/error.ts';

/** The container engine of this machine: podman, or Docker, by the API that both speak. */
export interface ContainerEngine {
  /** Ready to be asked. @throws MillraceError endpoint.unreachable: there is none, it does not answer, or it will not do. */
  open(): Promise<Docker>;
}

/** Version 1 and so much of Docker's API: that of 2019, which podman 3 and Docker 19.03 speak. */
const oldestApi = 40;
/** An engine that says nothing for so long, in milliseconds, is as good as away: nothing that we ask takes long. */
const longestCall = 30_000;

/** `DOCKER_HOST`, else the socket where podman or Docker listens. */
export function engineSocket({ DOCKER_HOST, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string {
  const usual = ['/run/podman/podman.sock', '/var/run/docker.sock'];
  const own = XDG_RUNTIME_DIR
    ? [join(XDG_RUNTIME_DIR, 'podman/podman.sock'), join(XDG_RUNTIME_DIR, 'docker.sock')]
    : [];
  return DOCKER_HOST ?? [...usual, ...own].find((path) => existsSync(path)) ?? usual[0]!;
}

/**
 * Asked anew until it has once answered well: an engine may be started after the server.
 * @param confirm throws where others have taken over the work of this server: the engine is asked nothing more then
 */
export function openEngine(address: string, confirm = () => {}): ContainerEngine {
  const socketPath = address.replace(/^unix:\/\//, '');
  let known: Promise<Docker> | undefined;
  return {
    open() {
      known ??= probe().catch((thrown: unknown) => {
        known = undefined;
        throw thrown;
      });
      return known;
    },
  };

  async function probe(): Promise<Docker> {
    if (/^\w+:\/\//.test(socketPath))
      throw unusable(
        `${address} is no socket of this machine: machines of the container profile are reached by address.`,
      );
    const { default: Client } = await import('dockerode');
    const docker = new Client({ socketPath, timeout: longestCall });
    const ask = docker.modem.dial.bind(docker.modem);
    docker.modem.dial = (options, answered) => {
      confirm();
      ask(options, answered);
    };
    const [version, info] = await Promise.all([docker.version(), docker.info()]).catch((cause: unknown) => {
      throw unusable(`There is no container engine at ${socketPath}: ${reasonOf(cause)}.`, cause);
    });
    if (Number(version.ApiVersion.split('.')[1]) < oldestApi)
      throw unusable(
        `The container engine at ${socketPath} speaks version ${version.ApiVersion} of the API; 1.${oldestApi} is needed.`,
      );
    const options = (info as { SecurityOptions?: string[] }).SecurityOptions ?? [];
    if (options.some((option) => option.includes('rootless')))
      throw unusable(
        `The container engine at ${socketPath} runs without root, so its machines have no address to reach.`,
      );
    return docker;
  }
}

const unusable = (message: string, cause?: unknown): MillraceError =>
  new MillraceError('endpoint.unreachable', {
    message,
    hint: 'Debian: apt install podman, then systemctl start podman.socket; or name another one: DOCKER_HOST=unix:///path.',
    cause,
  });

function reasonOf(cause: unknown): string {
  const { code } = cause as { code?: string };
  const words: Record<string, string> = {
    ENOENT: 'nothing listens there',
    ECONNREFUSED: 'nothing listens there',
    EACCES: 'this user may not ask it',
  };
  return words[code ?? ''] ?? messageOf(cause);
}

/** Whether a call failed because the engine is away, and not because it refused. */
export const isAway = (thrown: unknown): boolean =>
  (thrown instanceof MillraceError && thrown.code === 'endpoint.unreachable') ||
  /^(ENOENT|ECONN|EPIPE|ETIMEDOUT)/.test((thrown as { code?: string }).code ?? '');

/** The status that the engine answered; 0 where it said none. */
export const statusOf = (thrown: unknown): number => Number((thrown as { statusCode?: number }).statusCode ?? 0);
