import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { pipelineAround, TestServer } from '../../../../test/server.ts';
import { registry } from './registry.ts';

const dockerHub = {
  push_data: { tag: '1.2', pusher: 'ann' },
  repository: { name: 'tito', namespace: 'acme', repo_name: 'acme/tito' },
};
const others: Record<string, object> = {
  'Docker Trusted Registry': {
    type: 'TAG_PUSH',
    contents: {
      namespace: 'acme',
      repository: 'tito',
      tag: '1.2',
      imageName: 'dtr.example/acme/tito:1.2',
      author: 'ann',
    },
  },
  Harbor: {
    type: 'PUSH_ARTIFACT',
    operator: 'ann',
    event_data: {
      resources: [{ tag: '1.2', resource_url: 'harbor.example/acme/tito:1.2' }],
      repository: { name: 'tito', namespace: 'acme', repo_full_name: 'acme/tito' },
    },
  },
  'GitHub Packages': {
    action: 'published',
    sender: { login: 'ann' },
    registry_package: {
      name: 'tito',
      namespace: 'acme',
      package_version: { package_url: 'ghcr.io/acme/tito:1.2', container_metadata: { tag: { name: '1.2' } } },
    },
  },
  'OCI distribution': {
    events: [
      { id: 'e0', action: 'pull', target: { repository: 'acme/other' } },
      {
        id: 'e1',
        action: 'push',
        target: { repository: 'acme/tito', tag: '1.2' },
        actor: { name: 'ann' },
        request: { host: 'registry.example:5000' },
      },
    ],
  },
};
const bytes = (event: object) => Buffer.from(JSON.stringify(event));
const verdict = (event: object, config: object = {}) =>
  registry.match(registry.read({}, bytes(event)), registry.config.parse(config));
const reason = (event: object, config: object) => {
  const found = verdict(event, config);
  return 'ignore' in found ? found.ignore : 'it fired';
};

test('a pushed image fires with the inputs of the original, whichever registry tells of it', () => {
  const inputs = {
    DOCKER_EVENT_OWNER_NAME: 'ann',
    DOCKER_REPO_NAME: 'acme/tito',
    DOCKER_REPO_NAMESPACE: 'acme',
    DOCKER_TAG: '1.2',
  };
  const images: Record<string, string> = {
    'Docker Trusted Registry': 'dtr.example/acme/tito',
    Harbor: 'harbor.example/acme/tito',
    'GitHub Packages': 'ghcr.io/acme/tito',
    'OCI distribution': 'registry.example:5000/acme/tito',
  };
  assert.deepEqual(verdict(dockerHub), {
    fire: { author: 'ann', tags: ['ann', '1.2'], input: { ...inputs, DOCKER_IMAGE: 'acme/tito' } },
  });
  for (const [name, event] of Object.entries(others))
    assert.deepEqual(
      verdict(event),
      { fire: { author: 'ann', tags: ['ann', '1.2'], input: { ...inputs, DOCKER_IMAGE: images[name] } } },
      name,
    );
});

test('both patterns must match the whole, and what does not fit is ignored with the reason', () => {
  assert.equal(reason(dockerHub, { imageNameRegExPattern: 'acme/.*', tagNamePattern: '1\\..*' }), 'it fired');
  assert.equal(reason(dockerHub, { tagNamePattern: '1' }), 'The tag 1.2 does not match 1.');
  assert.equal(reason(dockerHub, { imageNameRegExPattern: 'other' }), 'The image acme/tito does not match other.');
  assert.equal(
    reason(dockerHub, { repoName: 'acme/other' }),
    'The repository is acme/tito, and this webhook waits for acme/other.',
  );
  assert.equal(
    reason({ ...others.Harbor, type: 'DELETE_ARTIFACT' }, {}),
    'The event is DELETE_ARTIFACT, and only a push of an image counts.',
  );
  assert.throws(() => registry.config.parse({ tagNamePattern: '(' }), /the pattern cannot be read/);
});

test('what is no event of a registry is malformed', () => {
  assert.throws(() => registry.read({}, Buffer.from('{"a":1}')), { code: 'webhook.malformed' });
  assert.throws(() => registry.read({}, Buffer.from('a')), { code: 'webhook.malformed' });
  assert.throws(
    () => registry.read({}, bytes({ push_data: {} })),
    /lacks what a webhook of Docker Hub has: `push_data.tag`/,
  );
});

test('the secret is shown by a signature, a header, or the address', () => {
  const body = bytes(dockerHub);
  const signed = `sha256=${createHmac('sha256', 's3cret').update(body).digest('hex')}`;
  for (const headers of [
    { 'x-hub-signature-256': signed },
    { authorization: 'Bearer s3cret' },
    { authorization: 's3cret' },
    { 'x-millrace-secret': 's3cret' },
  ])
    assert.equal(registry.isGenuine(headers as never, body, 's3cret'), true);
  for (const headers of [{}, { 'x-hub-signature-256': signed.replace(/.$/, 'x') }, { authorization: 'Bearer other' }])
    assert.equal(registry.isGenuine(headers as never, body, 's3cret'), false);
});

test('a webhook starts its pipeline once a delivery, can be turned off, and its events can be run again', async (t) => {
  const server = await TestServer.start(t);
  const api = '/codestream/api';
  await server.import(pipelineAround('Tell: {type: Condition, input: {condition: "true"}}', 'input: {DOCKER_TAG: ""}'));
  const hook = {
    project: 'Tito',
    name: 'images',
    pipeline: 'P',
    serverType: 'DockerHub',
    tagNamePattern: '1.*',
    secretToken: 's3cret',
    enabled: true,
  };
  await server.call('POST', '/api/users', { name: 'robot', password: 'robot', role: 'executor' });
  const login = { username: 'robot', password: 'robot' };
  const { body: robot } = await server.call('POST', '/csp/gateway/am/api/login', login, '');
  const { body: made } = await server.call('POST', `${api}/registry-webhooks`, {
    ...hook,
    refreshToken: robot.refresh_token,
  });
  const listener = new URL(made.externalListenerLink).pathname;
  const deliver = (event: object, secret = 's3cret') => server.call('POST', `${listener}?secret=${secret}`, event, '');

  assert.equal((await deliver(dockerHub, 'wrong')).status, 401);
  const first = await deliver(dockerHub);
  assert.deepEqual([first.status, first.body.executionStatus, first.body.tag], [200, 'STARTED', '1.2']);
  assert.equal((await deliver(dockerHub)).body.id, first.body.id, 'the same delivery');
  const run = await server.ended(first.body.executionLink.split('/').at(-1));
  assert.deepEqual(
    [run.input.DOCKER_TAG, run.comments, run._triggeredBy, run._executedBy],
    ['1.2', 'Docker registry event triggered execution', 'ann', 'robot'],
  );

  const again = await server.call('POST', `${api}/registry-events/${first.body.id}?action=rerun`, {});
  assert.equal(again.body.executionIndex, 2);
  assert.equal((await server.ended(again.body.executionLink.split('/').at(-1))).input.DOCKER_TAG, '1.2');
  assert.equal((await server.call('POST', `${api}/registry-events/${first.body.id}?action=resume`, {})).status, 400);

  assert.equal(
    (await server.call('PATCH', `${api}/registry-webhooks/Tito/images`, { enabled: false })).body.enabled,
    false,
  );
  const ignored = await deliver({ ...dockerHub, push_data: { tag: '1.3', pusher: 'ann' } });
  assert.equal(ignored.body.message, 'Webhook images is disabled.');
  const listed = (await server.call('GET', `${api}/registry-events?$filter=executionStatus%20eq%20'COMPLETED'`)).body;
  assert.equal(listed.count, 1);
  assert.equal((await server.call('DELETE', `${api}/registry-events/${ignored.body.id}`)).body.id, ignored.body.id);
});
