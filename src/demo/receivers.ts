import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isObject, type JsonObject, parseJson } from '../core/json.ts';
import { createServer } from '../host/node-http.ts';
import { type MetricPoint, metricLines } from '../lang/metric-line.ts';

/** How a receiver misbehaves: the next calls to a method answer so, or are done and their answer is lost. */
export type Trouble = { method: string; times: number } & ({ status: number } | { loseAnswer: true });

export interface SlackMessage {
  ts: string;
  thread: string | undefined;
  text: string;
  colour: string;
  key: string;
  updates: number;
}

export interface SlackReceiver {
  url: string;
  token: string;
  messages: SlackMessage[];
  trouble: Trouble[];
  close(): Promise<void>;
}

/** Speaks Slack's protocol where no workspace is configured, and is stricter than Slack: wrong types and shapes are refused. */
export async function startSlackReceiver(): Promise<SlackReceiver> {
  const token = 'xoxb-local-receiver';
  const messages: SlackMessage[] = [];
  const trouble: Trouble[] = [];
  let count = 0;
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const method = (request.url ?? '').replace(/^\/api\//, '');
      const wrong = troubleFor(trouble, method);
      if (wrong && 'status' in wrong)
        return void response.writeHead(wrong.status, { 'retry-after': '1' }).end('{"ok":false,"error":"ratelimited"}');
      const answer =
        request.headers.authorization === `Bearer ${token}`
          ? call(method, parseJson(body))
          : { ok: false, error: 'invalid_auth' };
      if (wrong) return void response.destroy();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  return { url: `${await listen(server)}/api/`, token, messages, trouble, close: () => closeServer(server) };

  function call(method: string, body: unknown): JsonObject {
    if (!isObject(body as never)) return { ok: false, error: 'invalid_json' };
    const given = body as JsonObject;
    const channel = String(given.channel ?? '');
    if (!/^(#[a-z0-9-]+|C[A-Z0-9]+)$/.test(channel)) return { ok: false, error: 'channel_not_found' };
    switch (method) {
      case 'chat.postMessage':
        return post(given);
      case 'chat.update':
        return update(given, channel);
      case 'conversations.history':
      case 'conversations.replies': {
        const thread = method.endsWith('replies') ? String(given.ts) : undefined;
        const found = messages.filter((message) =>
          thread === undefined ? message.thread === undefined : message.thread === thread || message.ts === thread,
        );
        return {
          ok: true,
          channel: 'C0LOCAL',
          messages: found.map(({ ts, text, key }) => ({
            ts,
            text,
            metadata: { event_type: 'millrace_notice', event_payload: { key } },
          })),
        };
      }
      default:
        return { ok: false, error: 'unknown_method' };
    }
  }

  function post(given: JsonObject): JsonObject {
    const { text, thread_ts: thread, attachments, metadata } = given;
    if (typeof text !== 'string' || text === '') return { ok: false, error: 'no_text' };
    if (thread !== undefined && !messages.some((message) => message.ts === thread && message.thread === undefined))
      return { ok: false, error: 'thread_not_found' };
    const ts = `${Math.floor(Date.now() / 1000)}.${String(++count).padStart(6, '0')}`;
    messages.push({
      ts,
      thread: thread === undefined ? undefined : String(thread),
      text,
      colour: colourOf(attachments),
      key: keyOf(metadata),
      updates: 0,
    });
    return { ok: true, channel: 'C0LOCAL', ts };
  }

  function update(given: JsonObject, channel: string): JsonObject {
    if (!channel.startsWith('C')) return { ok: false, error: 'channel_not_found' };
    const message = messages.find(({ ts }) => ts === given.ts);
    if (!message) return { ok: false, error: 'message_not_found' };
    Object.assign(message, {
      text: String(given.text),
      colour: colourOf(given.attachments),
      updates: message.updates + 1,
    });
    return { ok: true, channel, ts: message.ts };
  }
}

export interface MetricsReceiver {
  url: string;
  points: MetricPoint[];
  close(): Promise<void>;
}

/** Speaks the protocol of a Wavefront proxy: every line must be a metric; the same point sent twice is one point. */
export async function startMetricsReceiver(
  address: string,
  heard: (points: MetricPoint[]) => void,
): Promise<MetricsReceiver> {
  const points: MetricPoint[] = [];
  const known = new Set<string>();
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const lines = body.split('\n').filter((line) => line.trim() !== '');
      const read = metricLines(body, Date.now());
      if (read.length !== lines.length)
        return void response.writeHead(400).end(`${lines.length - read.length} lines are no metrics`);
      const fresh = read.filter((point) => {
        const key = JSON.stringify([point.name, point.source, point.at, point.tags, point.value]);
        return known.has(key) ? false : known.add(key) !== undefined;
      });
      points.push(...fresh);
      heard(fresh);
      response.writeHead(202).end();
    });
  });
  return { url: await listen(server, address), points, close: () => closeServer(server) };
}

function troubleFor(trouble: Trouble[], method: string): Trouble | undefined {
  const found = trouble.find((one) => one.method === method && one.times > 0);
  if (found) found.times--;
  return found;
}

const colourOf = (attachments: unknown): string =>
  Array.isArray(attachments) && isObject(attachments[0]) ? String(attachments[0].color ?? '') : '';
const keyOf = (metadata: unknown): string =>
  isObject(metadata as never) && isObject((metadata as JsonObject).event_payload)
    ? String(((metadata as JsonObject).event_payload as JsonObject).key)
    : '';

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function listen(server: Server, address = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) =>
    server.listen(0, address, () => resolve(`http://${address}:${(server.address() as AddressInfo).port}`)),
  );
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
