import type { ConnectConfig } from 'ssh2';
import { MillraceError, messageOf } from '../core/error.ts';
import type { SshAnswer, SshTarget } from '../sdk/powers.ts';

const connectWithin = 15_000;
const answerWithin = 60_000;

/**
 * Runs a short piece of shell on the far side, with `input` as its standard input. The piece is visible in the process list there,
 * so whatever is secret goes in by `input`.
 * @throws MillraceError naming host and reason.
 */
export async function runRemote(target: SshTarget, script: string, input: Buffer): Promise<SshAnswer> {
  // Not every server needs it.
  const { Client } = await import('ssh2');
  return new Promise((resolve, reject) => {
    const client = new Client();
    const fail = (reason: string, hint: string, cause?: unknown) => {
      end();
      reject(
        new MillraceError('endpoint.unreachable', {
          message: `SSH to ${target.username}@${target.host}:${target.port} failed: ${reason}.`,
          hint,
          cause,
        }),
      );
    };
    const limit = setTimeout(
      () => fail(`no answer within ${answerWithin / 1000} s`, 'Is the machine overloaded?'),
      answerWithin,
    );
    const end = () => {
      clearTimeout(limit);
      client.end();
    };

    // Without it a connection takes 400 ms instead of 15: small packets wait for each other.
    client.on('connect', () => client.setNoDelay(true));
    client.on('ready', () => {
      client.exec(script, (fault, stream) => {
        if (fault) return fail(messageOf(fault), 'Does the user have a shell there?', fault);
        const output: Buffer[] = [];
        const errors: Buffer[] = [];
        let code = 255;
        stream.on('data', (chunk: Buffer) => output.push(chunk));
        stream.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
        stream.on('exit', (exit: number | null) => {
          code = exit ?? 255;
        });
        stream.on('close', () => {
          end();
          resolve({ code, output: Buffer.concat(output), errors: Buffer.concat(errors).toString('utf8') });
        });
        stream.end(input);
      });
    });
    client.on('error', (fault) => fail(reasonOf(fault), hintOf(fault), fault));
    try {
      client.connect(configOf(target));
    } catch (fault) {
      fail(messageOf(fault), 'Is the private key complete, and its passphrase right?', fault);
    }
  });
}

function configOf({ host, port, username, password, privateKey, passphrase }: SshTarget): ConnectConfig {
  return {
    host,
    port,
    username,
    readyTimeout: connectWithin,
    ...(privateKey ? { privateKey, passphrase: passphrase || undefined } : { password, tryKeyboard: false }),
  };
}

function reasonOf(fault: Error & { level?: string; code?: string }): string {
  if (fault.level === 'client-authentication') return 'user name, password or key were refused';
  if (fault.code === 'ECONNREFUSED') return 'the connection was refused';
  if (fault.code === 'ENOTFOUND') return 'the name is unknown';
  if (fault.level === 'client-timeout') return `no answer within ${connectWithin / 1000} s`;
  return messageOf(fault);
}

const hintOf = (fault: Error & { level?: string }): string =>
  fault.level === 'client-authentication'
    ? 'Check username, password or privatekey of the task.'
    : 'Does the machine run, and its SSH server listen there?';
