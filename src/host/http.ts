import type { Socket } from 'node:net';
import { rootCertificates, TLSSocket } from 'node:tls';
import type { Dispatcher } from 'undici';
import { MillraceError, messageOf } from '../core/error.ts';
import type { Http, HttpAnswer, HttpRequest, Trust } from '../sdk/powers.ts';

const usualTimeout = 60_000;
/** More than this of an answer is not kept: it would land in events and pages. */
const mostBody = 5 * 1024 * 1024;
const mostRedirections = 5;
const mostTrusts = 100;

type Library = typeof import('undici');

/**
 * HTTP calls. They follow redirects, and name the address and the reason when nobody answers. `beforeSending` is called at the
 * last moment at which a call can be kept from going out, and does so by throwing.
 */
export function openHttp(beforeSending: () => void): Http {
  /** A tenth of a second and 20 MB, which a server that never calls anybody does not spend. */
  let loading: Promise<Library> | undefined;
  let usual: Dispatcher | undefined;
  const trusting = new Map<string, Dispatcher>();
  return async (wanted) => {
    loading ??= import('undici');
    const library = await loading;
    beforeSending();
    if (!wanted.tls || !Object.values(wanted.tls).some(Boolean)) {
      usual ??= agentFor(library, undefined, beforeSending);
      return send(library, wanted, usual);
    }
    const key = JSON.stringify(wanted.tls);
    const agent = trusting.get(key) ?? agentFor(library, wanted.tls, beforeSending);
    // As many as endpoints are in use; the oldest makes room.
    if (trusting.size >= mostTrusts) trusting.delete(trusting.keys().next().value!);
    trusting.set(key, agent);
    return send(library, wanted, agent);
  };
}

/** Not `fetch`: that keeps to the rules of browsers, which forbid ports and headers that pipelines need. */
function agentFor(
  { Agent, buildConnector, interceptors }: Library,
  trust: Trust | undefined,
  beforeSending: () => void,
): Dispatcher {
  const { ca, cert, key, fingerprint, anyCertificate = false } = trust ?? {};
  const accepted = (fingerprint ?? '').split(',').map(plainFingerprint).filter(Boolean);
  const connect = buildConnector({
    ...(ca ? { ca: [...rootCertificates, ca] } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(accepted.length > 0 || anyCertificate ? { rejectUnauthorized: false } : {}),
  });
  return new Agent({
    keepAliveTimeout: 1000,
    connect: (options, connected) =>
      connect(options, (...[failure, socket]) => {
        if (failure) return connected(failure, null);
        try {
          if (accepted.length > 0 && !anyCertificate) mustBeAccepted(socket, accepted);
          beforeSending();
        } catch (refusal) {
          socket.destroy();
          return connected(refusal as Error, null);
        }
        connected(null, socket);
      }),
  }).compose(interceptors.redirect({ maxRedirections: mostRedirections }));
}

function mustBeAccepted(socket: Socket, accepted: string[]): void {
  if (!(socket instanceof TLSSocket) || socket.authorized) return;
  const shown = plainFingerprint(socket.getPeerCertificate().fingerprint256 ?? '');
  if (accepted.includes(shown)) return;
  throw new Error(`the certificate has the fingerprint ${shown}, which is none of those that were accepted`);
}

const plainFingerprint = (text: string): string => text.replace(/[:\s]/g, '').toLowerCase();

async function send(
  { request }: Library,
  { method, url, headers, body, timeout = usualTimeout, signal }: HttpRequest,
  dispatcher: Dispatcher,
): Promise<HttpAnswer> {
  const limit = AbortSignal.timeout(timeout);
  try {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw new Error('the address is not one that HTTP knows');
    const answer = await request(url, {
      method: method.toUpperCase() as 'GET',
      headers: headers ?? {},
      body: body === undefined || body === '' || /^(get|head)$/i.test(method) ? null : body,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      dispatcher,
    });
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : (value ?? ''),
        ]),
      ),
      body: await readSome(answer.body),
    };
  } catch (cause) {
    const reason = limit.aborted ? `no answer within ${timeout / 1000} s` : reasonOf(cause);
    throw new MillraceError('endpoint.unreachable', {
      message: `${method.toUpperCase()} ${withoutSecrets(url)} failed: ${reason}.`,
      hint: 'Check the address, and that the far side runs.',
      cause,
    });
  }
}

async function readSome(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostBody) break;
  }
  return Buffer.concat(chunks).subarray(0, mostBody).toString('utf8');
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  const words: Record<string, string> = {
    ECONNREFUSED: 'the connection was refused',
    ENOTFOUND: 'the name is unknown',
    ECONNRESET: 'the connection was cut',
    UND_ERR_SOCKET: 'the connection was cut',
    ETIMEDOUT: 'the connection timed out',
    UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  };
  return words[code] ?? messageOf(inner).split('. ')[0]!.replace(/\.$/, '');
}

/** User names, passwords and queries may hold secrets. */
function withoutSecrets(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.origin}${parsed.pathname}` : url.split('?')[0]!;
}
