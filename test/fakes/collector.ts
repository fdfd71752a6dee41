import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { z } from 'zod';

const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`));
const nanoseconds = z.string().regex(/^\d{10,20}$/);
const attribute = z.strictObject({
  key: z.string().min(1),
  value: z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ intValue: z.string().regex(/^\d+$/) }),
  ]),
});
const span = z.strictObject({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: hex(16).optional(),
  name: z.string().min(1),
  kind: z.number().int().min(1).max(5),
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  attributes: z.array(attribute),
  status: z.strictObject({ code: z.number().int().min(0).max(2), message: z.string().optional() }),
  links: z.array(z.strictObject({ traceId: hex(32), spanId: hex(16) })).optional(),
});
const request = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: z.array(attribute) }),
      scopeSpans: z.array(
        z.strictObject({ scope: z.strictObject({ name: z.string(), version: z.string() }), spans: z.array(span) }),
      ),
    }),
  ),
});

/** An OpenTelemetry collector's receiver for OTLP over HTTP, which refuses what the protocol does not know. */
export async function collector(t: Pick<TestContext, 'after'>) {
  const spans: z.infer<typeof span>[] = [];
  /** The next so many calls are answered with 503. */
  let refusals = 0;
  const refused: string[] = [];
  const server = createServer(async (call, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of call) chunks.push(chunk as Buffer);
    if (refusals > 0) {
      refusals--;
      return void answer.writeHead(503).end();
    }
    const read = request.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (call.url !== '/v1/traces' || call.headers['x-team'] !== 'a b' || !read.success) {
      refused.push(read.success ? String(call.url) : read.error.message);
      return void answer.writeHead(400).end();
    }
    for (const { scopeSpans } of read.data.resourceSpans) for (const one of scopeSpans) spans.push(...one.spans);
    answer.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=a%20b',
    },
    spans,
    refused,
    refuse(count: number): void {
      refusals = count;
    },
  };
}
