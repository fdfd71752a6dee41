import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** A program of this machine that is used when it is there. */
export interface Tool {
  name: string;
  /** Its version; undefined where it is missing. */
  version: string | undefined;
}

/** What of python3, ssh and git this machine has. */
export function findTools(): { python: Tool; ssh: Tool; git: Tool } {
  return {
    python: { name: 'python3', version: versionOf('python3', '--version') },
    ssh: { name: 'ssh', version: versionOf('ssh', '-V') },
    git: { name: 'git', version: versionOf('git', '--version') },
  };
}

function versionOf(program: string, option: string): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, [option], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return /\d+(?:\.\d+)+\w*/.exec(stdout || stderr)?.[0] ?? 'of unknown version';
}

/** What a machine says of itself to OpenSSH's client. @throws where it does not let us in. */
export async function lookInto(address: string, keyFile: string): Promise<string> {
  const [host, port] = address.split(':') as [string, string];
  const settings = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const options = ['-i', keyFile, '-p', port, ...settings.flatMap((setting) => ['-o', setting])];
  const ask = 'echo "$USER on $HOSTNAME, Linux $(uname -r)"';
  const { stdout } = await promisify(execFile)('ssh', [...options, `ci@${host}`, ask], { timeout: 10_000 });
  return stdout.trim();
}
