import { MillraceError } from '../../../core/error.ts';
import { isObject, type JsonObject, objectsIn, parseJson } from '../../../core/json.ts';
import type { TriggerHooks, WantedHook } from '../../../sdk/parts.ts';
import type { Endpoint, Http } from '../../../sdk/powers.ts';
import { refusal, trustOf } from '../../far-side.ts';

/** How one kind of Git server keeps the hooks of a repository. */
interface HookPlace {
  /** The list of them, which new ones are posted to; each is found under it by its id. */
  hooks: string;
  headers: Record<string, string>;
  /** What asks for the whole list at once. */
  query: string;
  change: 'PATCH' | 'PUT';
  listed(answer: unknown): JsonObject[];
  urlOf(hook: JsonObject): string;
  idOf(hook: JsonObject): string;
  bodyOf(wanted: WantedHook): JsonObject;
}

/** Makes hooks at GitHub, GitLab and Bitbucket, with the credentials of the endpoint. */
export const hooks: TriggerHooks = {
  async ensure(wanted, endpoint, http) {
    const place = placeOf(endpoint, wanted.config);
    const known = place.listed(await call('GET', `${place.hooks}?${place.query}`));
    const mine = known.find((hook) => place.idOf(hook) === wanted.known || place.urlOf(hook) === wanted.url);
    const body = place.bodyOf(wanted);
    const made = await (mine
      ? call(place.change, `${place.hooks}/${encodeURIComponent(place.idOf(mine))}`, body)
      : call('POST', place.hooks, body));
    return place.idOf(isObject(made as never) ? (made as JsonObject) : (mine ?? {}));

    function call(method: 'GET' | 'POST' | 'PUT' | 'PATCH', url: string, sent?: JsonObject): Promise<unknown> {
      return ask(endpoint, http, { method, url, headers: place.headers, body: sent });
    }
  },

  async remove(wanted, endpoint, http) {
    const place = placeOf(endpoint, wanted.config);
    const url = `${place.hooks}/${encodeURIComponent(wanted.known)}`;
    await ask(endpoint, http, { method: 'DELETE', url, headers: place.headers });
  },
};

const answerWithin = 10_000;

interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body?: JsonObject;
}

/** What is not there need not be removed. @throws MillraceError with what the server said. */
async function ask(endpoint: Endpoint, http: Http, { method, url, headers, body }: Call): Promise<unknown> {
  const answer = await http({
    ...{ method, url, timeout: answerWithin, tls: trustOf(endpoint) },
    headers: { accept: 'application/json', 'user-agent': 'millrace', 'content-type': 'application/json', ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (answer.status === 404 && method === 'DELETE') return undefined;
  const path = new URL(url).pathname;
  if (answer.status >= 400) throw refusal(endpoint, { method, path }, withDetails(answer));
  return parseJson(answer.body);
}

/** GitHub says what is wrong in a list beside its message, Bitbucket inside of an error. */
function withDetails<A extends { body: string }>(answer: A): A {
  const told = parseJson(answer.body);
  if (!isObject(told)) return answer;
  const inner = isObject(told.error) ? told.error : {};
  const said = [told.message, inner.message, ...objectsIn(told.errors).map(({ message }) => message)];
  const message = [...new Set(said.filter((one) => typeof one === 'string'))].join(' ');
  return message ? { ...answer, body: JSON.stringify({ message }) } : answer;
}

function placeOf(endpoint: Endpoint, config: JsonObject): HookPlace {
  const { repoURL = '', serverType = '', userName = '', username = userName } = endpoint.properties;
  const token = endpoint.properties.privateToken || endpoint.properties.password || '';
  const refuse = (why: string) =>
    new MillraceError('endpoint.invalid', { message: `Endpoint ${endpoint.name} ${why}.` });
  if (!token) throw refuse('has neither a token nor a password');
  const ssh = /^(?:ssh:\/\/)?(?:[^@/]+@)([^:/]+)(?::\d+)?[:/](.+)$/.exec(repoURL);
  const text = ssh && !/^https?:/i.test(repoURL) ? `https://${ssh[1]}/${ssh[2]}` : repoURL;
  if (!/^https?:/i.test(text) || !URL.canParse(text)) throw refuse(`has the repository ${repoURL || '(none)'}`);
  const { origin, hostname, pathname } = new URL(text);
  const parts = pathname
    .replace(/\.git\/?$/, '')
    .split('/')
    .filter(Boolean);
  const named = String(config.repoName ?? '')
    .split('/')
    .filter(Boolean);
  const repository = parts.length >= 2 ? parts : named.length >= 2 ? named : [...parts, ...named];
  if (repository.length < 2) throw refuse(`does not say which repository it is: ${repoURL}`);
  const kind = `${String(config.serverType ?? '')} ${serverType} ${hostname}`.toLowerCase();
  const at: Address = { origin, hostname, repository, username, token };
  if (kind.includes('gitlab')) return gitlabHooks(at);
  if (kind.includes('bitbucket')) return hostname === 'bitbucket.org' ? bitbucketCloudHooks(at) : bitbucketHooks(at);
  return githubHooks(at);
}

interface Address {
  origin: string;
  hostname: string;
  repository: string[];
  username: string;
  token: string;
}

const isPull = ({ config }: WantedHook): boolean => String(config.eventCategory).toUpperCase() === 'PULL_REQUEST';
const isInsecure = ({ config }: WantedHook): boolean => String(config.insecureSsl) === 'true';
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const list = (value: unknown): JsonObject[] => objectsIn(value as never);
const idOf = ({ id = '' }: JsonObject): string => String(id);

const githubHooks = ({ origin, hostname, repository, token }: Address): HookPlace => ({
  hooks: `${hostname === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`}/repos/${repository.join('/')}/hooks`,
  headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' },
  query: 'per_page=100',
  change: 'PATCH',
  listed: list,
  urlOf: ({ config }) => (isObject(config) ? String(config.url ?? '') : ''),
  idOf,
  bodyOf: (wanted) => ({
    ...{ name: 'web', active: true, events: [isPull(wanted) ? 'pull_request' : 'push'] },
    config: {
      ...{ url: wanted.url, content_type: 'json', insecure_ssl: isInsecure(wanted) ? '1' : '0' },
      ...(wanted.secret ? { secret: wanted.secret } : {}),
    },
  }),
});

const gitlabHooks = ({ origin, repository, token }: Address): HookPlace => ({
  hooks: `${origin}/api/v4/projects/${encodeURIComponent(repository.join('/'))}/hooks`,
  headers: { 'private-token': token },
  query: 'per_page=100',
  change: 'PUT',
  listed: list,
  urlOf: ({ url = '' }) => String(url),
  idOf,
  bodyOf: (wanted) => ({
    ...{ url: wanted.url, push_events: !isPull(wanted), merge_requests_events: isPull(wanted) },
    enable_ssl_verification: !isInsecure(wanted),
    ...(wanted.secret ? { token: wanted.secret } : {}),
  }),
});

const bitbucketCloudHooks = ({ repository, username, token }: Address): HookPlace => ({
  hooks: `https://api.bitbucket.org/2.0/repositories/${repository.join('/')}/hooks`,
  headers: { authorization: username ? basic(username, token) : `Bearer ${token}` },
  query: 'pagelen=100',
  change: 'PUT',
  listed: (answer) => list((answer as JsonObject | undefined)?.values),
  urlOf: ({ url = '' }) => String(url),
  idOf: ({ uuid = '' }) => String(uuid),
  bodyOf: (wanted) => ({
    ...{ description: 'Millrace', url: wanted.url, active: true, skip_cert_verification: isInsecure(wanted) },
    events: isPull(wanted) ? ['pullrequest:created', 'pullrequest:updated'] : ['repo:push'],
    ...(wanted.secret ? { secret: wanted.secret } : {}),
  }),
});

/** Addresses there are `/scm/KEY/name.git`, or those of its pages. */
function bitbucketHooks({ origin, repository, username, token }: Address): HookPlace {
  const at = repository.indexOf('projects');
  const [key = '', slug = ''] =
    at >= 0 ? [repository[at + 1], repository[at + 3]] : repository.filter((one) => one !== 'scm').slice(-2);
  return {
    hooks: `${origin}/rest/api/1.0/projects/${key}/repos/${slug}/webhooks`,
    headers: { authorization: username ? basic(username, token) : `Bearer ${token}` },
    query: 'limit=1000',
    change: 'PUT',
    listed: (answer) => list((answer as JsonObject | undefined)?.values),
    urlOf: ({ url = '' }) => String(url),
    idOf,
    bodyOf: (wanted) => ({
      ...{ name: 'Millrace', url: wanted.url, active: true, sslVerificationRequired: !isInsecure(wanted) },
      events: isPull(wanted) ? ['pr:opened', 'pr:from_ref_updated'] : ['repo:refs_changed'],
      configuration: { ...(wanted.secret ? { secret: wanted.secret } : {}) } as JsonObject,
    }),
  };
}
