import { shellQuote } from '../core/shell-quote.ts';
import type { JobSpec } from '../sdk/powers.ts';

/**
 * What a shell is told of a job: its place, its limits, its environment and what to run. It is one command, so that a shell which is
 * told half of it does nothing.
 */
export function orderOf({ run, environment, directory, limits: { fileMb, memoryMb } }: JobSpec): string {
  const variables = { HOME: directory, NODE_OPTIONS: `--max-old-space-size=${memoryMb}`, ...environment };
  const told = Object.entries(variables).filter(([name]) => canBeTold(name));
  const work =
    'script' in run ? `eval ${shellQuote(run.script)}` : `set -- ${run.command.map(shellQuote).join(' ')}; exec "$@"`;
  const lines = [
    'exec </dev/null',
    `cd ${shellQuote(directory)} || exit 126`,
    'unset OLDPWD SHLVL _',
    `ulimit -c 0; ulimit -f ${fileMb * 2048}; ulimit -n 1024`,
    `export ${told.map(([name, value]) => `${name}=${shellQuote(value)}`).join(' ')}`,
    work,
  ];
  return `{\n${lines.join('\n')}\n}\n`;
}

/** What is no name for a shell it would not hand on from its own environment either; some it keeps to itself. */
const canBeTold = (variable: string): boolean =>
  /^[A-Za-z_]\w*$/.test(variable) && !/^(IFS|PPID|E?UID|BASHOPTS|SHELLOPTS|BASH_VERSINFO)$/.test(variable);
