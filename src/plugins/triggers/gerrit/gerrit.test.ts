import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../../test/eventually.ts';
import { gerritServer } from '../../../../test/fakes/gerrit.ts';
import { pipelineAround, TestServer } from '../../../../test/server.ts';

const api = '/codestream/api';
type Fake = Awaited<ReturnType<typeof gerritServer>>;

/** A server with a listener whose line is up, and a trigger for the branch `main` of `tito`. */
async function listening(t: TestContext, configurations: object[], more: object = {}) {
  const [server, gerrit] = await Promise.all([TestServer.start(t), gerritServer(t)]);
  await endpoint(server, gerrit);
  const listener = { project: 'Tito', name: 'reviews', endpoint: 'gerrit', apiToken: 'token', connected: true };
  const made = await server.call('POST', `${api}/gerrit-listeners`, listener);
  assert.deepEqual([made.status, made.body.connected, made.body.apiToken], [200, false, '********'], made.text);
  const trigger = { project: 'Tito', name: 'uploads', gerritProject: 'tito', branch: 'main', listener: 'reviews' };
  const { body, text } = await server.call('POST', `${api}/gerrit-triggers`, {
    ...trigger,
    ...{ enabled: true, configurations, ...more },
  });
  assert.equal(body.enabled, false, text);
  assert.equal(
    (await server.call('PATCH', `${api}/gerrit-triggers/Tito/uploads`, { enabled: true })).body.enabled,
    true,
  );
  await server.call('PATCH', `${api}/gerrit-listeners/Tito/reviews`, { connected: true });
  await lineIs(server, 'UP');
  return { server, gerrit };
}

const endpoint = (server: TestServer, { url, privateKey }: Fake, more: object = {}) =>
  server.call('POST', `${api}/endpoints`, {
    ...{ project: 'Tito', name: 'gerrit', type: 'gerrit' },
    properties: { url, username: 'ci', privateKey, ...more },
  });
const lineIs = (server: TestServer, state: string) =>
  eventually(async () => {
    const { body } = await server.call('GET', `${api}/gerrit-listeners/Tito/reviews`);
    assert.equal(body._line, state, body._reason);
    return body;
  });
const eventsOf = async (server: TestServer) => {
  const { body } = await server.call('GET', `${api}/gerrit-events`);
  return body.links.map((link: string) => body.documents[link]);
};
const hearing = (server: TestServer, count: number) =>
  eventually(async () => {
    const events = await eventsOf(server);
    assert.equal(events.length, count);
    return events;
  });
const runOf = (server: TestServer, event: { executionLink: string }) =>
  server.ended(event.executionLink.split('/').at(-1)!);
const passes = pipelineAround(
  'Tell: {type: Condition, input: {condition: "true"}}',
  'input: {GERRIT_CHANGE_NUMBER: "", GERRIT_REFSPEC: "", GERRIT_CHANGE_FILELIST: "", GERRIT_CHANGE_OWNER: "", GERRIT_VERSION: "", note: ""}',
);
const fails = passes.replace('condition: "true"', 'condition: "false"').replace('name: P', 'name: F');

test('an uploaded patch set starts a pipeline with the inputs of the original, and the change hears how it ended', async (t) => {
  const { server, gerrit } = await listening(t, [
    {
      eventType: 'patchset-created',
      pipeline: 'P',
      input: { note: 'ours' },
      successComment: 'It works.',
      verifiedLabel: 'true',
    },
  ]);
  await server.import(passes);
  const change = gerrit.push('tito', 'main', 'Leave earlier', ['app/page.php', 'README.md']);
  const [event] = await hearing(server, 1);
  const run = await runOf(server, event);

  const { GERRIT_EVENT_CREATED_ON: at, GERRIT_PORT: port, GERRIT_CHANGE_ID: id, ...rest } = run.input;
  const ann = { '': '"Ann Smith" <ann@example.com>', _EMAIL: 'ann@example.com', _NAME: 'Ann Smith', _USERNAME: 'ann' };
  const person = (name: string) =>
    Object.fromEntries(Object.entries(ann).map(([key, value]) => [`${name}${key}`, value]));
  assert.deepEqual(rest, {
    ...{ note: 'ours', GERRIT_BRANCH: 'main', GERRIT_PROJECT: 'tito', GERRIT_TOPIC: 'faster' },
    GERRIT_CHANGE_COMMIT_MESSAGE: `Leave earlier\n\nChange-Id: ${id}\n`,
    GERRIT_CHANGE_FILELIST: 'app/page.php,README.md',
    ...{ GERRIT_CHANGE_NUMBER: '100', GERRIT_CHANGE_SUBJECT: 'Leave earlier' },
    ...{ GERRIT_CHANGE_URL: 'https://gerrit.example/c/tito/+/100', GERRIT_URL: 'https://gerrit.example' },
    ...person('GERRIT_CHANGE_OWNER'),
    ...person('GERRIT_EVENT_ACCOUNT'),
    ...person('GERRIT_PATCHSET_UPLOADER'),
    ...{ GERRIT_EVENT_TYPE: 'patchset-created', GERRIT_HOST: '127.0.0.1', GERRIT_NAME: 'gerrit', GERRIT_SCHEME: 'ssh' },
    ...{ GERRIT_PATCHSET_NUMBER: '1', GERRIT_PATCHSET_REVISION: change.patchSets[0]!.revision },
    ...{ GERRIT_REFSPEC: 'refs/changes/00/100/1', GERRIT_VERSION: '3.9.1' },
  });
  assert.deepEqual([id, port], [change.id, new URL(gerrit.url).port]);
  assert.equal(Number(at) >= change.patchSets[0]!.createdOn, true);
  assert.deepEqual(
    [run.comments, run._triggeredBy, run._executedBy, event.changeNumber, event.subject],
    ['Gerrit event triggered execution', 'ann', 'admin', 100, 'Leave earlier'],
  );
  await eventually(async () => assert.equal(change.comments.length, 1));
  assert.match(
    change.comments[0]!,
    /^Patch Set 1:\n\nIt works\.\n\nP #1 COMPLETED: Execution Completed\. http.*\/executions\//,
  );
  assert.deepEqual(change.votes, { Verified: 1 });
  await eventually(async () => assert.equal((await eventsOf(server))[0].told, 'Gerrit was told: COMPLETED.'));
});

test('a run that fails votes against the change, whatever happened on other branches or in files that do not count is recorded', async (t) => {
  const { server, gerrit } = await listening(
    t,
    [{ eventType: 'patchset-created', pipeline: 'F', failureComment: 'It fails.', verifiedLabel: 'Verified' }],
    { exclusions: [{ type: 'PLAIN', value: 'docs' }], inclusions: [{ type: 'REGEX', value: 'app/.*' }] },
  );
  await server.import(fails);
  gerrit.push('tito', 'next', 'On another branch', ['app/a']);
  gerrit.push('tito', 'main', 'Words only', ['docs/a']);
  gerrit.push('other', 'main', 'Nothing to us', ['app/a']);
  const bad = gerrit.push('tito', 'main', 'Worse', ['app/a']);
  const events = await hearing(server, 3);

  assert.deepEqual(
    events.map(({ executionStatus, message }: { executionStatus: string; message: string }) =>
      executionStatus === 'IGNORED' ? message : 'fired',
    ),
    ['fired', 'No changed file is included.', 'The branch is next, and this trigger waits for main.'],
  );
  await runOf(server, events[0]);
  await eventually(async () => assert.deepEqual(bad.votes, { Verified: -1 }));
  assert.match(bad.comments[0]!, /It fails\.\n\nF #1 FAILED: /);
});

test('merged changes hear of their run without a vote, and references have nobody to tell', async (t) => {
  const { server, gerrit } = await listening(t, [
    { eventType: 'change-merged', pipeline: 'P', verifiedLabel: 'true' },
    { eventType: 'ref-updated', pipeline: 'P' },
  ]);
  await server.import(passes);
  const change = gerrit.push('tito', 'main', 'Good', ['a']);
  gerrit.merge(change);
  gerrit.pushRef('tito', 'refs/heads/main', '3'.repeat(40));
  const events = await hearing(server, 2);

  for (const event of events) assert.equal((await runOf(server, event)).status, 'COMPLETED');
  await eventually(async () => assert.equal(change.comments.length, 1));
  assert.deepEqual(change.votes, {});
  assert.deepEqual(events.map(({ eventType }: { eventType: string }) => eventType).sort(), [
    'change-merged',
    'ref-updated',
  ]);
});

test('what happens while the line is down, or the server, starts its run once when there is a line again', async (t) => {
  const { server, gerrit } = await listening(t, [
    { eventType: 'patchset-created', pipeline: 'P' },
    { eventType: 'change-merged', pipeline: 'P' },
  ]);
  await server.import(passes);
  const change = gerrit.push('tito', 'main', 'Heard', ['a']);
  await hearing(server, 1);
  gerrit.refuse(true);
  gerrit.cut();
  gerrit.merge(change);
  gerrit.push('tito', 'main', 'Missed', ['a']);
  const down = await lineIs(server, 'DOWN');
  assert.match(down._reason, /ended|reset|lost/i);
  gerrit.refuse(false);
  await lineIs(server, 'UP');
  await hearing(server, 3);

  await server.stop();
  gerrit.push('tito', 'main', 'Second patch set', ['a'], gerrit.changes[1]);
  await server.start();
  const events = await hearing(server, 4);
  assert.deepEqual(
    events.map(({ eventType, patchSet }: { eventType: string; patchSet: number }) => `${eventType} ${patchSet}`).sort(),
    ['change-merged 1', 'patchset-created 1', 'patchset-created 1', 'patchset-created 2'],
  );
  for (const event of events) await runOf(server, event);
  assert.equal((await server.call('GET', `${api}/executions`)).body.totalCount, 4);
});

test('a comment whose answer was lost is not made twice', async (t) => {
  const { server, gerrit } = await listening(t, [{ eventType: 'patchset-created', pipeline: 'P' }]);
  await server.import(passes);
  gerrit.misbehave('loses-review');
  const change = gerrit.push('tito', 'main', 'Good', ['a']);
  await hearing(server, 1);
  await eventually(async () => assert.equal((await eventsOf(server))[0].told, 'Gerrit was told: COMPLETED.'));

  assert.equal(change.comments.length, 1);
  assert.equal(gerrit.commands.filter((command) => command.startsWith('gerrit review')).length, 1);
});

test('what one server has said is not said again by another, which has another address', async (t) => {
  const { server, gerrit } = await listening(t, [{ eventType: 'patchset-created', pipeline: 'P' }]);
  await server.import(passes);
  gerrit.misbehave('loses-review');
  const change = gerrit.push('tito', 'main', 'Good', ['a']);
  await eventually(() => assert.equal(change.comments.length, 1));
  await server.stop();
  const before = server.url;
  await server.start();
  assert.notEqual(server.url, before);
  await eventually(async () => assert.equal((await eventsOf(server))[0].told, 'Gerrit was told: COMPLETED.'));

  assert.equal(change.comments.length, 1);
});

test('a line that Gerrit does not take is said to be down, with the reason; an odd event ends it for a moment', async (t) => {
  const { server, gerrit } = await listening(t, [{ eventType: 'patchset-created', pipeline: 'P' }]);
  await server.import(passes);
  gerrit.say('{"type":"patchset-created","change":{}}');
  await eventually(async () =>
    assert.ok(server.reports.some(({ details }) => /cannot be read/.test(String(details.error)))),
  );
  await lineIs(server, 'UP');
  gerrit.push('tito', 'main', 'Good', ['a']);
  await hearing(server, 1);

  const found = await server.call('GET', `${api}/endpoints/Tito/gerrit`);
  await server.call('PUT', `${api}/endpoints/Tito/gerrit`, {
    ...found.body,
    properties: { ...found.body.properties, hostKey: 'SHA256:another' },
  });
  const down = await eventually(async () => {
    const { body } = await server.call('GET', `${api}/gerrit-listeners/Tito/reviews`);
    assert.equal(body._line, 'DOWN');
    return body;
  });
  assert.match(down._reason, /it shows the host key SHA256:\S+, and `hostKey` is SHA256:another/);
  const closed = await server.call('PATCH', `${api}/gerrit-listeners/Tito/reviews`, { connected: false });
  assert.deepEqual([closed.body._line, closed.body._reason], ['CLOSED', '']);
});

test('endpoints and listeners are tried, projects listed, triggers copied, and a change is run by hand', async (t) => {
  const { server, gerrit } = await listening(t, [{ eventType: 'patchset-created', pipeline: 'P' }]);
  await server.import(passes);
  const validate = async (body: object) => (await server.call('POST', `${api}/gerrit-listeners/validate`, body)).body;
  assert.deepEqual(await validate({ project: 'Tito', endpoint: 'gerrit' }), {
    isValid: true,
    validationOutput: 'Gerrit lets us in: gerrit version 3.9.1.',
  });
  assert.match((await validate({ project: 'Tito', endpoint: 'no' })).validationOutput, /There is no endpoint no/);
  const properties = { url: gerrit.url, username: 'stranger', privateKey: gerrit.privateKey };
  const tried = await server.call('POST', `${api}/endpoint-validation`, { name: 'g', type: 'gerrit', properties });
  assert.match(tried.body.validationOutput, /stranger@127.0.0.1:\d+: the user or the key was refused/);
  const { body: listed } = await server.call('GET', `${api}/gerrit-listeners/Tito/reviews/projects`);
  assert.deepEqual(listed, ['All-Projects', 'tito']);

  const copy = await server.call('POST', `${api}/gerrit-triggers/Tito/uploads`, { requestType: 'CLONE', name: 'more' });
  assert.deepEqual([copy.body.name, copy.body.enabled, copy.body.branch], ['more', false, 'main']);

  gerrit.push('tito', 'main', 'Good', ['a']);
  await hearing(server, 2);
  const byHand = { project: 'Tito', changeId: '100', trigger: 'uploads' };
  const fired = await server.call('POST', `${api}/gerrit-events`, byHand);
  assert.deepEqual(fired.body, { message: '1 started.', pipelinesTriggered: ['P'] });
  const disabled = await server.call('POST', `${api}/gerrit-events`, { ...byHand, trigger: 'more' });
  assert.deepEqual(disabled.body.message, 'Nothing was started. Trigger more is disabled.');
  assert.equal((await server.call('POST', `${api}/gerrit-events`, { ...byHand, changeId: '9' })).status, 404);
  const bad = await server.call('POST', `${api}/gerrit-triggers`, {
    ...{ project: 'Tito', name: 'bad', listener: 'reviews', gerritProject: 'tito' },
    configurations: [{ eventType: 'comment-added', pipeline: 'P' }],
  });
  assert.match(bad.body.message, /`configurations.0.eventType`/);
});
