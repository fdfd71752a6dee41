import { createHash } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import { MillraceError, messageOf } from '../../../core/error.ts';
import { isObject, type JsonObject, parseJson } from '../../../core/json.ts';
import type { Endpoint } from '../../../sdk/powers.ts';

const usualPort = 29418;
const connectWithin = 15_000;
const answerWithin = 60_000;

/** Where Gerrit's SSH listens: what the address says, or the port that it usually has. */
export function placeOf({ name, properties }: Endpoint): { host: string; port: number } {
  const url = (properties.url ?? '').trim();
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed?.hostname || !/^(ssh|https?):$/.test(parsed.protocol))
    throw new MillraceError('endpoint.invalid', {
      message: `Endpoint ${name} has ${url ? `the \`url\` ${url}, which is no address` : 'no `url`'}.`,
      hint: 'Such as ssh://gerrit.example:29418 or https://gerrit.example.',
    });
  const given = Number(properties.sshPort ?? '') || (parsed.protocol === 'ssh:' ? Number(parsed.port) : 0);
  return { host: parsed.hostname, port: given || usualPort };
}

export interface SshLine {
  /**
   * Runs one of Gerrit's commands; `input` is its standard input, before which `confirm` is asked.
   * @throws MillraceError with what it said where it failed.
   */
  run(command: string, input?: string, confirm?: () => void): Promise<string>;
  /** Begins one that goes on and on, and hears its lines; `ended` tells why it did. What `hear` throws ends the connection. */
  follow(command: string, hear: (line: string) => void): Promise<{ ended: Promise<string> }>;
  close(): void;
}

/** One connection for all that is asked: Gerrit takes only keys. */
export async function openLine(endpoint: Endpoint): Promise<SshLine> {
  const { name, properties } = endpoint;
  const { host, port } = placeOf(endpoint);
  const { username = '', privateKey = '', passPhrase = '', hostKey = '' } = properties;
  const fault = (code: 'endpoint.unreachable' | 'endpoint.invalid' | 'endpoint.refused', why: string, hint?: string) =>
    new MillraceError(code, { message: `Endpoint ${name}: ${username}@${host}:${port}: ${why}.`, hint });
  if (!privateKey || !username)
    throw fault(
      'endpoint.invalid',
      `\`${username ? 'privateKey' : 'username'}\` is missing`,
      'Gerrit tells its events over SSH, and takes only keys there.',
    );
  const { Client } = await import('ssh2');
  const client = new Client();
  return new Promise((resolve, reject) => {
    let shown = '';
    let over = '';
    const ended = new Set<(why: string) => void>();
    client.on('connect', () => client.setNoDelay(true));
    client.on('error', (cause) => {
      over ||= reasonOf(cause, shown, hostKey);
      reject(fault(shown && hostKey && shown !== hostKey ? 'endpoint.refused' : 'endpoint.unreachable', over));
    });
    client.on('close', () => {
      over ||= 'the server ended the connection';
      for (const end of ended) end(over);
    });
    client.on('ready', () => resolve({ run, follow, close: () => client.end() }));
    try {
      client.connect({
        ...{ host, port, username, privateKey, passphrase: passPhrase || undefined },
        ...{ readyTimeout: connectWithin, keepaliveInterval: 15_000, keepaliveCountMax: 2 },
        hostVerifier: (key: Buffer) => {
          shown = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
          return hostKey === '' || hostKey === shown;
        },
      });
    } catch (cause) {
      reject(fault('endpoint.invalid', messageOf(cause), 'Is the private key complete, and its passphrase right?'));
    }

    function start(command: string): Promise<ClientChannel> {
      return new Promise((opened, refused) => {
        if (over) return refused(fault('endpoint.unreachable', over));
        client.exec(command, (cause, channel) =>
          cause ? refused(fault('endpoint.unreachable', messageOf(cause))) : opened(channel),
        );
      });
    }

    async function run(command: string, input = '', confirm = () => {}): Promise<string> {
      const channel = await start(command);
      return new Promise((answered, failed) => {
        const [out, err]: [Buffer[], Buffer[]] = [[], []];
        let code: number | undefined;
        const lost = (why: string) => failed(fault('endpoint.unreachable', `no answer to \`${command}\`: ${why}`));
        const limit = setTimeout(() => lost(`waited ${answerWithin / 1000} s`), answerWithin);
        ended.add(lost);
        channel.on('data', (chunk: Buffer) => out.push(chunk));
        channel.stderr.on('data', (chunk: Buffer) => err.push(chunk));
        channel.on('exit', (exit: number) => {
          code = exit;
        });
        channel.on('close', () => {
          clearTimeout(limit);
          ended.delete(lost);
          const said = Buffer.concat(err).toString('utf8').trim();
          if (code === undefined) lost('it ended without a status');
          else if (code !== 0) failed(fault('endpoint.refused', `\`${command}\` failed: ${said.slice(0, 500)}`));
          else answered(Buffer.concat(out).toString('utf8'));
        });
        confirm();
        channel.end(input);
      });
    }

    async function follow(command: string, hear: (line: string) => void): Promise<{ ended: Promise<string> }> {
      const channel = await start(command);
      const whole = new Promise<string>((tell) => {
        let rest = Buffer.alloc(0);
        let said = '';
        ended.add(tell);
        channel.on('data', (chunk: Buffer) => {
          rest = Buffer.concat([rest, chunk]);
          for (let end = rest.indexOf(10); end >= 0 && !over; end = rest.indexOf(10)) {
            const line = rest.subarray(0, end).toString('utf8');
            rest = rest.subarray(end + 1);
            try {
              hear(line);
            } catch (thrown) {
              over = messageOf(thrown);
              client.end();
            }
          }
        });
        channel.stderr.on('data', (chunk: Buffer) => {
          said = `${said}${chunk}`.slice(-500);
        });
        channel.on('close', () => {
          ended.delete(tell);
          tell(over || said.trim() || 'the server ended the stream');
        });
      });
      return { ended: whole };
    }
  });
}

function reasonOf(cause: Error & { level?: string; code?: string }, shown: string, wanted: string): string {
  if (wanted && shown && shown !== wanted) return `it shows the host key ${shown}, and \`hostKey\` is ${wanted}`;
  if (cause.level === 'client-authentication') return 'the user or the key was refused';
  if (cause.code === 'ECONNREFUSED') return 'the connection was refused';
  if (cause.code === 'ENOTFOUND') return 'the name is unknown';
  if (cause.level === 'client-timeout') return `no answer within ${connectWithin / 1000} s`;
  return messageOf(cause);
}

/** A word as Gerrit reads its command lines. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The objects of an answer of JSON, one a line, without the count at its end. @throws MillraceError where it tells of an error. */
export function objectsOf({ name }: Endpoint, answer: string): JsonObject[] {
  const found = answer
    .split('\n')
    .map((line) => parseJson(line))
    .filter(isObject);
  const fault = found.find(({ type }) => type === 'error');
  if (fault)
    throw new MillraceError('endpoint.refused', {
      message: `Endpoint ${name}: Gerrit refused: ${String(fault.message)}`,
    });
  return found.filter(({ type }) => type !== 'stats');
}
