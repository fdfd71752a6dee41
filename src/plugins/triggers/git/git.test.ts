import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { pipelineAround, TestServer } from '../../../../test/server.ts';
import { MillraceError } from '../../../core/error.ts';
import { git } from './git.ts';

const push = (given: object = {}) => ({
  ref: 'refs/heads/main',
  after: 'a'.repeat(40),
  repository: {
    name: 'tito',
    full_name: 'acme/tito',
    clone_url: 'https://git.example/acme/tito.git',
    ssh_url: 'git@git.example:acme/tito.git',
  },
  pusher: { name: 'ann' },
  head_commit: { message: 'A green face\n\nBecause.', timestamp: '2026-11-23T10:00:00Z', author: { name: 'Ann' } },
  commits: [{ added: ['app/new.mjs'], modified: ['README.md'], removed: [] }],
  ...given,
});
const verdict = (event: object, config: object = {}, kind = 'push') =>
  git.match(git.read({ 'x-github-event': kind }, Buffer.from(JSON.stringify(event))), git.config.parse(config));
const reason = (event: object, config: object = {}, kind = 'push') => {
  const found = verdict(event, config, kind);
  return 'ignore' in found ? found.ignore : 'it fired';
};

test('a push fires with the inputs that the original injects', () => {
  assert.deepEqual(verdict(push()), {
    fire: {
      author: 'Ann',
      tags: ['Ann', 'a'.repeat(40)],
      input: {
        GIT_BRANCH_NAME: 'main',
        GIT_CHANGE_SUBJECT: 'A green face',
        GIT_COMMIT_ID: 'a'.repeat(40),
        GIT_EVENT_DESCRIPTION: 'PUSH',
        GIT_EVENT_OWNER_NAME: 'Ann',
        GIT_EVENT_TIMESTAMP: '1795428000000000',
        GIT_REPO_NAME: 'acme/tito',
        GIT_SERVER_URL: 'https://git.example',
        GIT_REPO_HTTP_URL: 'https://git.example/acme/tito.git',
        GIT_REPO_SSH_URL: 'git@git.example:acme/tito.git',
      },
    },
  });
});

test('what does not fit is ignored, with the reason', () => {
  assert.equal(reason(push(), { branchName: 'release' }), 'The branch is main, and this webhook waits for release.');
  assert.equal(
    reason(push(), { repoName: 'acme/other' }),
    'The repository is acme/tito, and this webhook waits for acme/other.',
  );
  assert.equal(
    reason(push(), { eventCategory: 'PULL_REQUEST' }),
    'The event is PUSH, and this webhook waits for PULL_REQUEST.',
  );
  assert.equal(reason(push({ after: '0'.repeat(40) })), 'Branch main was deleted.');
  assert.equal(reason(push({ ref: 'refs/tags/v1' })), 'The event is TAG, and this webhook waits for PUSH.');
  assert.equal(reason({}, {}, 'ping'), 'A ping: the webhook is reached.');
});

test('files decide where filters are given', () => {
  assert.equal(reason(push(), { inclusions: [{ type: 'PLAIN', value: 'app' }] }), 'it fired');
  assert.equal(reason(push(), { inclusions: [{ type: 'PLAIN', value: 'docs' }] }), 'No changed file is included.');
  assert.equal(
    reason(push(), { exclusions: [{ type: 'REGEX', value: '.*\\.md|app/.*' }] }),
    'All changed files are excluded.',
  );
  assert.equal(reason(push(), { exclusions: [{ type: 'PLAIN', value: 'README.md' }] }), 'it fired');
  assert.equal(
    reason(push(), { exclusions: [{ type: 'PLAIN', value: 'README.md' }], prioritizeExclusion: true }),
    'The changed file README.md is excluded.',
  );
});

test('a pull request fires when it is opened or changed', () => {
  const pull = (action: string) => ({
    action,
    pull_request: { title: 'T', head: { sha: 'b'.repeat(40) }, base: { ref: 'main' }, user: { login: 'ann' } },
    repository: push().repository,
  });

  assert.equal(reason(pull('opened'), { eventCategory: 'PULL_REQUEST' }, 'pull_request'), 'it fired');
  assert.match(reason(pull('closed'), { eventCategory: 'PULL_REQUEST' }, 'pull_request'), /PULL_REQUEST closed/);
});

test('only who knows the secret is genuine', () => {
  const body = Buffer.from('{}');
  const signed = (secret: string) => ({
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  });

  assert.ok(git.isGenuine(signed('s'), body, 's'));
  assert.ok(!git.isGenuine(signed('t'), body, 's'));
  assert.ok(!git.isGenuine({}, body, 's'));
  assert.ok(!git.isGenuine({ 'x-hub-signature-256': 'sha256=short' }, body, 's'));
});

test('a body that is no event names what it lacks', () => {
  const fault = (body: string) => {
    try {
      git.read({ 'x-github-event': 'push' }, Buffer.from(body));
    } catch (thrown) {
      return thrown instanceof MillraceError ? `${thrown.code} ${thrown.message}` : 'another error';
    }
    return 'it was read';
  };

  assert.match(fault('{'), /^webhook.malformed .*no JSON/);
  assert.match(fault('{"ref": "refs/heads/main"}'), /^webhook.malformed .*`after`/);
});

test('a webhook that cannot ever match is refused when it is made', () => {
  assert.ok(!git.config.safeParse({ inclusions: [{ type: 'REGEX', value: '(' }] }).success);
  assert.ok(!git.config.safeParse({ eventCategory: 'COFFEE' }).success);
});

/** A webhook on the pipeline P, and how something is delivered to it. */
async function listening(t: TestContext) {
  const server = await TestServer.start(t);
  await server.import(
    pipelineAround('Tell: {type: Condition, input: {condition: \'"${input.GIT_BRANCH_NAME}" == "main"\'}}'),
  );
  await server.import(
    '{project: Tito, kind: GIT_WEBHOOK, name: hook, pipeline: P, branchName: main, secretToken: s3cret}',
  );
  const { body: hook } = await server.call('GET', '/codestream/api/git-webhooks/Tito/hook');
  const deliver = async (event: object, delivery: string, secret = 's3cret') => {
    const body = JSON.stringify(event);
    const answer = await fetch(`${server.url}/codestream/api/git-webhook-listeners/${hook.id}`, {
      method: 'POST',
      body,
      headers: {
        'x-github-event': 'push',
        'x-github-delivery': delivery,
        'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  return { server, deliver };
}

test('a delivery that comes several times at once is one run, and says so each time', async (t) => {
  const { server, deliver } = await listening(t);
  const answers = await Promise.all(Array.from({ length: 5 }, () => deliver(push(), 'at once')));
  const [first] = answers;
  const { body: runs } = await server.call('GET', '/codestream/api/executions');
  const { body: run } = await server.call('GET', first!.body.executionLink!);

  const created: string[] = [];
  await server.until(run.id, ({ type }) => {
    if (type === 'execution-created') created.push(run.id);
    return type === 'execution-ended';
  });

  assert.deepEqual([runs.totalCount, created.length], [1, 1]);
  for (const { body } of answers) assert.deepEqual([body.executionLink, body.executionIndex], [run._link, run.index]);
});

test('a delivery starts one run, however often it comes, and is recorded either way', async (t) => {
  const { server, deliver } = await listening(t);
  const first = await deliver(push(), 'd1');
  assert.deepEqual([first.status, first.body.executionStatus], [200, 'STARTED']);
  assert.equal((await deliver(push(), 'd1')).body.executionLink, first.body.executionLink);
  assert.equal((await deliver(push({ ref: 'refs/heads/dev' }), 'd2')).body.executionStatus, 'IGNORED');
  assert.deepEqual(
    [(await deliver(push(), 'd3', 'wrong')).status, (await deliver(push(), 'd3', 'wrong')).body.code],
    [401, 'webhook.signature'],
  );
  assert.equal((await deliver({ nonsense: true }, 'd4')).status, 400);
  assert.equal((await deliver({ x: 'x'.repeat(2_000_000) }, 'd5')).status, 413);

  const { body: runs } = await server.call('GET', '/codestream/api/executions');
  assert.equal(runs.count, 1);
  const { body: events } = await server.call(
    'GET',
    '/codestream/api/git-events?$filter=' + encodeURIComponent("executionStatus eq 'IGNORED'"),
  );
  const [ignored] = Object.values(events.documents) as Record<string, string>[];
  assert.equal(ignored?.message, 'The branch is dev, and this webhook waits for main.');
  assert.equal((await server.ended(runs.documents[runs.links[0]].id)).status, 'COMPLETED');
});

test('an event whose pipeline cannot run is recorded as refused, with the reason', async (t) => {
  const server = await TestServer.start(t);
  await server.import('{project: Tito, kind: GIT_WEBHOOK, name: hook, pipeline: Missing}');
  const { body: hook } = await server.call('GET', '/codestream/api/git-webhooks/Tito/hook');
  const { body } = await server.call('POST', `/pipeline/api/git-webhook-listeners/${hook.id}`, push(), '');

  assert.deepEqual([body.executionStatus, body.message], ['REFUSED', 'There is no pipeline Missing in project Tito.']);
});

const gitlabPush = {
  object_kind: 'push',
  ref: 'refs/heads/main',
  after: 'b'.repeat(40),
  user_name: 'Ann',
  project: {
    name: 'tito',
    path_with_namespace: 'acme/tito',
    git_http_url: 'https://gitlab.example/acme/tito.git',
    git_ssh_url: 'git@gitlab.example:acme/tito.git',
  },
  commits: [
    { id: 'a'.repeat(40), message: 'first', author: { name: 'Bob' }, added: ['a'], modified: [], removed: [] },
    {
      id: 'b'.repeat(40),
      message: 'second\n\nmore',
      timestamp: '2026-11-23T10:00:00Z',
      author: { name: 'Ann' },
      added: [],
      modified: ['b'],
      removed: ['c'],
    },
  ],
};
const readFrom = (headers: Record<string, string>, event: object) =>
  git.read(headers, Buffer.from(JSON.stringify(event))) as unknown as Record<string, unknown>;

test('GitLab: pushes, tags and merge requests are read, and a request counts when commits came', () => {
  const event = readFrom({ 'x-gitlab-event': 'Push Hook' }, gitlabPush);
  assert.deepEqual(
    [
      event.kind,
      event.branch,
      event.commitId,
      event.subject,
      event.owner,
      event.repo,
      event.serverUrl,
      event.changedFiles,
    ],
    ['PUSH', 'main', 'b'.repeat(40), 'second', 'Ann', 'acme/tito', 'https://gitlab.example', ['a', 'b', 'c']],
  );
  assert.equal(readFrom({ 'x-gitlab-event': 'Tag Push Hook' }, { ...gitlabPush, ref: 'refs/tags/v1' }).kind, 'TAG');
  const request = (attributes: object) =>
    readFrom(
      { 'x-gitlab-event': 'Merge Request Hook' },
      {
        user: { name: 'Ann' },
        project: gitlabPush.project,
        object_attributes: { title: 'A face', target_branch: 'main', last_commit: { id: 'c' }, ...attributes },
      },
    );
  assert.deepEqual([request({ action: 'open' }).kind, request({ action: 'open' }).branch], ['PULL_REQUEST', 'main']);
  assert.equal(request({ action: 'update', oldrev: 'x' }).kind, 'PULL_REQUEST');
  assert.equal(request({ action: 'update' }).kind, 'PULL_REQUEST update');
  assert.equal(request({ action: 'merge' }).kind, 'PULL_REQUEST merge');
  assert.equal(git.isGenuine({ 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': 's' }, Buffer.from(''), 's'), true);
  assert.equal(git.isGenuine({ 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': 't' }, Buffer.from(''), 's'), false);
  assert.equal(git.isGenuine({ 'x-gitlab-event': 'Push Hook' }, Buffer.from(''), 's'), false);
});

test('Bitbucket: pushes and pull requests of the cloud are read', () => {
  const repository = { full_name: 'acme/tito', links: { html: { href: 'https://bitbucket.org/acme/tito' } } };
  const event = readFrom(
    { 'x-event-key': 'repo:push' },
    {
      actor: { display_name: 'Ann' },
      repository,
      push: {
        changes: [
          {
            new: {
              type: 'branch',
              name: 'main',
              target: { hash: 'd', message: 'A face\n', author: { raw: 'Bob <bob@a>' } },
            },
          },
        ],
      },
    },
  );
  assert.deepEqual(
    [event.kind, event.branch, event.commitId, event.subject, event.owner, event.sshUrl],
    ['PUSH', 'main', 'd', 'A face', 'Bob', 'git@bitbucket.org:acme/tito.git'],
  );
  const gone = readFrom(
    { 'x-event-key': 'repo:push' },
    { repository, push: { changes: [{ new: null, old: { name: 'old' } }] } },
  );
  assert.deepEqual(git.match(gone as never, git.config.parse({})), { ignore: 'Branch old was deleted.' });
  const request = readFrom(
    { 'x-event-key': 'pullrequest:created' },
    {
      repository,
      pullrequest: {
        title: 'T',
        source: { commit: { hash: 'e' } },
        destination: { branch: { name: 'main' } },
        author: { nickname: 'ann' },
      },
    },
  );
  assert.deepEqual([request.kind, request.owner, request.commitId], ['PULL_REQUEST', 'ann', 'e']);
  assert.equal(readFrom({ 'x-event-key': 'pullrequest:fulfilled' }, {}).kind, 'PULL_REQUEST fulfilled');
});

test('Bitbucket: pushes and pull requests of a server are read, and its pings', () => {
  const repository = {
    slug: 'tito',
    project: { key: 'ACME' },
    links: { clone: [{ name: 'http', href: 'https://bb.example/scm/acme/tito.git' }] },
  };
  const actor = { name: 'ann', displayName: 'Ann' };
  const event = readFrom(
    { 'x-event-key': 'repo:refs_changed' },
    {
      actor,
      repository,
      changes: [{ ref: { displayId: 'main', type: 'BRANCH' }, toHash: 'f', type: 'UPDATE' }],
    },
  );
  assert.deepEqual(
    [event.kind, event.branch, event.owner, event.repo, event.serverUrl],
    ['PUSH', 'main', 'Ann', 'ACME/tito', 'https://bb.example'],
  );
  const request = readFrom(
    { 'x-event-key': 'pr:opened' },
    {
      pullRequest: {
        title: 'T',
        fromRef: { latestCommit: 'g' },
        toRef: { displayId: 'main', repository },
        author: { user: actor },
      },
    },
  );
  assert.deepEqual([request.kind, request.commitId], ['PULL_REQUEST', 'g']);
  assert.equal(readFrom({ 'x-event-key': 'diagnostics:ping' }, { test: true }).kind, 'PING');
  const body = Buffer.from('{}');
  const signature = `sha256=${createHmac('sha256', 's').update(body).digest('hex')}`;
  assert.equal(git.isGenuine({ 'x-event-key': 'x', 'x-hub-signature': signature }, body, 's'), true);
});

test('a burst of pushes within the delay of a webhook is one run, of the newest', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    pipelineAround('Tell: {type: Condition, input: {condition: "true"}}', 'input: {GIT_COMMIT_ID: ""}'),
  );
  const { body: made } = await server.call('POST', '/codestream/api/git-webhooks', {
    project: 'Tito',
    name: 'w',
    pipeline: 'P',
    delayTimeInMins: 5,
  });
  const listener = new URL(made.externalListenerLink).pathname;
  const deliver = async (commit: string) =>
    (await server.call('POST', listener, push({ after: commit.repeat(40) }), '')).body;
  const [first, second] = [await deliver('1'), await deliver('2')];
  assert.deepEqual([first.executionStatus, first.message], ['PENDING', 'Waits for 5 min, in case more comes.']);

  await server.change('delayed-event', made.id, (document) => ({ ...document, body: { ...document.body, due: 0 } }));
  const shown = async (id: string) => (await server.call('GET', `/codestream/api/git-events/${id}`)).body;
  while (!(await shown(second.id)).executionLink) await new Promise((resolve) => setTimeout(resolve, 50));
  const run = await server.ended((await shown(second.id)).executionLink.split('/').at(-1));
  assert.equal(run.input.GIT_COMMIT_ID, '2'.repeat(40));
  while ((await shown(first.id)).executionStatus !== 'MERGED') await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await server.call('GET', '/codestream/api/executions')).body.totalCount, 1);
});
