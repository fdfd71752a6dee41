import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mailServer } from '../../../test/mail-server.ts';
import { pipelineAround, TestServer } from '../../../test/server.ts';
import { sendMail } from '../mail.ts';

const ask = (input: string) =>
  `Ask: {type: UserOperation, ${input.includes('sendemail') ? 'endpoints: {emailServer: post}, ' : ''}input: {summary: May it go out?, ${input}}}`;
const post = (port: number) =>
  `{project: Tito, kind: ENDPOINT, name: post, type: email, properties: {senderAddress: mill@example.com, encryptionMethod: NONE, outboundHost: 127.0.0.1, outboundPort: "${port}", outboundProtocol: smtp, outboundUsername: mill, outboundPassword: m4il-pass}}`;

/** People of the groups `ops` and `sales`; answers their tokens. */
async function people(server: TestServer): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {};
  for (const [name, email, groups] of [
    ['ann', 'ann@example.com', ['ops']],
    ['bob', '', ['Ops', 'sales']],
    ['cleo', 'cleo@example.com', ['sales']],
  ] as const) {
    const made = await server.call('POST', '/api/users', { name, password: name, role: 'user', email, groups });
    assert.equal(made.status, 201, made.text);
    tokens[name] = await server.signIn(name, name);
  }
  return tokens;
}

/** Starts the pipeline and waits for its question. */
async function asked(server: TestServer, task: string, around = ''): Promise<{ id: string; index: string }> {
  await server.import(pipelineAround(task, around));
  const id = await server.begin('P');
  const { question } = await server.until(id, ({ type }) => type === 'task-waiting');
  return { id, index: (question as { index: string }).index };
}

const answer = (server: TestServer, index: string, token: string) =>
  server.call('PATCH', `/codestream/api/user-operations/${index}`, { status: 'Approved' }, token);

test('whoever is named, by name or by mail address, or is in a named group may answer, and nobody else', async (t) => {
  const server = await TestServer.start(t);
  const tokens = await people(server);
  const cases: [string, string, string[]][] = [
    ['approvers: [ANN]', 'ann', ['bob', 'cleo']],
    ['approvers: [Cleo@example.com]', 'cleo', ['ann', 'bob']],
    ['approverGroups: [ops]', 'bob', ['cleo']],
  ];

  for (const [input, may, mayNot] of cases) {
    const { id, index } = await asked(server, ask(input));
    for (const name of mayNot) {
      const refused = await answer(server, index, tokens[name]!);
      assert.deepEqual([refused.status, refused.body.code], [403, 'approval.not-approver'], `${input} ${name}`);
    }
    assert.equal((await answer(server, index, tokens[may]!)).status, 200, input);
    assert.equal((await server.ended(id)).status, 'COMPLETED');
  }
});

test('the answer is put out with who gave it', async (t) => {
  const server = await TestServer.start(t);
  const tokens = await people(server);
  const { id, index } = await asked(server, ask('approverGroups: [ops]'));
  await answer(server, index, tokens.ann!);
  const { output } = (await server.ended(id)).stages.S.tasks.Ask;

  assert.deepEqual(
    [output.respondedBy, output.respondedByEmail, output.responderRoles, output.index],
    ['ann', 'ann@example.com', ['user', 'ops'], index],
  );
});

test('the question goes by mail to everybody whose address is known, each their own, and says how to answer', async (t) => {
  const server = await TestServer.start(t);
  await people(server);
  const box = await mailServer(t);
  await server.import(post(box.port));
  await server.import('{project: Tito, kind: VARIABLE, name: pin, type: SECRET, value: "774411"}');
  const { id, index } = await asked(
    server,
    ask(
      "approvers: [ann, zoe@example.com], approverGroups: [ops, sales], sendemail: 'true', description: '<b>p95</b> is ${input.p95} ms, pin ${var.pin}'",
    ),
    'input: {p95: "412"}',
  );
  const [mail] = box.mails;

  assert.equal(mail?.from, 'mill@example.com');
  assert.deepEqual(box.mails.flatMap(({ to }) => to).sort(), [
    'ann@example.com',
    'cleo@example.com',
    'zoe@example.com',
  ]);
  assert.match(mail!.text, /^Subject: May it go out\?\r$/m);
  assert.match(mail!.text, /<b>p95<\/b> is 412 ms, pin \*{8}/);
  assert.match(mail!.text, new RegExp(`millrace approve ${index}`));
  assert.match(mail!.text, new RegExp(`/executions/${id}`));
  assert.match(await server.log(id, 'S.Ask'), /^Asked by mail: .*zoe@example.com/m);
  const { text } = await server.call('GET', `/codestream/api/user-operations/${index}`);
  assert.match(text, /pin \*{8}/);
});

test('a mail has the same id whenever it is sent for the same question', async (t) => {
  const box = await mailServer(t);
  const idOf = (text: string) => /^Message-ID: (<.*>)/im.exec(text)?.[1];
  const properties = { senderAddress: 'a@example.com', outboundHost: '127.0.0.1', outboundPort: String(box.port) };
  const endpoint = {
    name: 'post',
    type: 'email',
    properties: { ...properties, outboundUsername: 'mill', outboundPassword: 'm4il-pass' },
  };
  for (const id of ['one', 'one', 'two'])
    await sendMail(endpoint, { id, to: ['b@example.com'], subject: 's', html: 'h' });
  const [first, second, third] = box.mails.map(({ text }) => idOf(text));

  assert.match(first!, /^<[0-9a-f]{32}@example.com>$/);
  assert.equal(first, second);
  assert.notEqual(first, third);
});

test('the link in a mail answers for whom it was sent to, once, without signing in, and looking at it changes nothing', async (t) => {
  const server = await TestServer.start(t);
  await people(server);
  const box = await mailServer(t);
  await server.import(post(box.port));
  const { id } = await asked(server, ask('approvers: [ann, cleo], sendemail: true'));
  const tokens = box.mails.map(({ to, text }) => [to.join(), /\/answer\/([\w-]+)/.exec(text)![1]!] as const);
  assert.deepEqual(
    tokens.map(([to]) => to),
    ['ann@example.com', 'cleo@example.com'],
  );
  const token = tokens[1]![1];
  const look = async (one: string) => (await server.call('GET', `/api/answers/${one}`, undefined, '')).body;
  const give = (one: string, status: string) =>
    server.call('POST', `/api/answers/${one}`, { status, responseMessage: 'Go.' }, '');

  const seen = await look(token);
  assert.deepEqual([seen.summary, seen.you, seen.mayAnswer], ['May it go out?', 'cleo', true]);
  assert.equal((await look(token)).mayAnswer, true, 'a mail scanner has looked');
  const forged = await give(`${token.slice(0, -8)}AAAAAAAA`, 'APPROVED');
  assert.deepEqual([forged.status, forged.body.code], [404, 'approval.link']);
  assert.equal((await give(token, 'perhaps')).status, 400);
  await server.call('PATCH', '/api/users/ann', { email: 'ann@elsewhere.example' });
  assert.equal((await give(tokens[0]![1], 'APPROVED')).status, 403, 'the address is nobody any more');

  const { body } = await give(token, 'approved');
  assert.deepEqual([body.status, body.mayAnswer], ['APPROVED', false]);
  const run = await server.ended(id);
  assert.equal(run.stages.S.tasks.Ask.statusMessage, 'Approved by cleo. Go.');
  assert.deepEqual(run.stages.S.tasks.Ask.output.responderRoles, ['user', 'sales']);
  assert.deepEqual([(await give(token, 'REJECTED')).status, (await look(token)).status], [409, 'APPROVED']);
});

test('several must approve where the author wants that: nobody counts twice, and one no is enough', async (t) => {
  const server = await TestServer.start(t);
  const tokens = await people(server);
  const two = (input: string) => ask(input).replace(/}$/, ', millrace: {approvals: 2}}');
  const first = await asked(server, two('approverGroups: [ops]'));
  const half = await answer(server, first.index, tokens.ann!);
  assert.deepEqual(
    [half.body.status, half.body.approvalsNeeded, half.body.responses.length, half.body.responses[0].respondedBy],
    ['ACTIVE', 2, 1, 'ann'],
  );
  const again = await answer(server, first.index, tokens.ann!);
  assert.deepEqual([again.status, again.body.code], [409, 'approval.closed']);
  assert.match(again.body.message, /has the approval of ann already, and needs that of others/);
  await server.stop();
  await server.start();
  assert.equal((await answer(server, first.index, tokens.bob!)).body.status, 'APPROVED');
  const { Ask } = (await server.ended(first.id)).stages.S.tasks;
  assert.equal(Ask.statusMessage, 'Approved by ann and bob.');
  assert.deepEqual(
    Ask.output.responses.map(({ respondedBy }: { respondedBy: string }) => respondedBy),
    ['ann', 'bob'],
  );

  const second = await asked(server, two('approverGroups: [ops]'));
  await answer(server, second.index, tokens.ann!);
  await server.call('PATCH', `/codestream/api/user-operations/${second.index}`, { status: 'REJECTED' }, tokens.bob);
  const refused = await server.ended(second.id);
  assert.match(refused.statusMessage, /S\.Ask: User Operation request has been rejected by bob\./);
});

test('a question is asked also where no mail goes out, and its log says why', async (t) => {
  const server = await TestServer.start(t);
  await people(server);
  const box = await mailServer(t, { refuses: 'ann@example.com' });
  const said = async (definition: string, input = 'approvers: [ann]') => {
    await server.import(definition);
    const { id } = await asked(server, ask(`${input}, sendemail: true`));
    const log = await server.log(id, 'S.Ask');
    await server.call('POST', `/codestream/api/executions/${id}?action=cancel`, {});
    return log;
  };

  assert.match(await said(post(box.port)), /^No mail was sent: Endpoint post: .*No such box/);
  assert.match(await said(post(box.port), 'approvers: [bob]'), /no approver has a mail address that is known/);
  assert.match(await said(post(1)), /^No mail was sent: Endpoint post: .*ECONNREFUSED/);
  const wrong = await said(post(box.port).replace('m4il-pass', 'wr0ng-pass'));
  assert.match(wrong, /Login is wrong/);
  assert.doesNotMatch(wrong, /wr0ng-pass/);
  assert.match(await said(post(box.port).replace('NONE', 'TLS')), /certificate|STARTTLS/i);
});
