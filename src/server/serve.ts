import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MillraceError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import { openEngine } from '../engine/engine.ts';
import type { EngineParts } from '../engine/parts.ts';
import type { Execution, ExecutionEvent } from '../pipeline/execution.ts';
import { traceIdOf } from '../pipeline/trace.ts';
import type { Catalogue } from '../sdk/catalogue.ts';
import type { Http, Jobs, Ssh } from '../sdk/powers.ts';
import { checkKey } from '../store/open.ts';
import type { Seal } from '../store/seal.ts';
import type { Node, Store } from '../store/store.ts';
import { openAuth } from './auth.ts';
import { handlers } from './handlers.ts';
import { healthOf } from './health.ts';
import { buildHttp } from './http.ts';
import { projectId } from './kinds/kind.ts';
import { kinds } from './kinds/kinds.ts';
import { openMetrics } from './metrics.ts';
import { openUsers } from './users.ts';

export interface ServeParts {
  store: Store;
  seal: Seal;
  catalogue: Catalogue;
  http: Http;
  ssh: Ssh;
  jobs: Jobs;
  secretProperties: string[];
  openApi: () => JsonObject;
  /** Directory of the built web application. */
  pages: string;
  crashPoint: (name: string) => void;
  sendTrace: EngineParts['sendTrace'];
  newId: () => string;
  newPassword: () => string;
  node: Node;
  host: string;
  port: number;
  adminPassword: string | undefined;
  tls: { key: string; cert: string } | undefined;
  /** Files of authorities for functions, which call this server: where its certificate is its own. */
  trustFiles: EngineParts['trustFiles'];
  report(message: string, details: Record<string, unknown>): void;
  /** How people reach this server, where that is not the address it listens on. */
  publicUrl: string | undefined;
  /** Something for the person at the terminal. */
  say(text: string): void;
}

export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** One server: engine and HTTP on one store. Ready when this resolves. */
export async function serve(given: ServeParts): Promise<Server> {
  const { store, seal, catalogue, host, port, say } = given;
  let isStopping = false;
  const scheme = given.tls ? 'https' : 'http';
  let url = `${scheme}://${host}:${port}`;
  const users = openUsers(store, store.now);
  const auth = openAuth(store, users, store.now);
  const parts: EngineParts = {
    store,
    catalogue,
    seal,
    http: given.http,
    ssh: given.ssh,
    jobs: given.jobs,
    moment: { now: store.now, newId: given.newId },
    node: given.node,
    url: () => url,
    people: { ...users, ownerOf: async (token) => (await auth.userOfToken(token))?.name },
    tokenFor: (user, life) => auth.issue(user, 'access', life),
    crashPoint: given.crashPoint,
    observer: { happened: (execution, events) => observe(execution, events) },
    sendTrace: given.sendTrace,
    trustFiles: given.trustFiles,
    report: given.report,
  };
  try {
    await checkKey(store, seal);
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
  const engine = await openEngine(parts);
  const isStoreUp = () =>
    store.lastSequence().then(
      () => true,
      () => false,
    );
  const metrics = openMetrics(engine.load, isStoreUp);
  const known = kinds({ catalogue, seal, secretProperties: given.secretProperties, externalUrl: () => url });
  const http = buildHttp({
    auth,
    handlers: handlers({ parts, engine, auth, users, kinds: known, openApi: given.openApi, metrics }),
    health: async () => healthOf(await isStoreUp(), engine.load(), isStopping),
    pages: given.pages,
    metrics,
    tls: given.tls,
    report: given.report,
  });
  // Before anybody can ask: whoever finds this server ready can sign in.
  const passwordMade = await firstStart();
  try {
    await http.listen({ host, port });
  } catch (cause) {
    tellOnce();
    await engine.stop();
    await store.close();
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE')
      throw new MillraceError('port.taken', {
        message: `Port ${port} of ${host} is taken by another process.`,
        hint: 'Choose another one with --port, or stop what listens there.',
        cause,
      });
    if (code === 'EACCES')
      throw new MillraceError('port.taken', {
        message: `Port ${port} needs rights that this user has not.`,
        hint: 'Choose one from 1024 with --port.',
        cause,
      });
    throw cause;
  }
  url = given.publicUrl ?? `${scheme}://${host}:${(http.server.address() as AddressInfo).port}`;
  // What is under way may call this server, which answers from now on.
  engine.begin();
  tellOnce();
  await auth.forgetExpired();
  const sweep = setInterval(() => void auth.forgetExpired().catch(() => undefined), 3_600_000).unref();
  return {
    url,
    async stop() {
      isStopping = true;
      clearInterval(sweep);
      await http.close();
      await engine.stop();
      await store.close();
    },
  };

  /** Counts what has happened, and tells of the runs in the log. */
  function observe(execution: Execution, events: ExecutionEvent[]): void {
    metrics.observer.happened(execution, events);
    for (const { type } of events) {
      if (type !== 'execution-started' && type !== 'execution-ended') continue;
      const { plan, status, message } = execution;
      given.report(type === 'execution-started' ? 'A run has started.' : 'A run has ended.', {
        execution: plan.execution,
        run: `${plan.pipeline.name} #${plan.index}`,
        project: plan.project,
        trace: traceIdOf(plan.root ?? plan.execution),
        ...(type === 'execution-ended' ? { status, reason: message } : {}),
      });
    }
  }

  /** The first start makes an administrator. Answers the password that it made up, which nobody knows yet. */
  async function firstStart(): Promise<string | undefined> {
    await store.insert({
      ...{ kind: 'project', id: projectId('Default'), project: '', name: 'Default', body: {} },
      createdAt: store.now(),
      updatedAt: store.now(),
    });
    if ((await users.list()).length > 0) return undefined;
    const password = given.adminPassword ?? given.newPassword();
    const isFirst = await users.add('admin', password, 'administrator').then(
      () => true,
      // Another server on the same database was faster.
      (thrown) => !(thrown instanceof MillraceError && thrown.code === 'name.taken') && Promise.reject(thrown),
    );
    return isFirst && given.adminPassword === undefined ? password : undefined;
  }

  function tellOnce(): void {
    if (passwordMade !== undefined)
      say(
        `\nFirst start: the administrator is  admin  with the password  ${passwordMade}\nIt is not shown again. Sign in: millrace login ${url} --user admin\n`,
      );
  }
}

/** One server per data directory: two on one SQLite file would both perform the same work. */
export function lockDirectory(
  directory: string,
  isAlive: (mark: { pid: number; started: string }) => boolean,
  own: { pid: number; started: string },
): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'server.pid');
  if (existsSync(path)) {
    const mark = JSON.parse(readFileSync(path, 'utf8') || '{"pid":0,"started":"-"}') as {
      pid: number;
      started: string;
    };
    if (mark.pid !== own.pid && isAlive(mark)) {
      throw new MillraceError('storage.failed', {
        message: `Another server (process ${mark.pid}) uses ${directory}.`,
        hint: 'Stop it, or choose another directory with --data.',
      });
    }
  }
  writeFileSync(path, JSON.stringify(own), { mode: 0o600 });
}
