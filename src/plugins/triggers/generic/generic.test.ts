import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipelineAround, TestServer } from '../../../../test/server.ts';
import { generic } from './generic.ts';

const verdict = (body: object, config: object, headers: Record<string, string> = {}) =>
  generic.match(generic.read(headers, Buffer.from(JSON.stringify(body))), generic.config.parse(config));
const event = { alert: { state: 'firing', labels: [{ name: 'cpu' }], 'odd key': 7 }, user: { name: 'ann' } };

test('inputs are taken from where the mapping says, whatever they are', () => {
  const mapping = {
    STATE: 'body.alert.state',
    LABEL: 'body.alert.labels[0].name',
    ODD: 'body.alert["odd key"]',
    ALL: 'body.user',
    FROM: 'headers.x-from',
  };
  assert.deepEqual(verdict(event, { mapping, author: 'body.user.name' }, { 'x-from': 'monitor' }), {
    fire: {
      author: 'ann',
      tags: [],
      input: { STATE: 'firing', LABEL: 'cpu', ODD: '7', ALL: '{"name":"ann"}', FROM: 'monitor' },
    },
  });
});

test('a condition, or a value that is not there, keeps the pipeline from running, and says so', () => {
  assert.deepEqual(verdict(event, { condition: 'body.alert.state == "resolved"' }), {
    ignore: 'The condition does not hold: body.alert.state == "resolved"',
  });
  assert.ok('fire' in verdict(event, { condition: 'body.alert.state == "firing" && body.user.name != "bob"' }));
  assert.deepEqual(verdict(event, { mapping: { A: 'body.none.x' } }), {
    ignore: 'There is no body.none.x, which the input A is taken from.',
  });
  assert.throws(() => generic.config.parse({ condition: 'a ==' }), /the condition cannot be read/);
});

test('a post starts its pipeline, and whoever does not know the secret starts nothing', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround('Tell: {type: Condition, input: {condition: "true"}}', 'input: {STATE: ""}'));
  const hook = {
    project: 'Tito',
    name: 'alerts',
    pipeline: 'P',
    mapping: { STATE: 'body.alert.state' },
    secretToken: 's3cret',
  };
  const { body: made } = await server.call('POST', '/codestream/api/generic-webhooks', hook);
  const listener = new URL(made.externalListenerLink).pathname;

  assert.equal((await server.call('POST', listener, event, '')).status, 401);
  const taken = await server.call('POST', `${listener}?secret=s3cret`, event, '');
  assert.equal(taken.body.executionStatus, 'STARTED', taken.text);
  assert.equal((await server.ended(taken.body.executionLink.split('/').at(-1))).input.STATE, 'firing');
  assert.equal((await server.call('POST', `${listener}?secret=s3cret`, 'no json', '')).status, 400);
  const refused = await server.call('POST', '/codestream/api/generic-webhooks', {
    ...hook,
    name: 'b',
    condition: '==',
  });
  assert.match(refused.body.message, /`condition`: the condition cannot be read/);
});
