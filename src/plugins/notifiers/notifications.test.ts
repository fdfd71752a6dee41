import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jiraServer } from '../../../test/fakes/jira.ts';
import { farSide } from '../../../test/far-side.ts';
import { mailServer } from '../../../test/mail-server.ts';
import { TestServer } from '../../../test/server.ts';
import { openHttp } from '../../host/http.ts';
import { jiraNotification } from './notifications.ts';

const pipeline = (notifications: string, condition = 'true') =>
  `project: Tito\nkind: PIPELINE\nname: P\nstages:\n  S:\n    tasks:\n      A: {type: Condition, input: {condition: "${condition}"}}\nnotifications:\n${notifications}`;

async function run(t: TestContext, yaml: string, before = '') {
  const server = await TestServer.start(t);
  if (before) await server.import(before);
  await server.import(yaml);
  const { id } = await server.run('P');
  const told = async () => (await server.call('GET', `/codestream/api/executions/${id}`)).body.notifications;
  return { server, id, told };
}

test('webhooks are called for the run, its stages and its tasks, with bindings in their places', async (t) => {
  const far = await farSide(t, () => ({ body: 'taken' }));
  const hook = (where: string, payload: string) =>
    `  - {${where}, url: "${far.url}/\${name}", headers: {x-run: "\${executionIndex}"}, payload: '${payload}'}\n`;
  const { told } = await run(
    t,
    pipeline(
      `  webhook:\n${hook('event: STARTED', 'run starts')}${hook('event: SUCCESS', '{"text": "${status}: ${statusMessage}"}')}${hook(
        'event: SUCCESS, stage: S',
        'stage',
      )}${hook('event: SUCCESS, stage: S, task: A', '${S.A.output.status}')}${hook('event: FAILURE', 'never')}`,
    ),
  );
  await far.atLeast(4);

  assert.deepEqual(
    far.calls.map(({ body }) => body).sort(),
    ['COMPLETED', 'run starts', 'stage', '{"text": "COMPLETED: Execution Completed."}'].sort(),
  );
  assert.deepEqual([far.calls[0]!.path, far.calls[0]!.headers['x-run'], far.calls[0]!.method], ['/P', '1', 'POST']);
  assert.equal(new Set(far.calls.map(({ headers }) => headers['idempotency-key'])).size, 4);
  while ((await told()).length < 4) await new Promise((resolve) => setTimeout(resolve, 10));
  const [one] = (await told()).filter(({ task }: { task: string }) => task === 'A');
  assert.deepEqual(one, {
    providerType: 'WEBHOOK',
    eventGroup: 'SUCCESS',
    stage: 'S',
    task: 'A',
    success: true,
    responseCode: 200,
    responseMessage: 'taken',
  });
});

test('a question makes its task, its stage and its run wait', async (t) => {
  const far = await farSide(t, () => ({}));
  const server = await TestServer.start(t);
  const hook = (where: string) => `  - {event: WAITING, ${where}url: "${far.url}", payload: '${where || 'run'}'}\n`;
  await server.import(
    `project: Tito\nkind: PIPELINE\nname: P\nstages:\n  S:\n    tasks:\n      A: {type: UserOperation, input: {approvers: [admin], summary: s}}\nnotifications:\n  webhook:\n${hook('')}${hook('stage: S, ')}${hook('stage: S, task: A, ')}`,
  );
  await server.begin('P');
  await far.atLeast(3);

  assert.deepEqual(far.calls.map(({ body }) => body).sort(), ['run', 'stage: S, ', 'stage: S, task: A, ']);
});

test('a failure is mailed to people by address and by name, and makes one ticket', async (t) => {
  const mail = await mailServer(t);
  const jira = await jiraServer(t);
  const { told } = await run(
    t,
    pipeline(
      "  email:\n  - {event: FAILURE, endpoint: mail, to: ['ann@example.org', '${requestBy}'], subject: '${name} failed', body: '<b>${statusMessage}</b>'}\n" +
        '  jira:\n  - {event: FAILURE, endpoint: tickets, project: TITO, issuetype: Bug, assignee: ann, summary: "${name} #${executionIndex}", description: "${statusMessage}"}\n',
      'false',
    ),
    [
      `{project: Tito, kind: ENDPOINT, name: mail, type: email, properties: {senderAddress: mill@example.org, outboundHost: 127.0.0.1, outboundPort: "${mail.port}", outboundUsername: mill, outboundPassword: m4il-pass, encryptionMethod: NONE}}`,
      `{project: Tito, kind: ENDPOINT, name: tickets, type: jira, properties: {url: "${jira.url}", username: ci, password: secret}}`,
    ].join('\n---\n'),
  );
  while ((await told()).length < 2) await new Promise((resolve) => setTimeout(resolve, 10));

  assert.deepEqual([mail.mails.length, mail.mails[0]!.to], [1, ['ann@example.org']]);
  assert.match(mail.mails[0]!.text, /Subject: P failed/);
  assert.match(mail.mails[0]!.text, /<b>S\.A: /);
  assert.deepEqual(
    [jira.issues.length, jira.issues[0]!.summary, jira.issues[0]!.assignee],
    [1, 'P #1', { name: 'ann' }],
  );
  const ticket = (await told()).find(({ providerType }: { providerType: string }) => providerType === 'JIRA');
  assert.deepEqual([ticket.success, ticket.jiraResponse], [true, { ID: 'TITO-1', link: `${jira.url}/browse/TITO-1` }]);
});

test('a receiver in trouble is asked again with the same key, one that refuses is not, and neither fails the run', async (t) => {
  const far = await farSide(t, ({ path }, count) => ({ status: path === '/bad' ? 400 : count < 3 ? 503 : 200 }));
  const { id, server, told } = await run(
    t,
    pipeline(
      `  webhook:\n  - {event: SUCCESS, url: "${far.url}/good", payload: a}\n  - {event: SUCCESS, url: "${far.url}/bad", payload: b}\n`,
    ),
  );
  while ((await told()).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));

  const good = far.calls.filter(({ path }) => path === '/good');
  assert.ok(good.length > 1);
  assert.equal(new Set(good.map(({ headers }) => headers['idempotency-key'])).size, 1);
  assert.equal(far.calls.filter(({ path }) => path === '/bad').length, 1);
  assert.equal((await server.call('GET', `/codestream/api/executions/${id}`)).body.status, 'COMPLETED');
  assert.deepEqual(
    (await told()).map(({ success, responseCode }: Record<string, unknown>) => [success, responseCode]).sort(),
    [
      [false, 400],
      [true, 200],
    ],
  );
});

test('a secret in a notification goes to its receiver and nowhere else; a missing endpoint is recorded', async (t) => {
  const far = await farSide(t, ({ headers }) => ({ body: `you said ${headers['x-token']}` }));
  const { told } = await run(
    t,
    pipeline(
      `  webhook:\n  - {event: SUCCESS, url: "${far.url}", headers: {x-token: "\${var.token}"}, payload: a}\n  email:\n  - {event: SUCCESS, endpoint: none, to: null, subject: a}\n`,
    ),
    '{project: Tito, kind: VARIABLE, name: token, type: SECRET, value: v3ry-secret}',
  );
  while ((await told()).length < 2) await new Promise((resolve) => setTimeout(resolve, 10));

  assert.equal(far.calls[0]!.headers['x-token'], 'v3ry-secret');
  const messages = (await told()).map(({ responseMessage }: { responseMessage: string }) => responseMessage).sort();
  assert.deepEqual(messages, ['There is no endpoint none in project Tito.', 'you said ********']);
});

test('a ticket whose answer was lost is found by its label', async (t) => {
  const jira = await jiraServer(t);
  const send = (isRepeat: boolean) =>
    jiraNotification.send({ project: 'TITO', issuetype: 'Bug', assignee: '', summary: 'S', description: '' } as never, {
      key: 'run/notification/0',
      isRepeat,
      endpoint: { name: 'tickets', type: 'jira', properties: { url: jira.url, username: 'ci', password: 'secret' } },
      http: openHttp(() => undefined),
      addressesOf: async () => [],
    });
  jira.misbehave({ method: 'POST', loses: true });
  await assert.rejects(send(false));
  assert.equal((await send(true)).jiraResponse?.ID, 'TITO-1');
  assert.equal(jira.issues.length, 1);
});
