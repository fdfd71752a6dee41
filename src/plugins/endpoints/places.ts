import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { isObject, parseJson } from '../../core/json.ts';
import { secret, text } from '../../sdk/fields.ts';
import { defineEndpoint } from '../../sdk/parts.ts';
import type { Endpoint, Http } from '../../sdk/powers.ts';
import { askEndpoint, authorization, baseUrl, callEndpoint, refusal, trustOf } from '../far-side.ts';
import { openGerrit } from '../triggers/gerrit/server.ts';
import { login } from './build-servers.ts';

export const agent = defineEndpoint({
  type: 'agent',
  title: 'Remote agent',
  summary:
    'A remote network that REST, POLL and SSH tasks run from: `millrace agent` stands there, signed in as a user of the role agent. Where there is no user of the name that this endpoint says, or has, tasks run from this server.',
  properties: z.looseObject({ leMansAgent: text('Name of the agent; that of the endpoint when empty.').optional() }),
});

export const git = defineEndpoint({
  type: 'git',
  title: 'Git',
  summary:
    'A repository on GitHub, GitLab, Bitbucket or any Git server: for triggers, blueprints and Kubernetes files.',
  properties: z.looseObject({
    serverType: text('GitHub, GitLab, Bitbucket, or one of their Enterprise forms.').optional(),
    repoURL: text('Address of the repository.').optional(),
    branch: text('Branch.').optional(),
    authType: text('`password` or `privateToken`.').optional(),
    userName: text('User name.').optional(),
    privateToken: secret('Token.'),
    ...login,
  }),
  async test(endpoint, http) {
    const { repoURL = '', userName = '', username = userName, password = '', privateToken = '' } = endpoint.properties;
    if (!/^https?:/i.test(repoURL))
      return `${repoURL || 'The repository'} is not reached by HTTP, so it was not tried.`;
    const pass = privateToken || password;
    const basic = Buffer.from(`${username || 'token'}:${pass}`).toString('base64');
    const headers: Record<string, string> = pass ? { authorization: `Basic ${basic}` } : {};
    const url = `${baseUrl(endpoint, 'repoURL')}/info/refs?service=git-upload-pack`;
    const answer = await http({ method: 'GET', url, headers, tls: trustOf(endpoint) });
    if (answer.status >= 400) throw refusal(endpoint, { method: 'GET', path: url }, answer);
    if (!answer.body.includes('git-upload-pack'))
      throw new MillraceError('endpoint.invalid', {
        message: `Endpoint ${endpoint.name}: ${repoURL} is no Git repository.`,
      });
    const branch = endpoint.properties.branch;
    if (branch && !answer.body.includes(`refs/heads/${branch}`))
      throw new MillraceError('endpoint.invalid', {
        message: `Endpoint ${endpoint.name}: the repository ${repoURL} has no branch ${branch}.`,
      });
    return 'The repository answers.';
  },
});

export const gerrit = defineEndpoint({
  type: 'gerrit',
  title: 'Gerrit',
  summary: 'A Gerrit server. Its events come over SSH, which takes keys only.',
  properties: z.looseObject({
    url: text('Address: of its SSH (ssh://host:29418), or of its pages.'),
    sshPort: text('Port of its SSH where `url` is that of its pages; 29418 when empty.').optional(),
    privateKey: secret('Private key for its SSH.'),
    passPhrase: secret('Passphrase of the key.'),
    hostKey: text('The only host key that is accepted there, as `ssh-keygen -l` prints it: SHA256:...').optional(),
    leMansAgent: text('Remote agent; kept.').optional(),
    ...login,
  }),
  async test(endpoint, http) {
    const { url = '', privateKey, password } = endpoint.properties;
    const found: string[] = [];
    if (privateKey || /^ssh:/i.test(url)) {
      const line = await openGerrit(endpoint);
      line.close();
      found.push(`${line.about} lets us in.`);
    }
    if (!/^ssh:/i.test(url) && (password || !privateKey)) {
      const call = { method: 'GET', path: '/a/accounts/self' } as const;
      const answer = await callEndpoint(endpoint, http, call);
      if (answer.status >= 400) throw refusal(endpoint, call, answer);
      // Gerrit puts a line before its JSON that keeps browsers from running it.
      const account = parseJson(answer.body.replace(/^\)\]\}'/, ''));
      const name = isObject(account) ? String(account.name ?? account.username) : 'somebody';
      found.push(`Gerrit answers, and knows us as ${name}.`);
    }
    return found.join(' ');
  },
});

export const jira = defineEndpoint({
  type: 'jira',
  title: 'Jira',
  summary: 'A Jira server, for tickets of notifications.',
  properties: z.looseObject({ url: text('Address of the server.'), ...login }),
  async test(endpoint, http) {
    const { displayName, name } = await askEndpoint(endpoint, http, { method: 'GET', path: '/rest/api/2/myself' });
    return `Jira answers, and knows us as ${String(displayName ?? name)}.`;
  },
});

export const docker = defineEndpoint({
  type: 'docker',
  title: 'Docker host',
  summary: 'A Docker or podman engine on which workspaces run.',
  properties: z.looseObject({
    url: text('Address of its API.'),
    certificate: text('Certificate of the client; kept.').optional(),
    sharedPath: text('Path on the host that its containers share.').optional(),
    pollInterval: text('Seconds between two looks; kept.').optional(),
    fingerprint: login.fingerprint,
  }),
  async test(endpoint, http) {
    const url = (endpoint.properties.url ?? '').replace(/^tcp:/, 'http:');
    const call = { method: 'GET', path: '/_ping' } as const;
    const answer = await callEndpoint({ ...endpoint, properties: { ...endpoint.properties, url } }, http, call);
    if (answer.status >= 400) throw refusal(endpoint, call, answer);
    return `The engine answers${answer.headers['api-version'] ? ` (API ${answer.headers['api-version']})` : ''}.`;
  },
});

export const dockerRegistry = defineEndpoint({
  type: 'dockerregistry',
  title: 'Docker registry',
  summary: 'Where images are pulled from, and whose pushes start pipelines.',
  properties: z.looseObject({
    serverType: text('dockerhub, Docker Trusted Registry, Harbor, GHCR or OCI.').optional(),
    repoURL: text('Address of the registry.'),
    token: secret('Token in place of the password.'),
    ...login,
  }),
  async test(endpoint, http) {
    const base = baseUrl(endpoint, 'repoURL').replace(
      /^https:\/\/(hub\.docker\.com|index\.docker\.io)\b.*/,
      'https://registry-1.docker.io',
    );
    const ask = (headers: Record<string, string>) =>
      http({ method: 'GET', url: `${new URL(base).origin}/v2/`, headers, tls: trustOf(endpoint) });
    const first = await ask(authorization(endpoint));
    const challenge = first.headers['www-authenticate'] ?? '';
    const answer =
      first.status === 401 && /^bearer/i.test(challenge) ? await withToken(endpoint, http, challenge) : first;
    if (answer.status >= 400) throw refusal(endpoint, { method: 'GET', path: '/v2/' }, answer);
    return 'The registry answers.';
  },
});

/** Most registries hand out tokens elsewhere, and say where. */
async function withToken(endpoint: Endpoint, http: Http, challenge: string) {
  const part = (name: string) => new RegExp(`${name}="([^"]*)"`, 'i').exec(challenge)?.[1] ?? '';
  const realm = part('realm');
  if (!/^https:/i.test(realm) && new URL(realm).origin !== new URL(baseUrl(endpoint, 'repoURL')).origin)
    throw new MillraceError('endpoint.invalid', {
      message: `Endpoint ${endpoint.name} wants our password at ${realm}, which is not encrypted; it was not sent.`,
    });
  const url = `${realm}?${new URLSearchParams({ service: part('service') })}`;
  return http({ method: 'GET', url, headers: authorization(endpoint) });
}

export const kubernetes = defineEndpoint({
  type: 'k8s',
  title: 'Kubernetes',
  summary: 'A Kubernetes cluster.',
  properties: z.looseObject({
    kubernetesURL: text('Address of its API.'),
    authType: text('`token`, `basicAuth` or `certificate`.').optional(),
    userName: text('User name.').optional(),
    token: secret('Bearer token.'),
    certAuthorityData: text('Certificate of the authority: PEM, or that in base64.').optional(),
    certData: text('Certificate of the client: PEM, or that in base64.').optional(),
    certKeyData: secret('Its key: PEM, or that in base64.'),
    ...login,
  }),
  async test(endpoint, http) {
    const { openKubernetes } = await import('../kubernetes/client.ts');
    const { gitVersion } = await openKubernetes(endpoint, http).version();
    return `Kubernetes ${gitVersion} answers.`;
  },
});
