import { z } from 'zod';
import { type Json, type JsonObject, parseJson } from '../../../core/json.ts';
import { filledText, flag, text, textMap, texts } from '../../../sdk/fields.ts';
import { defineTask, type Outcome } from '../../../sdk/task.ts';
import { openWinrm, type RemoteCommand, WinrmFault } from './winrm.ts';

const input = z.object({
  host: filledText('Name or address; `host:port` where the port is not 5985, or 5986 with TLS.'),
  username: filledText('User on that machine; `DOMAIN\\user` for one of a domain.'),
  password: text('Password.').default(''),
  useTLS: flag('Whether to speak TLS.').default(false),
  trustCert: flag('Whether any certificate is trusted.').default(false),
  script: filledText('The script. What it writes to `$env:SCRIPT_RESPONSE_FILE` is the response.'),
  arguments: texts('Arguments of the script.').default([]),
  workingDirectory: text("Directory; the user's home when empty.").default(''),
  environmentVariables: textMap('Variables for the script.').default({}),
  continueOnCommandFailure: flag('An exit code other than 0 is no failure.').default(false),
});
type Input = z.infer<typeof input>;

interface Ticket extends RemoteCommand {
  looks: number;
  /** What a look brought and was not yet told whole: the bytes of a line that was not over, in base64. */
  rest: string;
}

const responseMark = '##millrace-response ';

/**
 * Reads the script and its arguments from its input, so that nothing of them stands on a command line, runs them as a file, so that
 * `exit` ends the script and not this, and tells the response at the end.
 */
const bootstrap = `$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false
$given = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String([Console]::In.ReadToEnd())) | ConvertFrom-Json
$base = Join-Path ([IO.Path]::GetTempPath()) ('millrace-' + [Guid]::NewGuid())
$file = $base + '.ps1'
$env:SCRIPT_RESPONSE_FILE = $base + '.response'
[IO.File]::WriteAllText($file, $given.script, (New-Object Text.UTF8Encoding $true))
$code = 0
try {
  $arguments = @($given.arguments)
  $ErrorActionPreference = 'Continue'
  $global:LASTEXITCODE = 0
  & $file @arguments
  if ($LASTEXITCODE) { $code = $LASTEXITCODE } elseif (-not $?) { $code = 1 }
} catch { [Console]::Error.WriteLine($_); $code = 1 }
if (Test-Path $env:SCRIPT_RESPONSE_FILE) {
  [Console]::Out.WriteLine('${responseMark}' + [Convert]::ToBase64String([IO.File]::ReadAllBytes($env:SCRIPT_RESPONSE_FILE)))
  Remove-Item $env:SCRIPT_RESPONSE_FILE
}
Remove-Item $file
exit $code`;

export const powershell = defineTask({
  type: 'PowerShell',
  title: 'PowerShell',
  summary: 'Runs a PowerShell script on a Windows machine by WinRM; signs in by Basic, which that machine must allow.',
  input,
  output: {
    exitCode: 'Exit code, a number.',
    response: 'What the script wrote to `$env:SCRIPT_RESPONSE_FILE`; a tree where it is JSON.',
    scriptExecutionId: 'Name of the run on that machine.',
    logs: 'The end of the output.',
    errorMessage: 'Why it failed, where it did.',
    completed: 'Whether the script came to its end.',
  },
  endpoints: { agent: { types: ['agent'], required: false, description: 'Remote agent.' } },
  examples: [
    {
      title: 'Run a script',
      yaml: 'type: PowerShell\ninput:\n  host: windows.example\n  username: administrator\n  password: ${var.windows password}\n  useTLS: true\n  script: |\n    Get-Service W3SVC\n    \'{"ok": true}\' | Set-Content $env:SCRIPT_RESPONSE_FILE\n',
    },
  ],
  /** A script that was begun can be followed again, but one whose beginning was not recorded cannot be found. */
  isRepeatable: () => false,

  async start(given, context) {
    const { key } = context;
    const far = openWinrm(targetOf(given), context.http);
    try {
      const shell = await far.makeShell(key, given.workingDirectory, given.environmentVariables);
      const encoded = Buffer.from(bootstrap, 'utf16le').toString('base64');
      const options = ['-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-EncodedCommand', encoded];
      const command = await far.begin(key, shell, 'powershell.exe', options);
      const handed = JSON.stringify({ script: given.script, arguments: given.arguments });
      await far.send(key, command, Buffer.from(handed).toString('base64'));
      return { wait: { ...command, looks: 0, rest: '' }, seconds: 0 };
    } catch (thrown) {
      if (thrown instanceof WinrmFault) return { failed: `${given.host}: ${thrown.message}.` };
      throw thrown;
    }
  },

  async poll(ticket, given, context): Promise<Outcome> {
    const { shell, command, looks, rest } = ticket as unknown as Ticket;
    const far = openWinrm(targetOf(given), context.http);
    try {
      const { output, exitCode } = await far.receive(`${context.key}/${looks}`, { shell, command });
      const bytes = Buffer.concat([Buffer.from(rest, 'base64'), output]);
      const end = exitCode === null ? bytes.lastIndexOf('\n') + 1 : bytes.length;
      const { shown, response } = divide(bytes.subarray(0, end).toString('utf8'));
      const from = await context.log.offset();
      if (shown) await context.log.append(from, shown);
      if (exitCode === null)
        return {
          wait: { shell, command, looks: looks + 1, rest: bytes.subarray(end).toString('base64') },
          seconds: output.length > 0 ? 0 : 0.2,
        };
      await far.letGo(context.key, shell).catch(() => undefined);
      return ended(exitCode, response, shown, command, given);
    } catch (thrown) {
      if (!(thrown instanceof WinrmFault)) throw thrown;
      if (thrown.isIdle) return { wait: { shell, command, looks: looks + 1, rest }, seconds: 0.2 };
      return { failed: `${given.host}: ${thrown.message}.` };
    }
  },

  async cancel(ticket, given, { key, http }) {
    const { shell, command } = ticket as unknown as Ticket;
    const far = openWinrm(targetOf(given), http);
    await far.terminate(key, { shell, command });
    await far.letGo(key, shell);
  },
});

const targetOf = ({ host, username, password, useTLS, trustCert }: Input) => ({
  ...{ host, username, password, trustCert },
  useTls: useTLS,
});

/** What people see, and what the script responded. */
function divide(text: string): { shown: string; response: Json | undefined } {
  const at = text.indexOf(responseMark);
  if (at < 0) return { shown: text, response: undefined };
  const [line = ''] = text.slice(at + responseMark.length).split(/\r?\n/);
  const written = Buffer.from(line, 'base64')
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trim();
  const behind = text.slice(at + responseMark.length + line.length).replace(/^\r?\n/, '');
  return { shown: text.slice(0, at) + behind, response: parseJson(written) ?? written };
}

function ended(
  exitCode: number,
  response: Json | undefined,
  shown: string,
  command: string,
  { continueOnCommandFailure }: Input,
): Outcome {
  const isGood = exitCode === 0 || continueOnCommandFailure;
  const output: JsonObject = {
    ...{ exitCode, response: response ?? '', scriptExecutionId: command, logs: shown.slice(-4000), completed: true },
    errorMessage: isGood ? '' : `Exit code ${exitCode}.`,
  };
  return isGood ? { done: output } : { failed: 'Script execution failed.', output };
}
