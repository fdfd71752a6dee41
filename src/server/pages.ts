import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

interface Page {
  body: Buffer;
  /** Made when it is first wanted. */
  packed?: Buffer;
  type: string;
  tag: string;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing from elsewhere, nothing within: what a log or a name may hold is never run. */
const policy =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const guards = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/**
 * Hands out the web application, which is read once and kept: the start page wherever a page of its may be asked for, and its
 * files, which are named by their content. Public: what it shows it asks for with the token of whoever signed in.
 */
export function servePages(server: FastifyInstance, directory: string): void {
  const start = join(directory, 'index.html');
  if (!existsSync(start)) {
    const words = 'The pages have not been built. In a checkout of Millrace: npm run setup\n';
    server.get('/', (_, reply) => reply.code(404).type('text/plain').send(words));
    return;
  }
  const page = read(start);
  for (const path of ['/', '/executions/*', '/deployments', '/deployments/*', '/answer/*'])
    server.get(path, (request, reply) => send(page, request, reply.header('cache-control', 'no-cache')));
  for (const name of readdirSync(join(directory, 'assets'))) {
    const file = read(join(directory, 'assets', name));
    server.get(`/assets/${name}`, (request, reply) =>
      send(file, request, reply.header('cache-control', 'public, max-age=31536000, immutable')),
    );
  }
}

function read(path: string): Page {
  const body = readFileSync(path);
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { body, type: types[extname(path)] ?? 'application/octet-stream', tag };
}

function send(page: Page, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { body, type, tag } = page;
  reply.headers({ ...guards, etag: tag, vary: 'accept-encoding' });
  if (headers['if-none-match'] === tag) return reply.code(304).send();
  reply.type(type);
  if (!/\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))) return reply.send(body);
  page.packed ??= gzipSync(body);
  return reply.header('content-encoding', 'gzip').send(page.packed);
}
