import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { millrace } from '../../../test/millrace.ts';
import { TestServer } from '../../../test/server.ts';
import { removeTree } from '../../host/processes.ts';
import { inOrder } from './order.ts';

const pipeline = (name: string, rest = '') =>
  `project: Shop\nkind: PIPELINE\nname: ${name}\nenabled: true\n${rest}stages:\n  S:\n    tasks:\n      A: {type: Condition, input: {condition: "true"}}\n`;
const everything = [
  'project: Shop\nkind: VARIABLE\nname: colour\ntype: REGULAR\nvalue: green\n',
  'project: Shop\nkind: VARIABLE\nname: token\ntype: SECRET\nvalue: s3cret-value\n',
  'project: Shop\nkind: ENDPOINT\nname: tickets\ntype: jira\nproperties: {url: "https://jira.example", username: ci, password: s3cret-value}\n',
  pipeline('Undo'),
  pipeline('Main', 'rollbacks:\n- {name: Undo, stage: S, inputs: {}}\n'),
  'project: Shop\nkind: GIT_WEBHOOK\nname: pushes\npipeline: Main\nsecretToken: s3cret-value\n',
  'project: Shop\nkind: GERRIT_LISTENER\nname: reviews\nendpoint: tickets\nconnected: true\napiToken: s3cret-value\n',
  'project: Shop\nkind: GERRIT_TRIGGER\nname: merges\nlistener: reviews\ngerritProject: shop\nenabled: true\nconfigurations:\n- {eventType: change-merged, pipeline: Main}\n',
  'project: Shop\nkind: BLUEPRINT\nname: Site\nresources:\n  web: {type: Cloud.Machine, properties: {image: a, flavor: b}}\n',
  'project: Shop\nkind: ACTION\nname: greet\nruntime: nodejs\nentrypoint: handler\nsource: "exports.handler = () => ({});"\n',
].join('---\n');

async function migrate(target: TestServer, args: string[], more: Record<string, string> = {}) {
  const environment = { MILLRACE_URL: target.url, MILLRACE_TOKEN: target.token, ...more };
  const { code, out, err } = await millrace(['migrate', 'code-stream', ...args, '--output', 'json'], environment);
  assert.ok(out, err);
  return { code, ...JSON.parse(out) };
}
const names = (moved: { kind: string; name: string }[]) => moved.map(({ kind, name }) => `${kind} ${name}`);

function directory(t: TestContext, files: Record<string, string>): string {
  const made = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  t.after(() => removeTree(made));
  mkdirSync(join(made, 'inner'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
  return made;
}

test('all that a server holds comes over by its API, in the order of its needs, and twice without harm', async (t) => {
  const [source, target] = [await TestServer.start(t), await TestServer.start(t)];
  await source.import(everything);
  const made = (
    await source.call('POST', '/codestream/api/custom-integrations', {
      ...{ project: 'Default', name: 'shout', yaml: 'runtime: shell\ncode: export a=1\noutputProperties: []\n' },
    })
  ).body;
  for (const version of ['1.0', '2.0']) {
    await source.call('POST', `/codestream/api/custom-integrations/${made.id}/versions`, { version });
    await source.call('POST', `/codestream/api/custom-integrations/${made.id}/versions/${version}/release`, {});
  }
  const { body: login } = await source.call(
    'POST',
    '/csp/gateway/am/api/login',
    { username: 'admin', password: 'admin password' },
    '',
  );
  const token = { MILLRACE_SOURCE_TOKEN: login.refresh_token };
  const first = await migrate(target, ['--url', source.url], token);

  assert.equal(first.code, 0, JSON.stringify(first));
  assert.deepEqual(names(first.moved), [
    ...[
      'VARIABLE token',
      'VARIABLE colour',
      'ENDPOINT tickets',
      'CUSTOM_INTEGRATION shout',
      'CUSTOM_INTEGRATION shout',
    ],
    ...['BLUEPRINT Site', 'ACTION greet', 'PIPELINE Undo', 'PIPELINE Main', 'GIT_WEBHOOK pushes'],
    ...['GERRIT_LISTENER reviews', 'GERRIT_TRIGGER merges'],
  ]);
  assert.deepEqual(first.summary, { created: 11, updated: 1, failed: 0, secrets: 3 });
  const secrets = first.moved.flatMap(({ name, secrets: places }: { name: string; secrets: string[] }) =>
    places.map((place) => `${name}: ${place}`),
  );
  assert.deepEqual(secrets, ['token: value', 'tickets: properties.password', 'pushes: secretToken']);
  const main = (await target.call('GET', '/codestream/api/pipelines/Shop/Main')).body;
  assert.deepEqual([main.enabled, main.rollbacks], [true, [{ name: 'Undo', stage: 'S', inputs: {} }]]);
  const listener = (await target.call('GET', '/codestream/api/gerrit-listeners/Shop/reviews')).body;
  assert.deepEqual([listener.connected, listener.apiToken], [false, ''], 'two servers would hear the same');
  assert.equal((await target.call('GET', '/codestream/api/gerrit-triggers/Shop/merges')).body.enabled, true);
  const versions = (await target.call('GET', `/codestream/api/custom-integrations/Default/shout`)).body;
  assert.equal((await target.call('GET', `/codestream/api/custom-integrations/${versions.id}/versions`)).body.count, 2);

  await target.call('PUT', '/codestream/api/variables/Shop/token', { type: 'SECRET', value: 'given anew' });
  const second = await migrate(target, ['--url', source.url], token);
  assert.deepEqual([second.code, second.summary.created, second.summary.updated], [0, 0, 12]);
  await target.import(
    'project: Shop\nkind: PIPELINE\nname: Look\nstages:\n  S: {tasks: {A: {type: Condition, input: {condition: \'"${var.token}" == "given anew"\'}}}}\n',
  );
  const { body } = await target.call('POST', '/codestream/api/pipelines/Shop/Look/executions', {});
  assert.equal((await target.ended(body.executionId)).status, 'COMPLETED', 'the secret that was given is still there');
});

test('files come over as well; what is broken is named, and keeps nothing else from coming', async (t) => {
  const target = await TestServer.start(t);
  const from = directory(t, {
    'b.yaml': pipeline('Outer', '').replace(
      'Condition, input: {condition: "true"}',
      'Pipeline, input: {pipeline: Inner}',
    ),
    'inner/inner.yml': pipeline('Inner'),
    'variables.yaml':
      '- {project: Shop, name: v, type: SECRET, value: s2enc~abc=}\n- {project: Shop, name: w, type: REGULAR, value: "1"}\n',
    'broken.yaml': 'a: [\n',
    'wrong.yaml': pipeline('Wrong').replace('Condition', 'Condishun'),
    'other.yaml': 'hello: world\n',
  });
  const { code, moved, unreadable, summary } = await migrate(target, ['--from', from]);

  assert.equal(code, 1);
  assert.deepEqual(names(moved), ['VARIABLE v', 'VARIABLE w', 'PIPELINE Inner', 'PIPELINE Outer', 'PIPELINE Wrong']);
  assert.match(moved[4].message, /^wrong\.yaml: .*unknown type Condishun\. Did you mean Condition\?/);
  assert.deepEqual(
    unreadable.map(({ from: file }: { from: string }) => file),
    ['broken.yaml', 'other.yaml'],
  );
  assert.deepEqual(summary, { created: 4, updated: 0, failed: 3, secrets: 1 });
});

test('a wrong token, a server that is away and a command without a source are said in words', async (t) => {
  const target = await TestServer.start(t);
  const run = (...args: string[]) =>
    millrace(['migrate', 'code-stream', ...args], {
      MILLRACE_URL: target.url,
      MILLRACE_TOKEN: target.token,
      MILLRACE_SOURCE_TOKEN: 'made-up',
    });

  assert.match((await run('--url', target.url)).err, /The refresh token is not valid/);
  assert.equal((await run('--url', 'http://127.0.0.1:1')).code, 3);
  assert.match((await run()).err, /Name where to migrate from/);
});

test('pipelines that call each other in a ring are all there, once', () => {
  const item = (name: string, ...needs: string[]) => ({
    kind: 'PIPELINE',
    name,
    project: '',
    text: '',
    from: '',
    needs,
  });
  assert.deepEqual(
    inOrder([item('a', 'b'), item('b', 'c'), item('c', 'a')]).map(({ name }) => name),
    ['c', 'b', 'a'],
  );
});
