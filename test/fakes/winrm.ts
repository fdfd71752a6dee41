import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { parseXml, type XmlElement } from '../../src/lang/xml.ts';
import { basic, type FakeAnswer, type FakeRequest, fakeServer } from './server.ts';

interface Shell {
  environment: Record<string, string>;
  directory: string;
  commands: Map<
    string,
    {
      input: string;
      isComplete: boolean;
      chunks: Buffer[] | null;
      exitCode: number;
      looks: number;
      isTerminated: boolean;
    }
  >;
}
/** What PowerShell would do with a script. */
export type Script = (given: { script: string; arguments: string[]; environment: Record<string, string> }) => {
  output: string;
  exitCode?: number;
  response?: string;
};

const shellType = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';
const needed = ['To', 'Address', 'MessageID', 'ResourceURI', 'Action', 'MaxEnvelopeSize', 'OperationTimeout'];

/**
 * WS-Management of a Windows machine, stricter than the original: every header is needed and no message id is taken twice, a
 * command line may have 8,191 signs, nothing runs before its input is complete, output comes in pieces that keep to no line, a look
 * without output is a fault, and a script may stand on no command line.
 */
export async function windowsMachine(t: Pick<TestContext, 'after'>, run: Script) {
  const shells = new Map<string, Shell>();
  const ids = new Set<string>();
  const lines: string[] = [];
  const fake = await fakeServer(t, answer);
  return { ...fake, host: fake.url.replace('http://', ''), shells, lines };

  function answer({ method, path, headers, body }: FakeRequest): FakeAnswer {
    if (method !== 'POST' || path !== '/wsman') return { status: 404 };
    if (headers['content-type'] !== 'application/soap+xml;charset=UTF-8') return { status: 415 };
    if (headers.authorization !== basic('administrator', 'p&ss'))
      return { status: 401, headers: { 'www-authenticate': 'Basic realm="WSMAN"' } };
    const message = parseXml(body);
    const lacking = needed.find((name) => find(message, name) === undefined);
    if (lacking) return fault('1', `The header ${lacking} is missing.`);
    const id = find(message, 'MessageID')!.text;
    if (ids.has(id) || !/^uuid:[0-9a-f-]{36}$/.test(id))
      return fault('2', `The message ${id} was taken already, or has no id.`);
    ids.add(id);
    const action = find(message, 'Action')!.text;
    if (action.endsWith('/transfer/Create')) return create(message);
    const shellId = find(message, 'Selector')?.text ?? '';
    const shell = shells.get(shellId);
    if (!shell) return fault('2150858843', 'The shell was not found on the server.');
    if (action.endsWith('/transfer/Delete')) {
      shells.delete(shellId);
      return soap('');
    }
    if (action === `${shellType}/Command`) return command(shell, message);
    const streams = find(message, 'Stream') ?? find(message, 'DesiredStream') ?? find(message, 'Signal')!;
    const found = shell.commands.get(streams.attributes.CommandId ?? '');
    if (!found) return fault('3', 'There is no such command.');
    if (action === `${shellType}/Send`) {
      found.input += Buffer.from(streams.text, 'base64').toString('utf8');
      found.isComplete ||= streams.attributes.End === 'true';
      return soap('<rsp:SendResponse/>');
    }
    if (action === `${shellType}/Signal`) {
      found.isTerminated = true;
      return soap('<rsp:SignalResponse/>');
    }
    return receive(shell, found, streams.attributes.CommandId!);
  }

  function create(message: XmlElement): FakeAnswer {
    const environment = Object.fromEntries(
      all(message, 'Variable').map(({ attributes, text }) => [attributes.Name!, text]),
    );
    const id = randomUUID().toUpperCase();
    shells.set(id, { environment, directory: find(message, 'WorkingDirectory')?.text ?? '', commands: new Map() });
    return soap(`<rsp:Shell><rsp:ShellId>${id}</rsp:ShellId></rsp:Shell>`);
  }

  function command(shell: Shell, message: XmlElement): FakeAnswer {
    const line = [find(message, 'Command')!.text, ...all(message, 'Arguments').map(({ text }) => text)].join(' ');
    if (line.length > 8191) return fault('4', 'The command line is too long.');
    if (find(message, 'Command')!.text !== 'powershell.exe') return fault('5', 'This machine only runs PowerShell.');
    lines.push(line);
    const id = randomUUID().toUpperCase();
    shell.commands.set(id, { input: '', isComplete: false, chunks: null, exitCode: 0, looks: 0, isTerminated: false });
    return soap(`<rsp:CommandResponse><rsp:CommandId>${id}</rsp:CommandId></rsp:CommandResponse>`);
  }

  function receive(
    shell: Shell,
    found: Shell['commands'] extends Map<string, infer C> ? C : never,
    id: string,
  ): FakeAnswer {
    if (++found.looks === 1 || !found.isComplete)
      return fault(
        '2150858793',
        'The WS-Management service cannot complete the operation within the time specified in OperationTimeout.',
      );
    if (!found.chunks) {
      const given = JSON.parse(Buffer.from(found.input, 'base64').toString('utf8'));
      const { output, exitCode = 0, response } = run({ ...given, environment: shell.environment });
      const told = response === undefined ? '' : `##millrace-response ${Buffer.from(response).toString('base64')}\r\n`;
      const bytes = Buffer.from(output + told);
      found.exitCode = exitCode;
      found.chunks = [];
      for (let at = 0; at < bytes.length; at += 7) found.chunks.push(bytes.subarray(at, at + 7));
    }
    const [next] = found.chunks.splice(0, 1);
    const isDone = found.chunks.length === 0;
    const stream = next ? `<rsp:Stream Name="stdout" CommandId="${id}">${next.toString('base64')}</rsp:Stream>` : '';
    const state = isDone
      ? `<rsp:CommandState CommandId="${id}" State="${shellType}/CommandState/Done"><rsp:ExitCode>${found.exitCode}</rsp:ExitCode></rsp:CommandState>`
      : `<rsp:CommandState CommandId="${id}" State="${shellType}/CommandState/Running"/>`;
    return soap(`<rsp:ReceiveResponse>${stream}${state}</rsp:ReceiveResponse>`);
  }
}

const soap = (body: string, status = 200): FakeAnswer => ({
  status,
  headers: { 'content-type': 'application/soap+xml;charset=UTF-8' },
  body: `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:rsp="${shellType}"><s:Header/><s:Body>${body}</s:Body></s:Envelope>`,
});
const fault = (code: string, message: string): FakeAnswer =>
  soap(
    `<s:Fault><s:Reason><s:Text xml:lang="en-US">${message}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="${code}"><f:Message>${message}</f:Message></f:WSManFault></s:Detail></s:Fault>`,
    500,
  );

const all = (element: XmlElement, name: string): XmlElement[] =>
  element.children.flatMap((child) => [
    ...(child.name.replace(/^.*:/, '') === name ? [child] : []),
    ...all(child, name),
  ]);
const find = (element: XmlElement, name: string): XmlElement | undefined => all(element, name)[0];
