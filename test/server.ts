import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../src/core/json.ts';
import { openHttp } from '../src/host/http.ts';
import { openJobs } from '../src/host/jobs.ts';
import { removeTree, stopOwned } from '../src/host/processes.ts';
import { runRemote } from '../src/host/ssh.ts';
import type { Span } from '../src/pipeline/trace.ts';
import { type CatalogueOptions, catalogue } from '../src/plugins/catalogue.ts';
import { openEngine } from '../src/plugins/clouds/container/engine.ts';
import { openSite } from '../src/plugins/clouds/local/site.ts';
import { secretProperties } from '../src/plugins/endpoints/endpoints.ts';
import type { CloudResourceDefinition } from '../src/sdk/cloud.ts';
import { openApi } from '../src/server/openapi.ts';
import { type Server, serve } from '../src/server/serve.ts';
import { openCluster } from '../src/store/postgres/open.ts';
import { openSeal } from '../src/store/seal.ts';
import { openSqlite } from '../src/store/sqlite/store.ts';
import type { Document, Store } from '../src/store/store.ts';
import { mustFit } from './answers.ts';
import { newDatabase } from './postgres/database.ts';

const http = openHttp(() => undefined);

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape, and say what they expect there.
  body: any;
}

export interface Options {
  /** With a local cloud. */
  cloud?: boolean;
  /** With containers of the engine that listens there. */
  engine?: string;
  allowProcessWorkspace?: boolean;
  bootWithin?: number;
  terraform?: string | undefined;
  /** Resources of clouds that only this test knows. */
  resources?: CloudResourceDefinition[];
  mostPages?: number;
  /** Where it listens at first; anywhere, where none is given. */
  port?: number;
  sendTrace?: (spans: Span[]) => Promise<void>;
  /** Hears of every call of the store. */
  watch?: (call: keyof Store, values: unknown[]) => void;
}

function withResources(resources: CloudResourceDefinition[] = [], options: CatalogueOptions) {
  const all = catalogue(options);
  return { ...all, resources: [...all.resources, ...resources] };
}

/** A whole server on a free port with a directory of its own, signed in as its administrator. */
export class TestServer {
  readonly directory: string;
  readonly reports: { message: string; details: Record<string, unknown> }[] = [];
  url = '';
  token = '';
  /** The machine that it stands on, from the next start on. */
  host = 'here';
  #server: Server | undefined;
  #store: Store | undefined;
  #options: Options;
  #database: Awaited<ReturnType<typeof newDatabase>> | undefined;

  static async start(t: TestContext, options: Options = {}): Promise<TestServer> {
    const server = new TestServer(mkdtempSync(join(tmpdir(), 'millrace-test-')), options);
    t.after(() => server.end());
    await server.start(options.port);
    return server;
  }

  private constructor(directory: string, options: Options) {
    this.directory = directory;
    this.#options = options;
  }

  /** SQLite, or what MILLRACE_TEST_STORE names: the same tests hold on both. */
  async #openStore(): Promise<Store> {
    const node = { name: 'single', host: this.host };
    if (process.env.MILLRACE_TEST_STORE !== 'postgres')
      return openSqlite(join(this.directory, 'millrace.db'), node, { mostPages: this.#options.mostPages });
    this.#database ??= await newDatabase();
    return openCluster({
      url: this.#database.url,
      node,
      self: { pid: process.pid, started: '', space: '' },
      isGone: () => false,
      clock: Date.now,
      monotonic: () => performance.now(),
      lost: (reason) => assert.fail(reason),
      report: (message, details) => this.reports.push({ message, details }),
    });
  }

  async start(port = 0): Promise<void> {
    const { cloud = false, allowProcessWorkspace = true, bootWithin = 20_000 } = this.#options;
    const store = await this.#openStore();
    this.#store = store;
    this.#server = await serve({
      store: watched(store, this.#options.watch),
      seal: openSeal(join(this.directory, 'master.key')),
      catalogue: withResources(this.#options.resources, {
        site: cloud ? openSite(join(this.directory, 'site')) : undefined,
        containers: this.#options.engine
          ? { engine: openEngine(this.#options.engine), directory: join(this.directory, 'containers') }
          : undefined,
        allowProcessWorkspace,
        terraformProgram: this.#options.terraform,
        bootWithin: { process: bootWithin, container: bootWithin },
      }),
      http,
      ssh: runRemote,
      jobs: openJobs(this.directory, [process.execPath]),
      secretProperties,
      openApi: () => openApi('0.0.0'),
      pages: join(import.meta.dirname, '../dist/web'),
      crashPoint: () => undefined,
      sendTrace: this.#options.sendTrace,
      newId: randomUUID,
      newPassword: () => 'never used',
      node: { name: 'single', host: this.host },
      host: '127.0.0.1',
      port,
      publicUrl: undefined,
      tls: undefined,
      trustFiles: undefined,
      adminPassword: 'admin password',
      report: (message, details) => 'error' in details && this.reports.push({ message, details }),
      say: () => undefined,
    });
    this.url = this.#server.url;
    this.token = await this.signIn('admin', 'admin password');
    await this.call('POST', '/iaas/api/projects', { name: 'Tito' });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Makes a document what it would be had the clock gone on. */
  async change(kind: string, id: string, change: (document: Document) => Document): Promise<void> {
    await this.#store!.put(change((await this.#store!.get(kind, id))!));
  }

  /** What is to be done later and has a key that begins so is done now. */
  async hasten(keyPrefix: string): Promise<void> {
    await this.#store!.hasten(keyPrefix, this.#store!.now());
  }

  /** Gives the database room again, from the next start on. */
  roomy(): void {
    this.#options = { ...this.#options, mostPages: undefined };
  }

  async end(): Promise<void> {
    await this.stop();
    await stopOwned(this.directory);
    await this.#database?.drop();
    removeTree(this.directory);
  }

  async signIn(username: string, password: string): Promise<string> {
    const { body } = await this.call('POST', '/csp/gateway/am/api/login', { username, password }, '');
    return body.access_token;
  }

  /** A user of a role, signed in. */
  async user(role: string): Promise<string> {
    await this.call('POST', '/api/users', { name: role, password: role, role });
    return this.signIn(role, role);
  }

  async call(method: string, path: string, body?: unknown, token = this.token): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json');
    if (isJson && answer.ok) mustFit(method, path, JSON.parse(text));
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: isJson && text ? JSON.parse(text) : undefined,
    };
  }

  /** Takes definitions, all of which must be good. */
  async import(yaml: string): Promise<void> {
    const { text } = await this.call('POST', '/codestream/api/import?action=apply&project=Tito', yaml);
    assert.doesNotMatch(text, /FAILED/);
  }

  async begin(name: string, input: JsonObject = {}): Promise<string> {
    const { status, body, text } = await this.call(
      'POST',
      `/codestream/api/pipelines/Tito/${encodeURIComponent(name)}/executions`,
      { input },
    );
    assert.equal(status, 202, text);
    return body.executionId;
  }

  /** Runs a pipeline to its end and answers the execution as the API shows it. */
  async run(name: string, input: JsonObject = {}) {
    return this.ended(await this.begin(name, input));
  }

  /** Imports one pipeline around the text of one task (or more) and runs it to its end; answers the execution. */
  async runTasks(tasks: string, around = ''): Promise<Answer['body']> {
    await this.import(pipelineAround(tasks, around));
    return this.run('P');
  }

  async ended(id: string): Promise<Answer['body']> {
    await this.until(id, ({ type }) => type === 'execution-ended');
    return (await this.call('GET', `/codestream/api/executions/${id}`)).body;
  }

  /** Follows the live events of a run until one is what is waited for. */
  async until(id: string, isIt: (event: JsonObject) => boolean): Promise<JsonObject> {
    for await (const { data } of this.events(`/api/events?execution=${id}`, '0')) if (isIt(data)) return data;
    throw new Error(`The events of ${id} ended too early.`);
  }

  async *events(path: string, lastEventId?: string): AsyncGenerator<{ id: string; event: string; data: JsonObject }> {
    const gone = new AbortController();
    const answer = await fetch(`${this.url}${path}`, {
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: gone.signal,
    });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    try {
      let rest = '';
      for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) {
          const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
          if (field('data')) yield { id: field('id'), event: field('event'), data: JSON.parse(field('data')) };
        }
      }
    } finally {
      gone.abort();
    }
  }

  /** The log of a task, once it has ended. */
  async log(id: string, task: string): Promise<string> {
    return (await this.call('GET', `/api/executions/${id}/logs?task=${encodeURIComponent(task)}`)).body.text;
  }
}

function watched(store: Store, watch: Options['watch']): Store {
  if (!watch) return store;
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const member = target[name];
      if (typeof member !== 'function') return member;
      return (...values: never[]) => {
        watch(name, values);
        return (member as (...given: never[]) => unknown)(...values);
      };
    },
  });
}

/** A pipeline P in project Tito with one stage S; `tasks` are its tasks as YAML, not indented; `around` stands at its top level. */
export const pipelineAround = (tasks: string, around = ''): string =>
  `project: Tito\nkind: PIPELINE\nname: P\nenabled: true\n${around}\nstages:\n  S:\n    tasks:\n${tasks.replace(/^(?=.)/gm, '      ')}\n`;
