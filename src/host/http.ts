import { MillraceError, messageOf } from '../core/error.ts';

interface Request {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
  timeout?: number;
  signal?: AbortSignal;
}

const usualTimeout = 60_000;
/** More than this of an answer is not kept: it would land in events and pages. */
const mostBody = 5 * 1024 * 1024;

/** One HTTP call. Follows redirects; names the address and the reason when nobody answers. */
export async function http({
  method,
  url,
  headers,
  body,
  timeout = usualTimeout,
  signal,
}: Request): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  const limit = AbortSignal.timeout(timeout);
  try {
    const answer = await fetch(url, {
      method,
      headers: headers ?? {},
      body: body === undefined || body === '' || /^(get|head)$/i.test(method) ? undefined : body,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: bytes.subarray(0, mostBody).toString('utf8'),
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

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  const words: Record<string, string> = {
    ECONNREFUSED: 'the connection was refused',
    ENOTFOUND: 'the name is unknown',
    ECONNRESET: 'the connection was cut',
    ETIMEDOUT: 'the connection timed out',
  };
  return words[code] ?? messageOf(inner);
}

/** User names, passwords and queries may hold secrets. */
function withoutSecrets(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.origin}${parsed.pathname}`;
  } catch {
    return url.split('?')[0] ?? '';
  }
}
