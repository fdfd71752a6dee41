import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import ssh2, { type AuthContext, type PublicKeyAuthContext, type Session } from 'ssh2';

interface SshService {
  address: string;
  port: number;
  users: { name: string; password: string; keys: string[] }[];
  keyFile: string;
  start(command: string, user: string): ChildProcess;
}

/** The SSH server of a machine: passwords and keys of its users, commands in its own world. */
export function serveSsh({ address, port, users, keyFile, start }: SshService): Promise<Server> {
  if (!existsSync(keyFile)) writeFileSync(keyFile, newHostKey(), { mode: 0o600 });
  const server = new ssh2.Server({ hostKeys: [readFileSync(keyFile)] }, (client) => {
    let user = '';
    client.on('authentication', (context) => {
      if (!isWelcome(context, users)) return context.reject(['password', 'publickey']);
      user = context.username;
      context.accept();
    });
    client.on('error', () => client.end());
    client.on('ready', () =>
      client.on('session', (accept) => serveSession(accept(), (command) => start(command, user))),
    );
  });
  // Without delays a command takes 10 ms instead of 230: small packets wait for each other.
  const listener = createServer({ noDelay: true }, (socket) => server.injectSocket(socket));
  return new Promise((resolve, reject) => {
    listener.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' ? new Error(`the address ${address}:${port} is taken by another process`) : error,
      ),
    );
    listener.listen(port, address, () => resolve(listener));
  });
}

/** Made by Node: one in some hundred ed25519 keys that ssh2 makes cannot be read back by it. */
function newHostKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'sec1', format: 'pem' })
    .toString();
}

function serveSession(session: Session, start: (command: string) => ChildProcess): void {
  session.on('exec', (accept, _, { command }) => {
    const channel = accept();
    const child = start(command);
    channel.on('error', () => undefined);
    child.stdin?.on('error', () => undefined);
    channel.pipe(child.stdin!);
    child.stdout!.pipe(channel, { end: false });
    child.stderr!.pipe(channel.stderr, { end: false });
    child.on('error', () => leave(127));
    child.on('close', (code) => leave(code ?? 255));
    channel.on('close', () => child.stdin?.destroy());

    function leave(code: number): void {
      channel.exit(code);
      channel.end();
    }
  });
}

function isWelcome(context: AuthContext, users: SshService['users']): boolean {
  const user = users.find(({ name }) => name === context.username);
  if (!user) return false;
  if (context.method === 'password') return user.password !== '' && isSame(context.password, user.password);
  if (context.method === 'publickey') return user.keys.some((key) => isKey(context, key));
  return false;
}

function isKey(context: PublicKeyAuthContext, allowed: string): boolean {
  const key = ssh2.utils.parseKey(allowed);
  if (key instanceof Error || Array.isArray(key)) return false;
  if (key.type !== context.key.algo && !context.key.algo.startsWith('rsa-sha2')) return false;
  if (!isSame(context.key.data, key.getPublicSSH())) return false;
  return !context.signature || !context.blob || key.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function isSame(a: string | Buffer, b: string | Buffer): boolean {
  const [left, right] = [Buffer.from(a as never), Buffer.from(b as never)];
  return left.length === right.length && timingSafeEqual(left, right);
}
