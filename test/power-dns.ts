import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { freePort } from '../src/demo/server-process.ts';
import { temporaryDirectory } from './directory.ts';

const schema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';
const isThere = spawnSync('pdns_server', ['--version']).error === undefined && existsSync(schema);

/** Why there is no genuine PowerDNS here; false where there is. */
export const withoutPowerDns: string | false = isThere
  ? false
  : 'needs PowerDNS (Debian: apt install pdns-server pdns-backend-sqlite3)';

/** A genuine PowerDNS of the test's own, with its API. */
export async function startPowerDns(t: TestContext): Promise<{ apiUrl: string; apiKey: string; dnsPort: number }> {
  const directory = temporaryDirectory(t);
  const database = join(directory, 'names.db');
  new DatabaseSync(database).exec(readFileSync(schema, 'utf8'));
  const [dnsPort, apiPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const apiKey = 'a key of the test';
  const settings = {
    launch: 'gsqlite3',
    'gsqlite3-database': database,
    'local-address': '127.0.0.1',
    'local-port': dnsPort,
    'socket-dir': directory,
    webserver: 'yes',
    'webserver-address': '127.0.0.1',
    'webserver-port': apiPort,
    api: 'yes',
    'api-key': apiKey,
    'cache-ttl': 0,
    'query-cache-ttl': 0,
    'negquery-cache-ttl': 0,
    'zone-cache-refresh-interval': 0,
    guardian: 'no',
    daemon: 'no',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  writeFileSync(join(directory, 'pdns.conf'), `${lines.join('\n')}\n`);
  const server = spawn('pdns_server', [`--config-dir=${directory}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (chunk) => (said += chunk));
  const ended = new Promise((resolve) => server.once('exit', resolve));
  t.after(async () => {
    server.kill('SIGKILL');
    await ended;
  });
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  for (;;) {
    const answer = await fetch(`${apiUrl}/api/v1/servers`, { headers: { 'x-api-key': apiKey } }).catch(() => undefined);
    if (answer?.ok) return { apiUrl, apiKey, dnsPort };
    if (server.exitCode !== null) throw new Error(`PowerDNS ended: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
