// The composition root: the only file that knows every room. Rooms that only some commands need are loaded by those.
import { randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { ServeOptions } from './cli/commands/serve.ts';
import { runCli } from './cli/program.ts';
import { databaseAddress } from './core/database-address.ts';
import { MillraceError, messageOf } from './core/error.ts';
import { isAlive, isCertainlyGone, ownProcess } from './host/processes.ts';
import { catalogue } from './plugins/catalogue.ts';
import { secretProperties } from './plugins/endpoints/endpoints.ts';
import type { Http } from './sdk/powers.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** What we start finds the Node that we run on. */
process.env.PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`;

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `Millrace needs Node 24 or newer; this is ${process.versions.node}. From a checkout, use: npm run -s millrace -- ${process.argv.slice(2).join(' ')}\n`,
  );
  process.exit(3);
}

process.exitCode = await runCli(process.argv.slice(2), {
  version,
  catalogue: catalogue({
    site: openSiteLazily(),
    containers: undefined,
    allowProcessWorkspace: true,
    bootWithin: bootTimes({}),
  }),
  serve: serveHere,
  async backup(data, file) {
    const { backUpStore } = await import('./store/backup.ts');
    return { ...(await backUpStore(databaseOf(data), resolve(file))), file, kept: null, keyFile: keyFileIn(data) };
  },
  async restore(file, data) {
    const [{ restoreStore }, { lockDirectory }] = await Promise.all([
      import('./store/backup.ts'),
      import('./server/serve.ts'),
    ]);
    lockDirectory(resolve(data), isAlive, ownProcess());
    return { ...(await restoreStore(resolve(file), databaseOf(data))), file, keyFile: keyFileIn(data) };
  },
  async migrate(url, data) {
    const { upgrade } = await import('./store/postgres/upgrade.ts');
    return upgrade(url, data && join(resolve(data), 'backups'));
  },
  async moveToPostgres(data, url, told) {
    const [{ moveToPostgres }, { lockDirectory }] = await Promise.all([
      import('./store/move.ts'),
      import('./server/serve.ts'),
    ]);
    lockDirectory(resolve(data), isAlive, ownProcess());
    return moveToPostgres(resolve(data), url, told);
  },
  // An interrupted demo leaves work waiting for what is no longer there; nothing of it is owed.
  demo: async (options) => {
    const { playDemo } = await import('./demo/demo.ts');
    process.exit(await playDemo({ ...options, root, node: process.execPath }));
  },
});

async function serveHere(options: ServeOptions): Promise<void> {
  const [
    { lockDirectory, serve },
    { openApi },
    { openStore },
    { openSeal },
    { openHttp },
    { runRemote },
    { openJobs },
    { openSite },
    { applyRules },
    { engineSocket, openEngine },
    { giveBackAtRest },
    { remountDisks },
  ] = await Promise.all([
    import('./server/serve.ts'),
    import('./server/openapi.ts'),
    import('./store/open.ts'),
    import('./store/seal.ts'),
    import('./host/http.ts'),
    import('./host/ssh.ts'),
    import('./host/jobs.ts'),
    import('./plugins/clouds/local/site.ts'),
    import('./plugins/clouds/local/firewall.ts'),
    import('./plugins/clouds/container/engine.ts'),
    import('./host/spare-memory.ts'),
    import('./plugins/clouds/disk-image.ts'),
  ]);
  const directory = resolve(options.data);
  const url = databaseAddress(process.env);
  const self = ownProcess();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!url) lockDirectory(directory, isAlive, self);
  const host = hostOf(directory);
  const node = { name: url ? `${host}.${process.pid}.${randomBytes(2).toString('hex')}` : 'single', host };
  const [ownSite, ownContainers] = [join(directory, 'site'), join(directory, 'containers')];
  if (options.localCloud) for (const cloud of [ownSite, ownContainers]) await remountDisks(cloud);
  const { dns } = options;
  const names = dns
    ? await (await import('./plugins/dns/embedded.ts')).openNameServer(join(directory, 'dns'), {
        address: dns.address,
        dnsPort: dns.port,
        apiPort: dns.port + 1,
      })
    : undefined;
  const tls = options.tls || options.tlsCert || options.tlsKey ? await certificateFor(options, directory) : undefined;
  const store = await openStore({
    url,
    directory,
    node,
    self,
    isGone: isCertainlyGone,
    clock: Date.now,
    monotonic: () => uptime() * 1000,
    lost: beginAnew,
    report,
  });
  const confirm = store.confirmTenure;
  const site = options.localCloud ? openSite(ownSite, confirm) : undefined;
  // Whoever was here before may have died while it told the firewall.
  if (site) void applyRules(site).catch(() => undefined);
  const http = openHttp(confirm);
  const server = await serve({
    store,
    seal: openSeal(keyFileIn(directory)),
    catalogue: catalogue({
      site,
      containers: options.localCloud
        ? { engine: openEngine(engineSocket(process.env), confirm), directory: ownContainers }
        : undefined,
      allowProcessWorkspace: options.allowProcessWorkspace,
      terraformProgram: process.env.MILLRACE_TERRAFORM,
      bootWithin: bootTimes(process.env),
    }),
    http,
    ssh: runRemote,
    jobs: openJobs(directory, [process.execPath]),
    secretProperties,
    openApi: () => openApi(version),
    pages: join(root, 'dist', 'web'),
    crashPoint: crashPoints(directory),
    sendTrace: await traceExporter(http),
    newId: randomUUID,
    newPassword: () => randomBytes(12).toString('base64url'),
    node,
    host: options.host,
    port: options.port,
    publicUrl: options.url,
    tls,
    trustFiles: tls?.trustFiles,
    adminPassword: process.env.MILLRACE_ADMIN_PASSWORD,
    report,
    say: (text) => process.stdout.write(text),
  });
  process.stdout.write(
    `Millrace ${version} is ready: ${server.url}${names ? ` · names: ${names.address}:${names.dnsPort} · name API: ${names.apiUrl}` : ''}\n`,
  );
  giveBackAtRest();
  await untilAskedToStop(server);
  // Calls to far sides that do not answer would keep the process for as long as they wait.
  process.exit(0);
}

/** The certificate that was given, or one of our own under every name that this server is reached by. */
async function certificateFor({ tlsCert, tlsKey, host, url }: ServeOptions, directory: string) {
  if (tlsCert || tlsKey) {
    const read = (what: string, file: string | undefined) => {
      if (!file)
        throw new MillraceError('request.invalid', {
          message: `\`--tls-cert\` and \`--tls-key\` go together; ${what} is missing.`,
        });
      try {
        return readFileSync(file, 'utf8');
      } catch (cause) {
        throw new MillraceError('request.invalid', {
          message: `${what} ${file} cannot be read: ${messageOf(cause)}.`,
          cause,
        });
      }
    };
    const given = { cert: read('--tls-cert', tlsCert), key: read('--tls-key', tlsKey) };
    try {
      createSecureContext(given);
    } catch (cause) {
      throw new MillraceError('request.invalid', {
        message: `${tlsCert} and ${tlsKey} are no certificate and its key: ${messageOf(cause)}.`,
        cause,
      });
    }
    return { ...given, trustFiles: undefined };
  }
  const { ownCertificate } = await import('./host/own-certificate.ts');
  const names = new Set(['localhost', '127.0.0.1', '::1', hostname(), host, ...(url ? [new URL(url).hostname] : [])]);
  const usable = [...names].filter((name) => name !== '0.0.0.0' && name !== '::');
  const { key, cert, certFile, bundleFile } = await ownCertificate(join(directory, 'tls'), usable, Date.now());
  process.stdout.write(
    `This server has signed its certificate itself; clients that are to trust it need ${certFile}\n`,
  );
  return { key, cert, trustFiles: { one: certFile, all: bundleFile } };
}

/** `MILLRACE_BOOT_WITHIN`, in milliseconds, is for both; a container may install its packages meanwhile. */
function bootTimes({ MILLRACE_BOOT_WITHIN: given }: NodeJS.ProcessEnv) {
  return { process: Number(given ?? 60_000), container: Number(given ?? 300_000) };
}

/** Where the variables of OpenTelemetry name a collector, runs are sent there as traces. */
async function traceExporter(http: Http) {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers = '' } = process.env;
  if (!endpoint) return undefined;
  const { otlpExporter } = await import('./host/otlp.ts');
  return otlpExporter(http, { endpoint, headers, version, service: process.env.OTEL_SERVICE_NAME ?? 'millrace' });
}

/** Ends all that this process has begun by putting a fresh one in its place, under the same number. */
function beginAnew(reason: string): void {
  report('This server begins anew.', { reason });
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], process.env);
  process.exit(3);
}

/** The log: a line of JSON for each thing worth telling. */
function report(message: string, details: Record<string, unknown>): void {
  const level = 'error' in details ? 'error' : 'info';
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...details })}\n`);
}

/** What a command that works on the database itself is about. */
function databaseOf(data: string) {
  return { directory: resolve(data), url: databaseAddress(process.env) };
}

/** Names the machine and its directory, once and for ever: what runs here is found by servers that share the directory. */
function hostOf(directory: string): string {
  const path = join(directory, 'host');
  try {
    writeFileSync(path, `${hostname()}-${randomBytes(4).toString('hex')}`, { mode: 0o600, flag: 'wx' });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
  return readFileSync(path, 'utf8').trim();
}

function keyFileIn(data: string): string {
  return process.env.MILLRACE_KEY_FILE ?? join(data, 'master.key');
}

function untilAskedToStop(server: { stop(): Promise<void> }): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(
        signal,
        () =>
          void server
            .stop()
            .catch((error) => process.stderr.write(`${messageOf(error)}\n`))
            .finally(done),
      );
    }
  });
}

/**
 * Kills this process at the places named by MILLRACE_CRASH_AT (divided by `|`), once each: between a side effect and its commit.
 * `*0.02` kills at any of them with that chance.
 */
function crashPoints(directory: string): (name: string) => void {
  const wanted = (process.env.MILLRACE_CRASH_AT ?? '').split('|').filter(Boolean);
  const path = join(directory, 'crashed');
  const chance = Number(wanted.find((word) => word.startsWith('*'))?.slice(1) ?? 0);
  return (name) => {
    if (Math.random() < chance) process.kill(process.pid, 'SIGKILL');
    if (!wanted.includes(name)) return;
    const done = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
    if (done.includes(name)) return;
    appendFileSync(path, `${name}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
}

/** Offline commands read the definitions and make nothing. */
function openSiteLazily() {
  const refuse = (): never => {
    throw new MillraceError('internal.error', { message: 'An offline command reached for the local cloud.' });
  };
  return { directory: '', claim: refuse, find: refuse, stop: refuse };
}
