import { spawnSync } from 'node:child_process';

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
