import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import { filledText, flag, text, textMap, texts } from '../../sdk/fields.ts';
import type { Ssh, SshTarget } from '../../sdk/powers.ts';
import { defineTask, type Outcome } from '../../sdk/task.ts';
import { completeLines, launchLines, lookAt, stopThere } from '../detached.ts';
import { exportLines } from '../shell.ts';

const pollSeconds = 0.4;
/** Looks at a script that neither runs nor has ended, before it is given up: its start and its end are not one moment. */
const mostMissing = 10;

const sshInput = z.object({
  host: filledText('Name or address; `host:port` where the port is not 22.'),
  username: filledText('User on that machine.'),
  password: text('Password; or a private key.').default(''),
  privatekey: text('Private key in PEM form.').default(''),
  passphrase: text('Passphrase of the private key.').default(''),
  environmentVariables: textMap('Variables for the script.').default({}),
  script: filledText('The script. What it writes to `$SCRIPT_RESPONSE_FILE` is the response.'),
  arguments: texts('Arguments of the script.').default([]),
  workingDirectory: text("Directory; the user's home when empty.").default(''),
  continueOnCommandFailure: flag('An exit code other than 0 is no failure.').default(false),
});

export const ssh = defineTask({
  type: 'SSH',
  title: 'SSH',
  summary: 'Runs a script on another machine, detached: it goes on while Millrace is down, and is found again.',
  input: sshInput,
  output: {
    exitCode: 'Exit code, a number.',
    response: 'What the script wrote to `$SCRIPT_RESPONSE_FILE`; a tree where it is JSON.',
    responseFilePath: 'Where that file lies.',
    logFilePath: 'Where the output lies on that machine.',
    scriptExecutionId: 'Name of the run on that machine.',
    errorFilePath: 'The same: what is written to standard error stands in its place among the output.',
    userFolder: 'Home directory of the user.',
    logs: 'The end of the output.',
    errorMessage: 'Why it failed, where it did.',
    completed: 'Whether the script came to its end.',
  },
  endpoints: { agent: { types: ['agent'], required: false, description: 'Remote agent.' } },
  examples: [
    {
      title: 'Run a test',
      yaml: 'type: SSH\ninput:\n  host: ${Build.Runner.output.deploymentDetails.resources.runner.address}\n  username: ci\n  password: ${var.runner password}\n  script: |\n    npm test\n    echo \'{"passed": 12}\' > $SCRIPT_RESPONSE_FILE\n',
    },
  ],
  /** The directory named by the key is made once: a second start finds the first one's run. */
  isRepeatable: () => true,

  async start(input, context) {
    const id = runName(context.key);
    const script = Buffer.from(input.script.replace(/\r\n/g, '\n'));
    const prelude = Buffer.from(preludeFor(input));
    const launch = [
      'umask 077',
      `d="$HOME/.millrace/${id}"`,
      'mkdir -p "$d" && cd "$d" || exit 97',
      `head -c ${prelude.length} > prelude.part && cat > script.part || exit 96`,
      `[ "$(wc -c < script.part)" -eq ${script.length} ] || exit 95`,
      'mv prelude.part prelude; mv script.part script; chmod 700 script',
      ...launchLines('. ./prelude'),
    ].join('\n');
    // Not given up half-way: a run that was canceled meanwhile must know whether there is a script to stop.
    const done = await context.ssh(targetOf(input), launch, Buffer.concat([prelude, script]));
    if (done.code === 0) return { wait: { id }, seconds: pollSeconds };
    return {
      failed: `The script could not be started on ${input.host}: ${done.errors.trim() || launchFault(done.code)}.`,
    };
  },

  async poll(ticket, input, context): Promise<Outcome> {
    const id = idOf(ticket);
    const from = await context.log.offset();
    const remote = (script: string, given: Buffer) => context.ssh(targetOf(input), script, given);
    const { exit, isAlive, size, output } = await lookAt(remote, directoryOf(id), from);
    if (exit === undefined) return { failed: `The run ${id} is gone from ${input.host}: was the machine made anew?` };
    const text = completeLines(output, exit !== null);
    if (text) await context.log.append(from, text);
    if (exit !== null && from + Buffer.byteLength(text) < size) return { wait: ticket, seconds: 0 };
    if (exit !== null) return finished(exit, id, input, context.ssh);
    if (isAlive) return { wait: { id }, seconds: pollSeconds };
    const missing = isObject(ticket) ? Number(ticket.missing ?? 0) + 1 : 1;
    if (missing < mostMissing) return { wait: { id, missing }, seconds: pollSeconds };
    return {
      failed: `The script on ${input.host} vanished without an exit code: was the machine restarted?`,
    };
  },

  async cancel(ticket, input, context) {
    await stopThere((script, given) => context.ssh(targetOf(input), script, given), directoryOf(idOf(ticket)));
  },
});

type Input = z.infer<typeof sshInput>;

/** Sets up what the script finds, then becomes the script. Values never stand on a command line. */
function preludeFor({ environmentVariables, workingDirectory, arguments: args }: Input): string {
  return [
    exportLines(environmentVariables),
    'export SCRIPT_RESPONSE_FILE="$PWD/response"',
    's="$PWD/script"; i=sh; command -v bash >/dev/null 2>&1 && i=bash; case "$(head -c 2 script)" in "#!") i=;; esac',
    `cd "$HOME" && cd ${workingDirectory ? shellQuote(workingDirectory) : '.'} || { echo "There is no directory ${workingDirectory.replace(/["$`\\]/g, '')}"; echo 98 > "$SCRIPT_RESPONSE_FILE.exit"; }`,
    `if [ -e "$SCRIPT_RESPONSE_FILE.exit" ]; then (exit 98); else $i "$s" ${args.map(shellQuote).join(' ')}; fi`,
    'r=$?; cd "${s%/script}"; (exit $r)',
  ].join('\n');
}

async function finished(exitCode: number, id: string, input: Input, ssh: Ssh): Promise<Outcome> {
  const read = await ssh(
    targetOf(input),
    `cd "$HOME/.millrace/${id}" && pwd && tail -c 4000 output | base64 | tr -d '\\n'; echo; cat response 2>/dev/null; exit 0`,
    Buffer.alloc(0),
  );
  const [directory = '', log = '', ...rest] = read.output.toString('utf8').split('\n');
  const written = rest.join('\n').trim();
  const output: JsonObject = {
    exitCode,
    response: written === '' ? null : (parseJson(written) ?? written),
    responseFilePath: `${directory}/response`,
    logFilePath: `${directory}/output`,
    errorFilePath: `${directory}/output`,
    userFolder: directory.replace(/\/\.millrace\/[^/]*$/, ''),
    logs: wholeCharacters(Buffer.from(log, 'base64')),
    scriptExecutionId: id,
    completed: true,
  };
  if (exitCode === 0 || input.continueOnCommandFailure) return { done: output };
  return {
    failed: 'Script execution failed.',
    output: { ...output, errorMessage: `Exit code ${exitCode}.` },
  };
}

function targetOf({ host, username, password, privatekey, passphrase }: Input): SshTarget {
  const found = /^(.*):(\d+)$/.exec(host);
  const isAddressWithPort = found && (!found[1]!.includes(':') || found[1]!.startsWith('['));
  const [name, port] = isAddressWithPort ? [found[1]!.replace(/^\[|\]$/g, ''), Number(found[2])] : [host, 22];
  return { host: name, port, username, password, privateKey: privatekey, passphrase };
}

/** Shell, for double quotes. */
const directoryOf = (id: string): string => `$HOME/.millrace/${id}`;
const runName = (key: string): string => idOfKey(key);
const idOf = (ticket: Json): string => (isObject(ticket) ? String(ticket.id) : '');

/** The first character may have been cut in two. */
const wholeCharacters = (bytes: Buffer): string => bytes.toString('utf8').replace(/^\uFFFD+/, '');

function launchFault(code: number): string {
  const words: Record<number, string> = {
    95: 'the script did not arrive whole',
    96: 'the disk there may be full',
    97: 'its home directory cannot be written',
  };
  return words[code] ?? `the shell there ended with ${code}`;
}
