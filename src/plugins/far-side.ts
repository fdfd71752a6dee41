import { MillraceError, messageOf } from '../core/error.ts';
import { isObject, type JsonObject, parseJson } from '../core/json.ts';
import type { Endpoint, Http, HttpAnswer, Trust } from '../sdk/powers.ts';

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Behind the endpoint's address, or a whole one at the same origin. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Where an endpoint is, without a slash at its end. @throws MillraceError where it names no address that HTTP knows. */
export function baseUrl({ name, properties }: Endpoint, key = 'url'): string {
  const url = (properties[key] ?? '').trim().replace(/\/+$/, '');
  if (/^https?:\/\/[^/]/i.test(url)) return url;
  throw new MillraceError('endpoint.invalid', {
    message: `Endpoint ${name} has ${url ? `the \`${key}\` ${url}, which is no address of the Web` : `no \`${key}\``}.`,
    hint: 'Such as https://host.example.',
  });
}

/** How an endpoint with a user name and a password, or a token in place of both, says who we are. */
export function authorization({ properties }: Endpoint): Record<string, string> {
  const { username = properties.userName ?? '', password = '', token = '' } = properties;
  if (username) return { authorization: `Basic ${Buffer.from(`${username}:${password || token}`).toString('base64')}` };
  const bearer = token || password;
  return bearer ? { authorization: `Bearer ${bearer}` } : {};
}

export const trustOf = ({ properties: { fingerprint } }: Endpoint): Trust | undefined =>
  fingerprint ? { fingerprint } : undefined;

/**
 * One call of an endpoint: its address, its credentials, the certificate that was accepted for it.
 * @throws MillraceError where nobody answers, or credentials would go to another origin.
 */
export async function callEndpoint(endpoint: Endpoint, http: Http, call: Call): Promise<HttpAnswer> {
  const base = baseUrl(endpoint);
  const url = /^https?:/i.test(call.path) ? call.path : `${base}${call.path}`;
  if (new URL(url).origin !== new URL(base).origin)
    throw new MillraceError('endpoint.invalid', {
      message: `${url} is not at the address of endpoint ${endpoint.name}, so its credentials are not sent there.`,
    });
  const headers = { accept: 'application/json', ...authorization(endpoint), ...call.headers };
  return http({ method: call.method, url, headers, body: call.body, tls: trustOf(endpoint) });
}

/** The same for an answer of JSON. @throws MillraceError with what the far side said where that is no success. */
export async function askEndpoint(endpoint: Endpoint, http: Http, call: Call): Promise<JsonObject> {
  const answer = await callEndpoint(endpoint, http, call);
  if (answer.status >= 400) throw refusal(endpoint, call, answer);
  const value = parseJson(answer.body || '{}');
  if (isObject(value)) return value;
  if (Array.isArray(value)) return { items: value };
  throw new MillraceError('endpoint.unreachable', {
    message: `Endpoint ${endpoint.name}: ${call.method} ${pathOf(call)} was answered with something that is no JSON.`,
    hint: 'Is its address that of the service, and not of a page before it?',
  });
}

/** What a far side refused, for people: the status in words where it has some. */
export function refusal({ name }: Endpoint, call: Call, { status, body }: HttpAnswer): MillraceError {
  const words: Record<number, string> = {
    401: 'the user name, password or token is wrong',
    403: 'the user may not do this',
    404: 'there is nothing of this name',
  };
  const told = parseJson(body);
  const said = isObject(told) ? (told.message ?? told.error ?? '') : body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  const message = String(said).trim().slice(0, 300);
  return new MillraceError(status >= 500 ? 'endpoint.unreachable' : 'endpoint.refused', {
    message: `Endpoint ${name}: ${call.method} ${pathOf(call)} answered ${status}${words[status] ? ` (${words[status]})` : ''}${message ? `: ${message}` : ''}.`,
  });
}

const pathOf = ({ path }: Call): string => path.split('?')[0]!;

/** What could not be done at an endpoint, and why. */
export const failedAt =
  ({ name }: Endpoint) =>
  (what: string, cause: unknown): MillraceError =>
    new MillraceError('endpoint.unreachable', { message: `Endpoint ${name}: ${what}: ${messageOf(cause)}`, cause });

/** Seconds until a build is looked at again: often at first, and then as often as its endpoint says. */
export function pauseBeforeLook({ properties }: Endpoint, looks: number): number {
  const most = Number(properties.pollInterval ?? '') || 15;
  return Math.min(most, 0.2 * 1.6 ** looks);
}
