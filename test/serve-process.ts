import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openClient } from '../src/api/client.ts';
import { isObject, type JsonObject } from '../src/core/json.ts';
import { freePort } from '../src/demo/server-process.ts';
import { removeTree, stopOwned } from '../src/host/processes.ts';
import { startMillrace } from './millrace.ts';

interface Options {
  environment?: Record<string, string>;
  beside?: ServeProcess;
}

/** `millrace serve` as a process of its own that may die: named crash points kill it once each. */
export class ServeProcess {
  readonly directory: string;
  /** What its next process finds in its environment. */
  environment: Record<string, string>;
  #children: ChildProcess[] = [];
  #port = 0;
  #token = '';
  #told = '';

  /** `beside`: a second node on the directory and the database of another. */
  static async start(t: TestContext, crashAt: string, { environment, beside }: Options = {}): Promise<ServeProcess> {
    const server = new ServeProcess(
      beside?.directory ?? mkdtempSync(join(tmpdir(), 'millrace-test-')),
      beside ? beside.environment : (environment ?? {}),
    );
    t.after(async () => {
      for (const child of server.#children) child.kill('SIGKILL');
      await stopOwned(server.directory);
      removeTree(server.directory);
    });
    server.#port = await freePort('127.0.0.1');
    await server.start(crashAt);
    const { access_token: token } = await server.json('POST', '/csp/gateway/am/api/login', {
      username: 'admin',
      password: 'pw',
    });
    server.#token = String(token);
    return server;
  }

  private constructor(directory: string, environment: Record<string, string>) {
    this.directory = directory;
    this.environment = environment;
  }

  async start(crashAt = ''): Promise<void> {
    const args = ['serve', '--data', this.directory, '--port', String(this.#port), '--allow-process-workspace'];
    const child = startMillrace(args, {
      MILLRACE_ADMIN_PASSWORD: 'pw',
      MILLRACE_CRASH_AT: crashAt,
      ...this.environment,
    });
    this.#children.push(child);
    await new Promise<void>((resolve, reject) => {
      let out = '';
      const told = this.#told.length;
      child.stderr!.on('data', (chunk) => {
        this.#told += chunk;
      });
      child.stdout!.on('data', (chunk) => {
        out += chunk;
        this.#told += chunk;
        if (out.includes('is ready')) resolve();
      });
      child.once('close', () => reject(new Error(`The server ended before it was ready: ${this.#told.slice(told)}`)));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  signal(name: NodeJS.Signals): void {
    this.#children.at(-1)!.kill(name);
  }

  /** What it has told people and its log. */
  get told(): string {
    return this.#told;
  }

  /** Resolves once it has told something of this form. */
  async tells(form: RegExp): Promise<void> {
    while (!form.test(this.#told)) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Its exit code, once it has ended. */
  get ended(): Promise<number | null> {
    const child = this.#children.at(-1)!;
    return new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
      child.once('exit', resolve);
    });
  }

  get died(): Promise<NodeJS.Signals | null> {
    const child = this.#children.at(-1)!;
    return new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve(child.signalCode);
      child.once('exit', (_, signal) => resolve(signal));
    });
  }

  get #client() {
    return openClient({ url: this.url, token: this.#token });
  }

  json(method: string, path: string, body?: JsonObject): Promise<JsonObject> {
    return this.#client.json(method, path, body);
  }

  import(yaml: string): Promise<string> {
    return this.#client.text('POST', '/codestream/api/import?action=apply&project=Tito', yaml);
  }

  async begin(pipeline: string): Promise<string> {
    const { executionId } = await this.json('POST', `/codestream/api/pipelines/Tito/${pipeline}/executions`, {
      input: {},
    });
    return String(executionId);
  }

  /** Follows a run until an event of this type, over restarts. */
  async until(id: string, type: string): Promise<JsonObject> {
    return (await this.eventsUntil(id, type)).at(-1)!;
  }

  /** All events of a run up to the first one of a type. */
  async eventsUntil(id: string, type: string): Promise<JsonObject[]> {
    const seen: JsonObject[] = [];
    const stop = new AbortController();
    for await (const { data } of this.#client.events(`/api/events?execution=${id}`, '0', stop.signal)) {
      seen.push(data);
      if (data.type !== type) continue;
      stop.abort();
      return seen;
    }
    throw new Error('The events ended.');
  }

  async openQuestion(): Promise<JsonObject> {
    const { documents } = await this.json('GET', "/codestream/api/user-operations?$filter=status%20eq%20'ACTIVE'");
    return Object.values(isObject(documents) ? documents : {}).find(isObject) as JsonObject;
  }
}
