import type { TestContext } from 'node:test';
import { basic, type FakeAnswer, type FakeRequest, fakeServer } from './server.ts';

export interface FakeHook {
  id: string;
  body: Record<string, never>;
}

const events = {
  github: ['push', 'pull_request'],
  bitbucket: ['repo:refs_changed', 'pr:opened', 'pr:from_ref_updated'],
};
const fields = {
  github: ['name', 'active', 'events', 'config'],
  gitlab: ['url', 'push_events', 'merge_requests_events', 'enable_ssl_verification', 'token'],
  bitbucket: ['name', 'url', 'active', 'events', 'configuration', 'sslVerificationRequired'],
};

/**
 * The hooks of one repository, as GitHub Enterprise, GitLab and Bitbucket Server keep them; stricter: only the token of this kind of
 * server is taken, unknown fields and events are refused, and so is a second hook with the same address.
 */
export async function gitServer(t: Pick<TestContext, 'after'>, kind: 'github' | 'gitlab' | 'bitbucket') {
  const hooks: FakeHook[] = [];
  let count = 0;
  const fake = await fakeServer(t, answer);
  const places = {
    github: { list: '/api/v3/repos/acme/tito/hooks', repository: '/acme/tito.git' },
    gitlab: { list: '/api/v4/projects/acme%2Ftito/hooks', repository: '/acme/tito.git' },
    bitbucket: { list: '/rest/api/1.0/projects/ACME/repos/tito/webhooks', repository: '/scm/ACME/tito.git' },
  };
  const { list, repository } = places[kind];
  return { ...fake, hooks, repoURL: `${fake.url}${repository}` };

  function answer({ method, path, headers, body }: FakeRequest): FakeAnswer {
    const isKnown = {
      github: headers.authorization === 'Bearer the-token' && headers['user-agent'] !== undefined,
      gitlab: headers['private-token'] === 'the-token',
      bitbucket: headers.authorization === basic('ci', 'the-token'),
    }[kind];
    if (!isKnown) return { status: 401, body: { message: 'Bad credentials' } };
    if (path === list && method === 'GET') return { body: listed() };
    if (path === list && method === 'POST') return keep(undefined, JSON.parse(body));
    const known = hooks.find(({ id }) => path === `${list}/${id}`);
    if (!known) return { status: 404, body: { message: 'Not Found' } };
    if (method === 'DELETE') {
      hooks.splice(hooks.indexOf(known), 1);
      return { status: 204 };
    }
    return method === (kind === 'github' ? 'PATCH' : 'PUT') ? keep(known, JSON.parse(body)) : { status: 405 };
  }

  function keep(known: FakeHook | undefined, body: Record<string, never>): FakeAnswer {
    const unknown = Object.keys(body).filter((key) => !fields[kind].includes(key));
    const asked = (body.events ?? []) as string[];
    const odd = kind === 'gitlab' ? [] : asked.filter((event) => !events[kind].includes(event));
    if (unknown.length > 0 || odd.length > 0) return { status: 422, body: faulty(`unknown: ${[...unknown, ...odd]}`) };
    if (/localhost/.test(urlOf(body))) return { status: 422, body: faulty('url is not reachable (localhost)') };
    if (!known && hooks.some((one) => urlOf(one.body) === urlOf(body)))
      return { status: 422, body: faulty('Hook already exists on this repository') };
    const hook = known ?? { id: String(++count), body };
    hook.body = body;
    if (!known) hooks.push(hook);
    return { status: known ? 200 : 201, body: shown(hook) };
  }

  /** Secrets are never told again. */
  function shown({ id, body }: FakeHook) {
    const { token: _, ...rest } = body as Record<string, unknown>;
    return { id: Number(id), ...rest, ...(body.config ? { config: { url: urlOf(body), secret: '********' } } : {}) };
  }
  function listed() {
    return kind === 'bitbucket' ? { values: hooks.map(shown), isLastPage: true } : hooks.map(shown);
  }
  function faulty(message: string) {
    return kind === 'github' ? { message: 'Validation Failed', errors: [{ resource: 'Hook', message }] } : { message };
  }
  function urlOf(body: Record<string, never>): string {
    return String((body as { config?: { url: string } }).config?.url ?? (body as { url?: string }).url);
  }
}
