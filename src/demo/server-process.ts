import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { appendFileSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface ServerOrder {
  node: string;
  program: string;
  data: string;
  port: number;
  /** Where it serves names, `address:port`, where it does. */
  dns: string | undefined;
  environment: Record<string, string>;
}

/** The server as a process that may die: it is started again until it is told to stop. */
export class ServerProcess {
  readonly url: string;
  /** How often it was killed. */
  kills = 0;
  #order: ServerOrder;
  #child: ChildProcess | undefined;
  #wanted = false;

  constructor(order: ServerOrder) {
    this.#order = order;
    this.url = `http://127.0.0.1:${order.port}`;
  }

  async start(): Promise<void> {
    this.#wanted = true;
    this.#spawn();
    const deadline = performance.now() + 20_000;
    while (performance.now() < deadline) {
      if (await this.isReady()) return;
      if (this.#child?.exitCode !== null && this.#child?.exitCode !== undefined)
        throw new Error(`The server did not start; see ${this.log}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`The server was not ready within 20 s; see ${this.log}.`);
  }

  /** What the next process of it finds in its environment. */
  get environment(): Record<string, string> {
    return this.#order.environment;
  }

  get log(): string {
    return join(this.#order.data, 'server.log');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(1000) }).then(
      (answer) => answer.ok,
      () => false,
    );
  }

  /** The power fails. It comes back by itself. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(force);
  }

  #spawn(): void {
    const { node, program, data, port, dns, environment } = this.#order;
    const log = openSync(this.log, 'a');
    const child = spawn(
      node,
      [
        ...[program, 'serve', '--data', data, '--port', String(port), '--allow-process-workspace'],
        ...(dns ? ['--dns', dns] : []),
      ],
      {
        env: { ...process.env, ...environment, MILLRACE_OWNER: join(data, 'server') },
        detached: true,
        stdio: ['ignore', log, log],
      },
    );
    this.#child = child;
    child.once('exit', (_, signal) => {
      if (signal === 'SIGKILL' && this.#wanted) {
        this.kills++;
        appendFileSync(this.log, '--- killed ---\n');
        setTimeout(() => this.#wanted && this.#spawn(), 100);
      }
    });
  }
}

/** Linux gives ports from 32768 on to whoever asks for any, and to connections that go out; browsers refuse 10080. */
const [firstPort, lastPort] = [10_100, 32_767];

/** A port that is free now and that nobody is given by chance until somebody listens there. */
export async function freePort(address: string): Promise<number> {
  for (;;) {
    const port = randomInt(firstPort, lastPort + 1);
    if (await isFree(address, port)) return port;
  }
}

/** @throws where the address is none of this machine */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
