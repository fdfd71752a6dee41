import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from '../host/node-http.ts';

export interface NpmPackages {
  url: string;
  close(): void;
}

/** Offers installed packages at the paths that a registry has them at, `/NAME/-/NAME-VERSION.tgz`, whatever version is asked for. */
export async function servePackages(root: string, address: string): Promise<NpmPackages> {
  const server = createServer((request, response) => {
    const name = /^\/([a-z0-9-]+)\/-\/\1-[\w.-]+\.tgz$/.exec(request.url ?? '')?.[1];
    if (!name || !existsSync(join(root, 'node_modules', name)))
      return void response.writeHead(404).end('There is no such package here.\n');
    const pack = spawn(
      'tar',
      ['-c', '-C', join(root, 'node_modules'), '--transform', `s,^${name},package,`, '-I', 'gzip -1', name],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    pack.stdout.pipe(response);
    response.on('close', () => pack.kill());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
