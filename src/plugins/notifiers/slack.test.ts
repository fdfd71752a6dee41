import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestServer } from '../../../test/server.ts';
import type { JsonObject } from '../../core/json.ts';
import { type SlackReceiver, startSlackReceiver } from '../../demo/receivers.ts';
import { openHttp } from '../../host/http.ts';
import { slack } from './slack.ts';

const http = openHttp(() => undefined);

async function receiver(t: { after(fn: () => unknown): void }): Promise<SlackReceiver> {
  const started = await startSlackReceiver();
  t.after(() => started.close());
  return started;
}

const send = (receiver: SlackReceiver, thread: JsonObject | null, given: object = {}) =>
  slack.send(
    {
      key: 'k1',
      kind: 'started',
      title: 'Release #1',
      text: 'Release #1 started',
      status: 'STARTED',
      link: 'http://millrace',
      thread,
      isRepeat: false,
      ...given,
    },
    { channel: '#releases' },
    { name: 'slack', type: 'slack', properties: { url: receiver.url, token: receiver.token } },
    http,
  );

test('a run is one thread: its first message, and a reply for what follows', async (t) => {
  const far = await receiver(t);
  const thread = await send(far, null);
  await send(far, thread, { key: 'k2', kind: 'task', status: 'COMPLETED', text: 'Build.Deploy: COMPLETED' });

  assert.deepEqual(
    far.messages.map(({ text, thread: of, colour }) => [text, of, colour]),
    [
      ['Release #1 started', undefined, '#439fe0'],
      ['Build.Deploy: COMPLETED', thread.ts, 'good'],
    ],
  );
});

test('the first message takes the colour of the end', async (t) => {
  const far = await receiver(t);
  const thread = await send(far, null);
  await send(far, thread, { key: 'k2', kind: 'ended', status: 'FAILED', text: 'Release #1 FAILED' });

  assert.deepEqual([far.messages[0]?.colour, far.messages[0]?.updates], ['danger', 1]);
});

test('a message whose answer was lost is found again, and not sent twice', async (t) => {
  const far = await receiver(t);
  far.trouble.push({ method: 'chat.postMessage', times: 1, loseAnswer: true });
  await assert.rejects(send(far, null));
  const thread = await send(far, null, { isRepeat: true });

  assert.deepEqual([far.messages.length, far.messages[0]?.ts], [1, thread.ts]);
  far.trouble.push({ method: 'chat.postMessage', times: 1, loseAnswer: true });
  await assert.rejects(send(far, thread, { key: 'k2', kind: 'task' }));
  await send(far, thread, { key: 'k2', kind: 'task', isRepeat: true });
  assert.equal(far.messages.length, 2);
});

test('what Slack refuses is named, for HTTP 200 does not mean that it was taken', async (t) => {
  const far = await receiver(t);

  await assert.rejects(send({ ...far, token: 'wrong' }, null), /Slack refused chat.postMessage: invalid_auth/);
});

test('marks of the markup in a message are escaped', async (t) => {
  const far = await receiver(t);
  await send(far, null, { text: 'a <b> & c' });

  assert.equal(far.messages[0]?.text, 'a &lt;b&gt; &amp; c');
});

test('a receiver in trouble gets every message once in the end, and never holds up or fails a run', async (t) => {
  const server = await TestServer.start(t);
  const far = await receiver(t);
  far.trouble.push(
    { method: 'chat.postMessage', times: 1, loseAnswer: true },
    { method: 'chat.postMessage', times: 1, status: 429 },
  );
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: team, type: slack, properties: {url: "${far.url}", token: ${far.token}}}`,
  );
  const execution = await server.runTasks(
    'Tell: {type: Condition, input: {condition: "true"}}',
    'millrace: {notifications: [{type: slack, endpoint: team, channel: "#releases"}]}',
  );
  assert.equal(execution.status, 'COMPLETED');

  for (let wait = 0; !far.messages[0]?.updates && wait < 2000; wait++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    far.messages.map(({ text }) => text),
    ['P #1 COMPLETED: Execution Completed.', 'S.Tell: COMPLETED', 'P #1 COMPLETED: Execution Completed.'],
  );
  assert.deepEqual(new Set(far.messages.slice(1).map(({ thread }) => thread)), new Set([far.messages[0]?.ts]));
});
