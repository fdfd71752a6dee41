import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { farSide } from './far-side.ts';
import { create, machineWith, openCloud, remove } from './machines.ts';
import { ServeProcess } from './serve-process.ts';
import { pipelineAround } from './server.ts';

/** A run that was started, and whose server died between an effect and its commit and was started again. */
async function crashed(t: Parameters<typeof ServeProcess.start>[0], point: string, yaml: string) {
  const server = await ServeProcess.start(t, point);
  await server.import(yaml);
  const id = await server.begin('P');
  assert.equal(await server.died, 'SIGKILL');
  await server.start();
  return { server, id };
}

test('a call that may have come through is not repeated until a person says so', async (t) => {
  const far = await farSide(t, () => ({}));
  const { server, id } = await crashed(
    t,
    'S.Call:started',
    pipelineAround(`Call: {type: REST, input: {action: post, url: "${far.url}"}}`),
  );
  await server.until(id, 'task-waiting');
  const question = await server.openQuestion();

  assert.equal(far.calls.length, 1);
  assert.match(String(question.summary), /May S.Call be repeated\?/);
  await server.json('PATCH', `/codestream/api/user-operations/${String(question.id)}`, { status: 'APPROVED' });
  assert.equal((await server.until(id, 'execution-ended')).status, 'COMPLETED');
  assert.equal(far.calls.length, 2);
});

test('a call that its task calls repeatable is repeated by itself, with the same key', async (t) => {
  const far = await farSide(t, () => ({}));
  const { server, id } = await crashed(
    t,
    'S.Call:started',
    pipelineAround(`Call: {type: REST, millrace: {repeat: true}, input: {action: post, url: "${far.url}"}}`),
  );

  assert.equal((await server.until(id, 'execution-ended')).status, 'COMPLETED');
  assert.deepEqual(new Set(far.calls.map(({ headers }) => headers['idempotency-key'])).size, 1);
});

test('a job whose start was not recorded is found, and not started twice', async (t) => {
  const { server, id } = await crashed(
    t,
    'S.Build:started',
    pipelineAround(
      "Build: {type: CI, input: {steps: ['echo ran >> ../../ran', 'sleep 0.5']}}",
      'workspace: {type: PROCESS, endpoint: "", image: ""}',
    ),
  );

  assert.equal((await server.until(id, 'execution-ended')).status, 'COMPLETED');
  assert.equal(readFileSync(join(server.directory, 'jobs', 'ran'), 'utf8'), 'ran\n');
});

test('a machine whose making was not recorded is found, and not made twice; one whose removal was not is gone', async (t) => {
  const server = await ServeProcess.start(t, 'create m:started|delete m:started');
  await openCloud(server, machineWith());
  await server.import(pipelineAround(create()));
  const making = await server.begin('P');
  assert.equal(await server.died, 'SIGKILL');
  await server.start('create m:started|delete m:started');
  assert.equal((await server.until(making, 'execution-ended')).status, 'COMPLETED');
  assert.equal(readdirSync(join(server.directory, 'site')).length, 1);

  await server.import(pipelineAround(remove));
  const removing = await server.begin('P');
  assert.equal(await server.died, 'SIGKILL');
  await server.start();
  assert.equal((await server.until(removing, 'execution-ended')).status, 'COMPLETED');
  assert.deepEqual(readdirSync(join(server.directory, 'site')), []);
});

test('a second server on the same data is refused, and the first goes on', async (t) => {
  const server = await ServeProcess.start(t, '');

  await assert.rejects(server.start(), /ended before it was ready/);
  assert.ok(await server.json('GET', '/codestream/api/pipelines'));
});
