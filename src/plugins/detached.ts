import { shellQuote } from '../core/shell-quote.ts';

/** Runs a short piece of shell elsewhere, with `input` as its standard input. */
export type Remote = (script: string, input: Buffer) => Promise<{ code: number; output: Buffer; errors: string }>;

/**
 * A script that goes on elsewhere while nobody listens: it has a directory of its own there, with `pid` while it runs, `output`, and
 * `exit` when it has ended. `directory` is shell, in double quotes.
 */
export interface Look {
  /** Its exit code; null while there is none; undefined where the directory is gone. */
  exit: number | null | undefined;
  isAlive: boolean;
  /** Bytes of output that there are. */
  size: number;
  /** Output from where was asked on, at most so much as one look brings. */
  output: Buffer;
}

/** Starts what the shell in `command` says, once: whoever comes second finds it started. It is given the directory as its own. */
export const launchLines = (command: string): string[] => [
  'if mkdir started 2>/dev/null; then',
  `  nohup setsid sh -c ${shellQuote(`echo $$ > pid; ( ${command} ) > output 2>&1; echo $? > exit.part; rm -f prelude; mv exit.part exit`)} > /dev/null 2>&1 < /dev/null &`,
  'else rm -f prelude; fi',
  'exit 0',
];

export async function lookAt(remote: Remote, directory: string, from: number): Promise<Look> {
  const script = [
    `cd "${directory}" 2>/dev/null || { echo gone 0 0; exit; }`,
    'e=$(cat exit 2>/dev/null || echo -); p=$(cat pid 2>/dev/null || echo 0)',
    'a=no; if [ "$p" != 0 ] && kill -0 "$p" 2>/dev/null; then a=yes; fi',
    'echo "$e" "$a" "$(wc -c < output 2>/dev/null || echo 0)"',
    `tail -c +${from + 1} output 2>/dev/null | head -c 262144`,
  ].join('\n');
  const { output } = await remote(script, Buffer.alloc(0));
  const newline = output.indexOf('\n');
  const [exit = '-', alive, size] = output.subarray(0, newline).toString('utf8').split(' ');
  return {
    exit: exit === 'gone' ? undefined : exit === '-' ? null : Number(exit),
    isAlive: alive === 'yes',
    size: Number(size),
    output: output.subarray(newline + 1),
  };
}

/** Asks it to end, and makes it after five seconds. */
export async function stopThere(remote: Remote, directory: string): Promise<void> {
  const script = [
    `p=$(cat "${directory}/pid" 2>/dev/null) || exit 0`,
    'kill -s TERM -- "-$p" 2>/dev/null; n=0',
    'while kill -s 0 -- "-$p" 2>/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done',
    'kill -s KILL -- "-$p" 2>/dev/null; exit 0',
  ].join('\n');
  await remote(script, Buffer.alloc(0));
}

/** While a script runs only whole lines are taken, so that no character and no metric is cut in two. */
export const completeLines = (bytes: Buffer, all: boolean): string =>
  (all ? bytes : bytes.subarray(0, bytes.lastIndexOf(10) + 1)).toString('utf8');
