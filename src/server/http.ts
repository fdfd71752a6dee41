import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { codestreamPrefixes, type Operation } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { MillraceError, messageOf } from '../core/error.ts';
import { isObject, type JsonObject, parseJson } from '../core/json.ts';
import { STATUS_CODES } from '../host/node-http.ts';
import type { Auth } from './auth.ts';
import { isAllowed } from './auth.ts';
import type { Health } from './health.ts';
import type { openMetrics } from './metrics.ts';
import { servePages } from './pages.ts';
import { Answer, type Handler, type Request, Stream } from './request.ts';

const largestBody = 1024 * 1024;

export interface HttpParts {
  auth: Auth;
  handlers: Record<string, Handler>;
  health: () => Promise<Health>;
  /** Directory of the built web application. */
  pages: string;
  metrics: Pick<ReturnType<typeof openMetrics>, 'requested' | 'text' | 'contentType'>;
  /** Key and certificate as PEM, where HTTPS is spoken. */
  tls: { key: string; cert: string } | undefined;
  report(message: string, details: Record<string, unknown>): void;
}

/** The HTTP server: binds each operation to its handler, behind the check of who may call it. */
export function buildHttp({ auth, handlers, health, pages, metrics, tls, report }: HttpParts): FastifyInstance {
  const options = {
    bodyLimit: largestBody,
    logger: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 500 },
    // Operations check for themselves what they are asked: what compiles the schemas of others is not even loaded.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  };
  const server = (tls ? Fastify({ ...options, https: tls }) : Fastify(options)) as FastifyInstance;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  server.setErrorHandler((error, request, reply) => sendError(error as Error, request, reply));
  server.setNotFoundHandler((request, reply) =>
    sendError(
      new MillraceError('route.unknown', {
        message: `There is no ${request.method} ${request.url.split('?')[0]}.`,
        hint: 'See /api/openapi.json.',
      }),
      request,
      reply,
    ),
  );
  // Alive is what answers at all; who restarts a node because its database is away helps nobody.
  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_, reply) => {
    const { ready, ...told } = await health();
    return reply.code(ready ? 200 : 503).send(told);
  });
  server.addHook('onResponse', async (request, reply) =>
    metrics.requested(request.method, request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime),
  );
  servePages(server, pages);
  for (const operation of operations) {
    const handler = handlers[operation.id];
    if (!handler) throw new Error(`Operation ${operation.id} has no handler.`);
    for (const path of pathsOf(operation))
      server.route({
        method: operation.method,
        url: path.replace(/\{(\w+)\}/g, ':$1'),
        ...(operation.largest ? { bodyLimit: operation.largest } : {}),
        handler: (request, reply) => answer(operation, handler, request, reply),
      });
  }
  return server;

  async function answer(
    operation: Operation,
    handler: Handler,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const user = token ? await auth.userOfToken(token) : undefined;
    if (!user && operation.permission !== 'public') {
      throw new MillraceError('login.needed', {
        message: 'This needs a valid token.',
        hint: 'Sign in: POST /csp/gateway/am/api/login, then send Authorization: Bearer TOKEN.',
      });
    }
    if (!isAllowed(user, operation.permission)) {
      throw new MillraceError('permission.denied', {
        message: `${user!.name} has the role ${user!.role}, which may not do this: ${operation.summary}`,
      });
    }
    const gone = new AbortController();
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) gone.abort();
    });
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const given: Request = {
      params: request.params as Record<string, string>,
      query: Object.fromEntries(
        Object.entries(request.query as Record<string, string | string[]>).map(([key, value]) => [
          key,
          Array.isArray(value) ? value.join(' and ') : value,
        ]),
      ),
      headers: request.headers as Record<string, string>,
      body: readBody(operation, raw),
      raw,
      user,
      signal: gone.signal,
    };
    const result = await handler(given);
    if (result instanceof Stream) return stream(result, reply, gone.signal);
    if (result instanceof Answer) return reply.code(result.status).headers(result.headers).send(result.body);
    return reply.code(operation.status ?? 200).send(result);
  }

  function sendError(
    error: Error & { statusCode?: number; code?: string },
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const known =
      error instanceof MillraceError
        ? error
        : error instanceof z.ZodError
          ? errorOfShape(error)
          : errorOfFastify(error);
    if (known.code === 'internal.error')
      report('A request failed by a fault of ours.', {
        method: request.method,
        path: request.url.split('?')[0],
        error: messageOf(error),
        stack: error.stack,
      });
    const path = request.url.split('?')[0]!;
    void reply
      .code(known.status)
      .headers({ 'content-type': 'application/json' })
      .send({
        timestamp: new Date().toISOString(),
        path,
        status: known.status,
        error: STATUS_CODES[known.status],
        code: known.code,
        message: known.message,
        hint: known.hint,
        ...(known.diagnostics.length > 0 ? { diagnostics: known.diagnostics } : {}),
        requestId: randomUUID(),
        '@type': 'java.util.LinkedHashMap',
        ...inWordsOf(path, known),
      });
  }
}

/** Each service of the original says what is wrong in fields of its own; clients read those of the service they call. */
function inWordsOf(path: string, { status, message }: MillraceError): JsonObject {
  if (path.startsWith('/csp/')) return { type: status === 401 ? 'UNAUTHORIZED' : 'ERROR', serverMessage: message };
  if (!path.startsWith('/iaas/')) return {};
  return {
    statusCode: status,
    errorCode: status,
    serverErrorId: randomUUID(),
    documentKind: 'com:vmware:xenon:common:ServiceErrorResponse',
  };
}

function noSchemas(): never {
  throw new Error('No route has a schema of Fastify.');
}

function errorOfShape({ issues: [issue] }: z.ZodError): MillraceError {
  const what = issue?.path.length ? `\`${issue.path.join('.')}\`` : 'The body';
  return new MillraceError('request.invalid', { message: `${what}: ${issue?.message}.` });
}

function errorOfFastify(error: Error & { statusCode?: number; code?: string }): MillraceError {
  if (error.statusCode === 413)
    return new MillraceError('request.too-large', {
      message: `The request is larger than ${largestBody} bytes.`,
    });
  if (error.statusCode && error.statusCode < 500)
    return new MillraceError('request.invalid', { message: error.message });
  return new MillraceError('internal.error', {
    message: 'The server failed; its log says why.',
    hint: 'Please report it.',
    cause: error,
  });
}

function pathsOf({ path }: Operation): string[] {
  return path.startsWith('{cs}') ? codestreamPrefixes.map((prefix) => path.replace('{cs}', prefix)) : [path];
}

/** Bodies of operations that take JSON must be an object; what is not JSON is refused, not guessed. */
function readBody({ body: schema }: Operation, raw: Buffer): JsonObject {
  if (!schema) return {};
  if (schema instanceof z.ZodObject)
    return schema.parse(raw.length === 0 ? {} : (parseJson(raw.toString('utf8')) ?? null)) as JsonObject;
  if (raw.length === 0) return {};
  const value = parseJson(raw.toString('utf8'));
  if (!(schema instanceof z.ZodRecord)) return isObject(value) ? value : {};
  if (isObject(value)) return value;
  throw new MillraceError('request.invalid', {
    message: value === undefined ? 'The body is no JSON.' : 'The body must be a JSON object.',
  });
}

async function stream({ run }: Stream, reply: FastifyReply, signal: AbortSignal): Promise<void> {
  reply.hijack();
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    connection: 'keep-alive',
  });
  reply.raw.write(': welcome\n\n');
  const beat = setInterval(() => reply.raw.write(': still here\n\n'), 15_000);
  try {
    await run(
      ({ id, event, data }) =>
        reply.raw.write(`${id ? `id: ${id}\n` : ''}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      signal,
    );
  } finally {
    clearInterval(beat);
    reply.raw.end();
  }
}
