import { escapeHtml } from '../../../core/html.ts';
import { idOfKey } from '../../../core/key-id.ts';
import { parseXml, type XmlElement, XmlError } from '../../../lang/xml.ts';
import type { Http } from '../../../sdk/powers.ts';

/** A Windows machine that answers to WS-Management, and how to sign in there. */
export interface WinrmTarget {
  host: string;
  username: string;
  password: string;
  useTls: boolean;
  trustCert: boolean;
}

/** A command in a shell of the far side: both live there until they are let go. */
export interface RemoteCommand {
  shell: string;
  command: string;
}

/** What the far side refused, in its own words. `isIdle`: nothing happened within the time that it waits. */
export class WinrmFault extends Error {
  readonly isIdle: boolean;
  constructor(message: string, isIdle = false) {
    super(message);
    this.isIdle = isIdle;
  }
}

const shellType = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';
const transfer = 'http://schemas.xmlsoap.org/ws/2004/09/transfer';
/** What the far side answers where there was no output for as long as it waits. */
const idleCode = '2150858793';

/**
 * The part of WS-Management (MS-WSMV) that runs a command: make a shell, begin a command, hand it its input, take its output, let
 * the shell go. Signs in by Basic, which the far side must allow; without TLS it must allow that unencrypted as well.
 * Every call throws WinrmFault with the words of the far side, or what `http` throws.
 */
export function openWinrm({ host, username, password, useTls, trustCert }: WinrmTarget, http: Http) {
  const [name, port] = host.includes(':') && !host.endsWith(']') ? host.split(/:(?=\d+$)/) : [host];
  const url = `${useTls ? 'https' : 'http'}://${name}:${port ?? (useTls ? 5986 : 5985)}/wsman`;

  return {
    /** The id of a new shell. `environment` goes by the message, and never on a command line. */
    async makeShell(id: string, directory: string, environment: Record<string, string>): Promise<string> {
      const variables = Object.entries(environment)
        .map(([key, value]) => `<rsp:Variable Name="${escapeHtml(key)}">${escapeHtml(value)}</rsp:Variable>`)
        .join('');
      const answer = await ask(id, `${transfer}/Create`, {
        options: { WINRS_NOPROFILE: 'FALSE', WINRS_CODEPAGE: '65001' },
        body: `<rsp:Shell>${variables ? `<rsp:Environment>${variables}</rsp:Environment>` : ''}${
          directory ? `<rsp:WorkingDirectory>${escapeHtml(directory)}</rsp:WorkingDirectory>` : ''
        }<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>`,
      });
      const made = local(answer, 'ShellId')[0]?.text ?? selectorIn(answer);
      if (!made) throw new WinrmFault('the far side made a shell and did not name it');
      return made;
    },

    async begin(id: string, shell: string, program: string, args: string[]): Promise<RemoteCommand> {
      const answer = await ask(id, `${shellType}/Command`, {
        shell,
        options: { WINRS_CONSOLEMODE_STDIN: 'FALSE', WINRS_SKIP_CMD_SHELL: 'TRUE' },
        body: `<rsp:CommandLine><rsp:Command>${escapeHtml(program)}</rsp:Command>${args
          .map((one) => `<rsp:Arguments>${escapeHtml(one)}</rsp:Arguments>`)
          .join('')}</rsp:CommandLine>`,
      });
      const command = local(answer, 'CommandId')[0]?.text;
      if (!command) throw new WinrmFault('the far side began a command and did not name it');
      return { shell, command };
    },

    /** All of its input, and the end of that. */
    async send(id: string, { shell, command }: RemoteCommand, input: string): Promise<void> {
      const bytes = Buffer.from(input);
      for (let from = 0; from === 0 || from < bytes.length; from += mostPerMessage) {
        const isLast = from + mostPerMessage >= bytes.length;
        const piece = bytes.subarray(from, from + mostPerMessage).toString('base64');
        await ask(`${id}/${from}`, `${shellType}/Send`, {
          shell,
          body: `<rsp:Send><rsp:Stream Name="stdin" CommandId="${command}"${isLast ? ' End="true"' : ''}>${piece}</rsp:Stream></rsp:Send>`,
        });
      }
    },

    /** What came since the last time, as bytes, in its order; `exitCode` is null while it runs. */
    async receive(id: string, { shell, command }: RemoteCommand): Promise<{ output: Buffer; exitCode: number | null }> {
      const answer = await ask(id, `${shellType}/Receive`, {
        shell,
        body: `<rsp:Receive><rsp:DesiredStream CommandId="${command}">stdout stderr</rsp:DesiredStream></rsp:Receive>`,
      });
      const output = local(answer, 'Stream').map(({ text }) => Buffer.from(text, 'base64'));
      const [state] = local(answer, 'CommandState');
      const isDone = state?.attributes.State?.endsWith('/Done') ?? false;
      const code = local(answer, 'ExitCode')[0]?.text;
      return { output: Buffer.concat(output), exitCode: isDone ? Number(code ?? 0) : null };
    },

    async terminate(id: string, { shell, command }: RemoteCommand): Promise<void> {
      await ask(id, `${shellType}/Signal`, {
        shell,
        body: `<rsp:Signal CommandId="${command}"><rsp:Code>${shellType}/signal/terminate</rsp:Code></rsp:Signal>`,
      });
    },

    async letGo(id: string, shell: string): Promise<void> {
      await ask(id, `${transfer}/Delete`, { shell, body: '' });
    },
  };

  async function ask(
    id: string,
    action: string,
    { shell, options = {}, body }: { shell?: string; options?: Record<string, string>; body: string },
  ): Promise<XmlElement> {
    const answer = await http({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/soap+xml;charset=UTF-8',
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      },
      body: envelope({ url, id: idOfKey(`${id}/${action}`), action, shell, options, body }),
      ...(useTls && trustCert ? { tls: { anyCertificate: true } } : {}),
    });
    if (answer.status === 401)
      throw new WinrmFault(
        'the user name or password is wrong, or the far side does not allow Basic (winrm set winrm/config/service/auth @{Basic="true"})',
      );
    const root = read(answer.body, answer.status);
    const [fault] = local(root, 'Fault');
    if (!fault) return root;
    const code = local(fault, 'WSManFault')[0]?.attributes.Code;
    const said = [...local(fault, 'Message'), ...local(fault, 'Text')].map(({ text }) => text).find(Boolean);
    throw new WinrmFault((said ?? `fault ${code}`).replace(/\s+/g, ' ').replace(/\.$/, ''), code === idleCode);
  }
}

/** Bytes of input for each message: the far side takes 150 kB and more, as base64 with what is around it. */
const mostPerMessage = 64_000;

interface Message {
  url: string;
  id: string;
  action: string;
  shell: string | undefined;
  options: Record<string, string>;
  body: string;
}

const envelope = ({ url, id, action, shell, options, body }: Message): string =>
  `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="${shellType}"><s:Header><a:To>${escapeHtml(url)}</a:To><a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><a:MessageID>uuid:${id}</a:MessageID><w:ResourceURI s:mustUnderstand="true">${shellType}/cmd</w:ResourceURI><a:Action s:mustUnderstand="true">${action}</a:Action><w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize><w:OperationTimeout>PT20S</w:OperationTimeout>${
    shell ? `<w:SelectorSet><w:Selector Name="ShellId">${escapeHtml(shell)}</w:Selector></w:SelectorSet>` : ''
  }${
    Object.keys(options).length > 0
      ? `<w:OptionSet>${Object.entries(options)
          .map(([name, value]) => `<w:Option Name="${name}">${value}</w:Option>`)
          .join('')}</w:OptionSet>`
      : ''
  }</s:Header><s:Body>${body}</s:Body></s:Envelope>`;

function read(body: string, status: number): XmlElement {
  try {
    return parseXml(body);
  } catch (thrown) {
    if (thrown instanceof XmlError)
      throw new WinrmFault(`the far side answered ${status} with something that is no SOAP`);
    throw thrown;
  }
}

/** Elements by their name, whatever prefix they have. */
function local(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [
    ...(child.name.replace(/^.*:/, '') === name ? [child] : []),
    ...local(child, name),
  ]);
}

const selectorIn = (answer: XmlElement): string | undefined =>
  local(answer, 'Selector').find(({ attributes }) => attributes.Name === 'ShellId')?.text;
