import { request as call, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const longestAnswer = 3000;
const longestTrying = 60_000;

/**
 * One address for all nodes, as a load balancer has it: a call that a node does not answer goes to the next. Only what carries a
 * key, or does no harm twice, may be sent through it.
 */
export async function front(urls: string[]) {
  let turn = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    for (const begun = performance.now(); performance.now() - begun < longestTrying; ) {
      if (await forward(urls[turn++ % urls.length]!, request, body, response)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    response.writeHead(504).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** False where the node did not answer, or could not reach its database. */
function forward(
  node: string,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<boolean> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(node);
    const outgoing = call({ hostname, port, method, path: url, headers, timeout: longestAnswer }, async (answer) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of answer) chunks.push(chunk as Buffer);
      } catch {
        return resolve(false);
      }
      if (answer.statusCode === 503) return resolve(false);
      // How long a connection is kept is between two, and a node keeps its own longer than this keeps those of callers.
      const { connection: _, 'keep-alive': __, ...passed } = answer.headers;
      response.writeHead(answer.statusCode!, passed).end(Buffer.concat(chunks));
      resolve(true);
    });
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve(false));
    outgoing.end(body);
  });
}
