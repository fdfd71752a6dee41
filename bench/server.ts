import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, openClient } from '../src/api/client.ts';
import { stopOwned } from '../src/host/processes.ts';
import type { RawRequest } from './burst.ts';

const program = join(import.meta.dirname, '../src/millrace.mjs');
const secret = 'bench';
const push = JSON.stringify({
  ref: 'refs/heads/main',
  after: 'a'.repeat(40),
  repository: {
    name: 'b',
    full_name: 'a/b',
    clone_url: 'https://git.example/a/b.git',
    ssh_url: 'git@git.example:a/b.git',
  },
  pusher: { name: 'ann' },
  head_commit: { message: 'A change', timestamp: '2026-11-23T10:00:00Z', author: { name: 'Ann' } },
  commits: [],
});
const signature = `sha256=${createHmac('sha256', secret).update(push).digest('hex')}`;

/** What became of a push. */
export interface Taken {
  status: number;
  execution: string;
}

export function takenOf(status: number, body: string): Taken {
  const { executionLink } = JSON.parse(body) as { executionLink?: string };
  return { status, execution: executionLink?.split('/').at(-1) ?? '' };
}

/** A program that says on its standard output where it listens. */
async function started(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let out = '';
    child.stdout!.on('data', (chunk) => {
      out += chunk;
      const found = /(?:is ready: |^)(http:\/\/127\.0\.0\.1:\d+)\s/m.exec(out);
      if (found) resolve(found[1]!);
    });
    child.once('exit', (code) => reject(new Error(`It ended with ${code} before it was ready: ${out}`)));
  });
  return { child, url };
}

export async function startFloor(): Promise<{ url: string; stop(): void }> {
  const { child, url } = await started([join(import.meta.dirname, 'floor-server.ts')]);
  return { url, stop: () => void child.kill() };
}

/** `millrace serve` as people run it, on SQLite or on a PostgreSQL. */
export class BenchServer {
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  readonly #environment: Record<string, string>;
  #child!: ChildProcess;
  #port = 0;
  url = '';
  client!: Client;
  /** From the start of the process to the word that it is ready. */
  readyMs = 0;

  readonly #names: string | undefined;

  /** @param names where it serves names, address:port */
  constructor(databaseUrl: string | undefined, names?: string) {
    this.#names = names;
    this.#environment = { MILLRACE_ADMIN_PASSWORD: 'bench', ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}) };
  }

  async start(): Promise<this> {
    const begun = performance.now();
    const args = [
      'serve',
      '--data',
      this.directory,
      '--port',
      String(this.#port),
      '--allow-process-workspace',
      '--no-local-cloud',
      ...(this.#names ? ['--dns', this.#names] : []),
    ];
    const { child, url } = await started([program, ...args], this.#environment);
    this.readyMs = Math.round(performance.now() - begun);
    this.#child = child;
    this.url = url;
    this.#port = Number(new URL(url).port);
    const login = { username: 'admin', password: 'bench' };
    const { access_token } = await openClient({ url, token: '' }).json('POST', '/csp/gateway/am/api/login', login);
    this.client = openClient({ url, token: String(access_token) });
    return this;
  }

  kill(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    return gone;
  }

  async end(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGTERM');
    await gone;
    await stopOwned(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A pipeline of `tasks` steps that each run a script, with a webhook of the same name. */
  async define(name: string, tasks: string[], more: object = {}): Promise<void> {
    const names = tasks.map((_, index) => `T${index + 1}`);
    const pipeline = {
      project: 'Bench',
      kind: 'PIPELINE',
      name,
      enabled: true,
      workspace: { type: 'PROCESS', endpoint: '', image: '' },
      stages: {
        S: {
          taskOrder: names,
          tasks: Object.fromEntries(
            names.map((task, index) => [task, { type: 'CI', input: { steps: [tasks[index]] } }]),
          ),
        },
      },
      ...more,
    };
    const hook = { project: 'Bench', kind: 'GIT_WEBHOOK', name, pipeline: name, secretToken: secret };
    const text = [pipeline, hook].map((one) => JSON.stringify(one)).join('\n---\n');
    const answer = await this.client.text('POST', '/codestream/api/import?action=apply&project=Bench', text);
    if (/FAILED/.test(answer)) throw new Error(answer);
  }

  /** Sends a signed push; answers its status and the execution that it started. */
  async push(name: string, delivery: string): Promise<Taken> {
    const { path, headers, body } = await this.pushOf(name, delivery);
    const answer = await fetch(`${this.url}${path}`, { method: 'POST', headers, body });
    return takenOf(answer.status, await answer.text());
  }

  /** A signed push, as it is sent. */
  async pushOf(name: string, delivery: string): Promise<RawRequest> {
    const hook = this.#hooks[name] ?? (await this.#hookOf(name));
    this.#hooks[name] = hook;
    return {
      path: `/codestream/api/git-webhook-listeners/${hook}`,
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': delivery,
        'x-hub-signature-256': signature,
      },
      body: push,
    };
  }

  readonly #hooks: Record<string, string> = {};

  async #hookOf(name: string): Promise<string> {
    const { documents } = await this.client.json('GET', '/codestream/api/git-webhooks');
    const all = Object.values(documents as Record<string, { name: string; id: string }>);
    return all.find((hook) => hook.name === name)!.id;
  }

  async ended(execution: string): Promise<void> {
    const stop = new AbortController();
    for await (const { data } of this.client.events(
      `/api/events?execution=${execution}&types=execution-ended`,
      '0',
      stop.signal,
    )) {
      if (data.status !== 'COMPLETED') throw new Error(String(data.message));
      break;
    }
    stop.abort();
  }

  async log(execution: string): Promise<string> {
    const { text } = await this.client.json('GET', `/api/executions/${execution}/logs?task=S.T1`);
    return String(text);
  }

  /** Resident memory in megabytes, and processor time used so far in milliseconds. */
  usage(): { memoryMb: number; cpuMs: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      memoryMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024),
      cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
    };
  }
}
