import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';
import { gitHost } from './git-host.ts';
import { TestServer } from './server.ts';

const blueprint = (version: string, label = 'one', more = '') =>
  `# kept with the text\nname: Shop\nversion: ${version}\ndescription: sells\nformatVersion: 1\ninputs: {}\nresources:\n  net: {type: Cloud.Network, properties: {label: ${label}}}\n${more}`;

/** A server with a source of blueprints in a repository, and how to wait for what it takes over. */
async function openSource(t: Parameters<typeof TestServer.start>[0]) {
  const [server, host] = [await TestServer.start(t, { cloud: true }), await gitHost(t)];
  host.commit({
    'blueprints/shop/blueprint.yaml': blueprint('1'),
    'blueprints/README.md': 'none',
    'other/x.yaml': blueprint('1'),
  });
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: Repository, type: git, properties: {repoURL: "${host.url}", username: ci, password: s3cret}}`,
  );
  const projectId = (await server.call('GET', '/iaas/api/projects')).body.content.find(
    ({ name }: { name: string }) => name === 'Tito',
  ).id;
  const source = await server.call('POST', '/content/api/sources', {
    ...{ name: 'Blueprints', projectId, typeId: 'com.github' },
    config: { integrationId: 'Repository', path: 'blueprints', branch: 'main', contentType: 'BLUEPRINT' },
  });
  assert.equal(source.status, 201, source.text);
  const found = async () => (await server.call('GET', '/blueprint/api/blueprints')).body.content;
  const sync = async () => {
    const asked = await server.call('POST', '/content/api/sourcecontrol/sync-requests', { sourceId: source.body.id });
    return eventually(async () => {
      const { body } = await server.call('GET', `/content/api/sourcecontrol/sync-requests/${asked.body.requestId}`);
      assert.ok(['COMPLETED', 'FAILED'].includes(body.status), body.status);
      return body;
    });
  };
  await eventually(async () => assert.equal((await found()).length, 1));
  return { server, host, source: source.body, found, sync };
}

test('blueprints of a repository are taken over by their names, and each new version is made', async (t) => {
  const { server, host, found, sync, source } = await openSource(t);
  const [shop] = await found();
  assert.deepEqual(
    [shop.name, shop.description, shop.totalVersions, shop.contentSourceId, shop.contentSourcePath],
    ['Shop', 'sells', 1, source.id, 'blueprints/shop/blueprint.yaml'],
  );
  assert.equal(shop.content, blueprint('1'), 'the text is kept byte for byte');

  host.commit({ 'blueprints/shop/blueprint.yaml': blueprint('2', 'two') });
  assert.equal((await sync()).status, 'COMPLETED');
  const [second] = await found();
  assert.deepEqual([second.id, second.totalVersions, second.contentSourceSyncStatus], [shop.id, 2, 'SUCCESSFUL']);

  host.commit({ 'blueprints/shop/blueprint.yaml': blueprint('2', 'three') });
  await sync();
  const [third] = await found();
  assert.deepEqual(third.contentSourceSyncMessages, [
    'Kept draft, version(s) not created',
    'Version 2 already exists.',
  ]);
  const kept = await server.call('GET', `/blueprint/api/blueprints/${shop.id}/versions/2`);
  assert.match(kept.body.content, /label: two/);
  const [newest] = (await server.call('GET', '/content/api/sourcecontrol/sync-history')).body.content;
  assert.deepEqual([newest.contentName, newest.status], ['Shop', 'FAILED']);

  const many = async (path: string) => (await server.call('GET', path)).body.totalElements;
  const history = '/content/api/sourcecontrol/sync-history';
  assert.equal(await many(`${history}?status=FAILED&contentName=Shop&sourceIds=${source.id}`), 1);
  assert.equal(await many(`${history}?status=FAILED&contentType=TERRAFORM_CONFIGURATION`), 0);
  assert.equal(await many(`/content/api/sources?syncEnabled=true&typeIds=com.github,${source.typeId}`), 1);
  assert.equal(await many('/content/api/sources?syncEnabled=false'), 0);
  assert.equal(await many('/content/api/sources?repository=elsewhere'), 0);
  assert.equal(await many(`/blueprint/api/blueprints/${shop.id}/versions?version=2`), 1);
});

test('a push asks for it, and what has errors is kept as a draft with their places', async (t) => {
  const { server, host, found } = await openSource(t);
  host.commit({ 'blueprints/shop/blueprint.yaml': blueprint('2', '"${input.nothing}"') });
  await server.import('{project: Tito, kind: GIT_WEBHOOK, name: w, pipeline: Any, branchName: never}');
  const [{ id }] = Object.values((await server.call('GET', '/codestream/api/git-webhooks')).body.documents) as [
    { id: string },
  ];
  const repo = new URL(host.url).host;
  const event = {
    ...{ ref: 'refs/heads/main', after: 'a'.repeat(40), pusher: { name: 'ann' }, commits: [] },
    repository: { name: repo, full_name: repo, clone_url: host.url, ssh_url: '', html_url: host.url },
  };
  const received = await fetch(`${server.url}/codestream/api/git-webhook-listeners/${id}`, {
    method: 'POST',
    headers: { 'x-github-event': 'push', 'x-github-delivery': 'd1', 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  assert.ok(received.ok, await received.text());

  await eventually(async () => {
    const [shop] = await found();
    assert.deepEqual([shop.valid, shop.totalVersions, shop.contentSourceSyncStatus], [false, 1, 'FAILED']);
    assert.match(shop.contentSourceSyncMessages[0], /^\d+:\d+: .*there is no input nothing/);
  });
});

test('a repository that cannot be fetched is told, and a blueprint of the project is never replaced', async (t) => {
  const { server, host, sync } = await openSource(t);
  const projectId = (await server.call('GET', '/blueprint/api/blueprints')).body.content[0].projectId;
  await server.call('POST', '/blueprint/api/blueprints', { name: 'Mine', projectId, content: 'resources: {}' });
  host.commit({ 'blueprints/mine/blueprint.yaml': blueprint('1').replace('Shop', 'Mine') });
  assert.match((await sync()).message, /2 files, 1 with faults/);
  const [mine] = (await server.call('GET', '/blueprint/api/blueprints')).body.content.filter(
    ({ name }: { name: string }) => name === 'Mine',
  );
  assert.equal(mine.content, 'resources: {}');

  await server.import(
    `{project: Tito, kind: ENDPOINT, name: Repository, type: git, properties: {repoURL: "${host.url}", username: ci, password: wrong}}`,
  );
  const failed = await sync();
  assert.equal(failed.status, 'FAILED');
  assert.match(failed.message, /The repository could not be fetched: .*fatal: /);
});

test('a source is in a repository of a service whose account is an integration, and its key is never shown', async (t) => {
  const [server, host] = [await TestServer.start(t, { cloud: true }), await gitHost(t)];
  host.commit({ 'shop/blueprint.yaml': blueprint('1') });
  await server.import('{project: Tito, kind: VARIABLE, name: made, value: x}');
  const [{ id: projectId }] = (await server.call('GET', "/iaas/api/projects?$filter=name eq 'Tito'")).body.content;
  const asked = await server.call('POST', '/iaas/api/integrations', {
    ...{ name: 'hub', integrationType: 'com.github.enterprise', privateKeyId: 'ci', privateKey: 's3cret' },
    integrationProperties: { url: `${new URL(host.url).origin}/api/v3` },
  });
  assert.equal(asked.status, 202, asked.text);
  const [path] = asked.body.resources;
  const shown = await server.call('GET', path);
  assert.deepEqual([shown.body.name, shown.body.integrationProperties.privateKeyId], ['hub', 'ci']);
  assert.doesNotMatch(shown.text, /s3cret|"privateKey"/);
  const source = (contentType: string) =>
    server.call('POST', '/content/api/sources', {
      ...{ name: `Of ${contentType}`, projectId, typeId: 'com.github.enterprise' },
      config: { integrationId: shown.body.id, repository: 'acme/shop', branch: 'main', contentType },
    });
  assert.equal((await source('IMAGE')).status, 400);
  const { body } = await source('BLUEPRINT');
  await eventually(async () => {
    const { content } = (await server.call('GET', '/blueprint/api/blueprints')).body;
    assert.deepEqual([content[0]?.name, content[0]?.contentSourceId], ['Shop', body.id]);
  });
  const used = await server.call('DELETE', path);
  assert.deepEqual([used.status, used.body.code], [409, 'definition.used']);
  const [again] = (await server.call('POST', '/content/api/sourcecontrol/sync-all-requests', {})).body.content;
  assert.equal(again.sourceId, body.id);
  await server.call('DELETE', `/content/api/sources/${body.id}`);
  assert.equal((await server.call('DELETE', path)).status, 202);
  assert.equal((await server.call('GET', path)).status, 404);
});
