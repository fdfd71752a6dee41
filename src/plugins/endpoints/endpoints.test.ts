import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { bambooServer } from '../../../test/fakes/bamboo.ts';
import { jenkinsServer } from '../../../test/fakes/jenkins.ts';
import { kubernetesCluster } from '../../../test/fakes/kubernetes.ts';
import { orchestrator } from '../../../test/fakes/orchestrator.ts';
import { tfsServer } from '../../../test/fakes/tfs.ts';
import { farSide } from '../../../test/far-side.ts';
import { gitHost } from '../../../test/git-host.ts';
import { mailServer } from '../../../test/mail-server.ts';
import { openHttp } from '../../host/http.ts';
import { endpoints, secretProperties } from './endpoints.ts';

const http = openHttp(() => undefined);

/** What trying an endpoint finds, or the message of what is wrong. */
async function tried(type: string, properties: Record<string, string>): Promise<string> {
  const definition = endpoints.find((one) => one.type === type)!;
  return definition.test!({ name: 'e', type, properties }, http).catch((thrown: Error) => thrown.message);
}
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

test('build servers, clusters and mail servers say what they are, and a wrong login is called so', async (t: TestContext) => {
  const jenkins = await jenkinsServer(t, {});
  const bamboo = await bambooServer(t, 'token', {});
  const tfs = await tfsServer(t, {});
  const vro = await orchestrator(t, []);
  const cluster = await kubernetesCluster(t, { token: 'token' });
  const mail = await mailServer(t);
  const wrong = /401 \(the user name, password or token is wrong\)/;

  assert.equal(
    await tried('jenkins', { url: jenkins.url, username: 'ci', password: 'api token' }),
    'Jenkins 2.541 answers.',
  );
  assert.match(await tried('jenkins', { url: jenkins.url, username: 'ci', password: 'x' }), wrong);
  assert.equal(await tried('bamboo', { url: bamboo.url, password: 'token' }), 'Bamboo 10.2.1 answers.');
  assert.match(await tried('bamboo', { url: bamboo.url, password: 'x' }), wrong);
  assert.equal(
    await tried('tfs', { url: tfs.url, username: 'ci', password: 'secret' }),
    'It answers, and shows 1 team project.',
  );
  assert.equal(
    await tried('vro', { url: `${vro.url}/vco`, username: 'ci', password: 'secret' }),
    'Orchestrator 8.18.1 answers.',
  );
  assert.match(await tried('vro', { url: vro.url, username: 'ci', password: 'x' }), wrong);
  assert.equal(await tried('k8s', { kubernetesURL: cluster.url, token: 'token' }), 'Kubernetes v1.34.1 answers.');
  assert.match(await tried('k8s', { kubernetesURL: cluster.url, token: 'x' }), /answered 401: Unauthorized/);
  const server = {
    senderAddress: 'a@b',
    outboundHost: '127.0.0.1',
    outboundPort: String(mail.port),
    outboundUsername: 'mill',
  };
  assert.match(await tried('email', { ...server, outboundPassword: 'm4il-pass' }), /takes our name/);
  assert.match(await tried('email', { ...server, outboundPassword: 'x' }), /Login is wrong/);
});

test('a registry is asked by token where it wants that, and our password goes to no open door', async (t) => {
  const login = { username: 'ann', password: 'right' };
  let realm = '';
  const registry = await farSide(t, ({ path, headers }) => {
    if (path.startsWith('/token'))
      return headers.authorization === basic('ann', 'right') && path === '/token?service=reg' ? {} : { status: 401 };
    return { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}",service="reg"` } };
  });
  realm = `${registry.url}/token`;
  assert.equal(await tried('dockerregistry', { repoURL: registry.url, ...login }), 'The registry answers.');
  assert.match(await tried('dockerregistry', { repoURL: registry.url, ...login, password: 'x' }), /401/);
  const elsewhere = await farSide(t, () => ({}));
  realm = `${elsewhere.url}/token`;
  assert.match(
    await tried('dockerregistry', { repoURL: registry.url, ...login }),
    /which is not encrypted; it was not sent/,
  );
  assert.equal(elsewhere.calls.length, 0);
});

test('a repository, a chat and an engine are told from what only answers', async (t) => {
  const git = await gitHost(t);
  git.commit({ 'a.txt': 'a' });
  const login = { userName: 'ci', privateToken: 's3cret' };
  assert.equal(await tried('git', { repoURL: git.url, ...login, branch: 'main' }), 'The repository answers.');
  assert.match(await tried('git', { repoURL: git.url, ...login, branch: 'none' }), /has no branch none/);
  assert.match(await tried('git', { repoURL: git.url, privateToken: 'x' }), /401/);
  assert.match(await tried('git', { repoURL: 'git@host:a.git' }), /is not reached by HTTP, so it was not tried/);
  const page = await farSide(t, () => ({ body: '<html>', headers: { 'content-type': 'text/html' } }));
  assert.match(await tried('git', { repoURL: page.url }), /is no Git repository/);
  assert.match(await tried('jira', { url: page.url }), /something that is no JSON/);
  const slack = await farSide(t, () => ({ body: { ok: false, error: 'invalid_auth' } }));
  assert.match(await tried('slack', { url: slack.url, token: 'x' }), /Slack says invalid_auth/);
  const engine = await farSide(t, () => ({ body: 'OK', headers: { 'api-version': '1.41' } }));
  assert.equal(await tried('docker', { url: engine.url.replace('http:', 'tcp:') }), 'The engine answers (API 1.41).');
});

test('what is secret in an endpoint is named by its type, and sealed for all', () => {
  for (const name of [
    'password',
    'token',
    'privateToken',
    'privateKey',
    'passPhrase',
    'outboundPassword',
    'certKeyData',
    'apiKey',
  ])
    assert.ok(secretProperties.includes(name), name);
});
