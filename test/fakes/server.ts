import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface FakeRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}
export interface FakeAnswer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What a fake does once instead of what it should, with the next request that has this method. */
export interface Misbehaviour {
  method?: string;
  /** Milliseconds before the answer. */
  delay?: number;
  status?: number;
  /** The request is carried out, and its answer lost. */
  loses?: boolean;
}

/** A server on a port of its own around one function, that can be told to misbehave. */
export async function fakeServer(t: Pick<TestContext, 'after'>, answer: (request: FakeRequest) => FakeAnswer) {
  const requests: FakeRequest[] = [];
  const misbehaviour: Misbehaviour[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url!, 'http://fake');
    const asked: FakeRequest = {
      method: request.method!,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    requests.push(asked);
    const index = misbehaviour.findIndex(({ method }) => method === undefined || method === asked.method);
    const how: Misbehaviour = index < 0 ? {} : misbehaviour.splice(index, 1)[0]!;
    const {
      status = 200,
      body = '',
      headers = {},
    } = how.status ? { status: how.status, body: 'not now' } : answer(asked);
    if (how.delay) await new Promise((resolve) => setTimeout(resolve, how.delay));
    if (how.loses) return void response.destroy();
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
    response.end(isText ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    server,
    misbehave: (how: Misbehaviour) => misbehaviour.push(how),
  };
}

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
