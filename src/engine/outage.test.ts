import assert from 'node:assert/strict';
import { test } from 'node:test';
import { farSide } from '../../test/far-side.ts';
import { pipelineAround, TestServer } from '../../test/server.ts';
import { MillraceError } from '../core/error.ts';

test('a database that goes away while a task starts fails no task', async (t) => {
  let isAway = false;
  const server = await TestServer.start(t, {
    cloud: true,
    watch(call, [kind]) {
      if (!isAway || call !== 'find' || kind !== 'deployment-name') return;
      isAway = false;
      throw new MillraceError('storage.unreachable', { message: 'The database does not answer.' });
    },
  });
  await server.import('{kind: CLOUD_ZONE, name: here}\n---\nname: Net\nresources: {n: {type: Cloud.Network}}');
  await server.import(
    pipelineAround('Create: {type: Blueprint, input: {action: CreateDeployment, deploymentName: d, blueprint: Net}}'),
  );
  isAway = true;
  const { status, statusMessage } = await server.run('P');

  assert.equal(status, 'COMPLETED', statusMessage);
  assert.equal(isAway, false, 'it was never asked');
});

test('a message that was still on its way when its sender failed is not sent again', async (t) => {
  const sent: { key: string; ts: string }[] = [];
  const arrive = ({ metadata }: { metadata: { event_payload: { key: string } } }) =>
    sent.push({ key: metadata.event_payload.key, ts: `${sent.length}.0` });
  let isFirst = true;
  const slack = await farSide(t, ({ path, body }) => {
    const given = JSON.parse(body);
    if (path.endsWith('conversations.history') || path.endsWith('conversations.replies')) {
      const messages = sent.map(({ key, ts }) => ({
        ts,
        metadata: { event_type: 'millrace_notice', event_payload: { key } },
      }));
      return { body: JSON.stringify({ ok: true, channel: 'C1', messages }) };
    }
    if (path.endsWith('chat.update')) return { body: '{"ok":true}' };
    if (isFirst) {
      isFirst = false;
      setTimeout(() => arrive(given), 1500);
      return { cut: true };
    }
    arrive(given);
    return { body: JSON.stringify({ ok: true, channel: 'C1', ts: sent.at(-1)!.ts }) };
  });
  const server = await TestServer.start(t);
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: team, type: slack, properties: {url: "${slack.url}", token: x}}`,
  );
  const told = 'millrace: {notifications: [{type: slack, endpoint: team, channel: "#releases"}]}';
  await server.runTasks("T: {type: Condition, input: {condition: 'true'}}", told);
  while (sent.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));

  assert.equal(new Set(sent.map(({ key }) => key)).size, 3);
});
