import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { removeTree } from '../src/host/processes.ts';

/** Git's own HTTP server over one repository, whatever path it is asked for by; it wants a login. `commit` writes files to a branch and answers the commit id. */
export async function gitHost(t: TestContext, login = 'ci:s3cret') {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-git-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', directory, '-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  git('init', '-q', '-b', 'main');
  git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  const wanted = `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization === wanted) return backend(directory, request, response);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    removeTree(directory);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/.git`,
    git,
    directory,
    commit(files: Record<string, string>, branch = 'main'): string {
      git('checkout', '-q', '-B', branch);
      for (const [path, text] of Object.entries(files)) {
        execFileSync('mkdir', ['-p', dirname(join(directory, path))]);
        writeFileSync(join(directory, path), text);
      }
      git('add', '-A');
      git('commit', '-q', '-m', 'A change');
      return git('rev-parse', 'HEAD');
    },
  };
}

/** One request to `git http-backend`, by the rules of CGI. */
function backend(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url!, 'http://git');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname.replace(/^.*?\.git\//, '/.git/'),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    const headers = all
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers)).end(all.subarray(end + 4));
  });
}
