import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gitServer } from '../../../../test/fakes/git-servers.ts';
import { TestServer } from '../../../../test/server.ts';

const api = '/codestream/api';
const kinds = ['github', 'gitlab', 'bitbucket'] as const;

async function repository(server: TestServer, kind: (typeof kinds)[number], git: { repoURL: string }, token: string) {
  const properties = { serverType: kind, repoURL: git.repoURL, privateToken: token, username: 'ci' };
  await server.call('POST', `${api}/endpoints`, { project: 'Tito', name: kind, type: 'git', properties });
}

for (const kind of kinds)
  test(`making a webhook makes the hook at ${kind} once, changing it changes that, and deleting it removes it`, async (t) => {
    const [server, git] = await Promise.all([TestServer.start(t), gitServer(t, kind)]);
    await server.import('project: Tito\nkind: VARIABLE\nname: hook\ntype: SECRET\nvalue: s3cret');
    await repository(server, kind, git, 'the-token');
    const webhook = { project: 'Tito', name: 'pushes', pipeline: 'P', endpoint: kind, secretToken: '${var.hook}' };
    const { body: made } = await server.call('POST', `${api}/git-webhooks`, webhook);

    assert.deepEqual([made.serverWebhookId, made._hook], ['1', `The hook at ${git.repoURL} is there.`]);
    const text = () => JSON.stringify(git.hooks);
    assert.match(text(), new RegExp(`"url":"${made.externalListenerLink}"`));
    assert.match(text(), /"(secret|token)":"s3cret"/);

    const changed = { ...made, eventCategory: 'PULL_REQUEST', insecureSsl: true, serverWebhookId: '' };
    const { body: after } = await server.call('PUT', `${api}/git-webhooks/${made.id}`, changed);
    assert.deepEqual([after.serverWebhookId, git.hooks.length], ['1', 1]);
    assert.match(text(), /pull_request|"merge_requests_events":true,"enable_ssl_verification":false|pr:opened/);
    assert.match(text(), /"secret":"s3cret"|"token":"s3cret"/, 'the secret that was kept');

    await server.call('DELETE', `${api}/git-webhooks/Tito/pushes`);
    assert.equal(git.hooks.length, 0);
  });

test('a hook that cannot be made does not spoil the webhook, which says why and where to make it', async (t) => {
  const [server, git] = await Promise.all([TestServer.start(t), gitServer(t, 'github')]);
  await repository(server, 'github', git, 'wrong');
  const webhook = { project: 'Tito', name: 'pushes', pipeline: 'P', endpoint: 'github' };
  const { status, body } = await server.call('POST', `${api}/git-webhooks`, webhook);
  assert.deepEqual([status, body.serverWebhookId], [200, '']);
  assert.match(
    body._hook,
    /^The hook was not made: .*401 \(the user name, password or token is wrong\): Bad credentials\. Make it there: http/,
  );

  const text = 'project: Tito\nkind: GIT_WEBHOOK\nname: imported\npipeline: P\nendpoint: nowhere\n';
  const told = await server.call('POST', `${api}/import`, text);
  assert.match(told.text, /status: CREATED\nstatusMessage: "The hook was not made: There is no endpoint nowhere/);

  git.misbehave({ method: 'GET', status: 500 });
  const again = await server.call('PUT', `${api}/git-webhooks/${body.id}`, body);
  assert.match(again.body._hook, /answered 500/);
  assert.equal((await server.call('DELETE', `${api}/git-webhooks/${body.id}`)).status, 200);
});
