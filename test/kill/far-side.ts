import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that keeps what it did by key, and answers a repeated call with what it answered before. */
export async function keyedFarSide() {
  /** Path and key to how often it was called. */
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'] ?? '');
    const name = `${request.url} ${key}`;
    calls.set(name, (calls.get(name) ?? 0) + 1);
    const isRefused = request.url === '/flaky' && key.endsWith('/1');
    request.resume();
    response.writeHead(isRefused ? 503 : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ key }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
