import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Call {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

type Reply = { status?: number; body?: unknown; headers?: Record<string, string>; hold?: boolean; cut?: boolean };

/** Some HTTP service elsewhere. `reply` says what it answers; it may hold the answer back for ever, or cut the connection. */
export async function farSide(t: Pick<TestContext, 'after'>, reply: (call: Call, count: number) => Reply) {
  const calls: Call[] = [];
  const waiting: ((call: Call) => void)[] = [];
  const held: ServerResponse[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call: Call = {
      method: request.method!,
      path: request.url!,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    calls.push(call);
    for (const heard of waiting.splice(0)) heard(call);
    const { status = 200, body = {}, headers = {}, hold = false, cut = false } = reply(call, calls.length);
    if (cut) return void response.destroy();
    if (hold) return void held.push(response);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    /** Resolves with the next call. */
    nextCall: () => new Promise<Call>((resolve) => waiting.push(resolve)),
    /** Resolves when so many calls have come. */
    async atLeast(count: number): Promise<void> {
      while (calls.length < count) await new Promise<Call>((resolve) => waiting.push(resolve));
    },
    /** Answers the calls that were held back, the older ones too. */
    answerHeld(): void {
      for (const response of held.splice(0)) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    },
  };
}
