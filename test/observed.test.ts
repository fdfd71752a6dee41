import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collector } from './fakes/collector.ts';
import { farSide } from './far-side.ts';
import { newDatabase, withoutPostgres } from './postgres/database.ts';
import { ServeProcess } from './serve-process.ts';
import { pipelineAround, TestServer } from './server.ts';

const check = pipelineAround('Check: {type: Condition, input: {condition: "true"}}');

test('a run arrives at a collector as one trace, also when that was away', async (t) => {
  const collected = await collector(t);
  const server = await ServeProcess.start(t, '', { environment: collected.environment });
  await server.import(check);
  collected.refuse(1);
  await server.until(await server.begin('P'), 'execution-ended');
  while (collected.spans.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));

  assert.deepEqual(collected.refused, []);
  assert.deepEqual(
    collected.spans.map(({ name }) => name),
    ['P #1', 'S', 'S.Check'],
  );
});

test('the log tells of a run with its id and its trace, in lines of JSON', async (t) => {
  const server = await ServeProcess.start(t, '');
  await server.import(check);
  const run = await server.begin('P');
  await server.tells(/A run has ended/);
  const lines = server.told
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

  assert.deepEqual(
    lines.filter(({ execution }) => execution === run).map(({ level, message, status }) => [level, message, status]),
    [
      ['info', 'A run has started.', undefined],
      ['info', 'A run has ended.', 'COMPLETED'],
    ],
  );
  assert.match(lines.at(-1).trace, /^[0-9a-f]{32}$/);
});

test('Prometheus finds runs, tasks, requests and the state of the store, with a token', async (t) => {
  const server = await TestServer.start(t);
  await server.runTasks('Check: {type: Condition, input: {condition: "1 == 2"}}');
  const { text, headers } = await server.call('GET', '/metrics');

  assert.match(headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^millrace_runs_ended_total\{project="Tito",pipeline="P",status="FAILED"\} 1$/m);
  assert.match(text, /^millrace_tasks_ended_total\{type="Condition",status="FAILED"\} 1$/m);
  assert.match(text, /^millrace_http_request_duration_seconds_count\{method="POST",route=".*",status="202"\} 1$/m);
  assert.match(text, /^millrace_store_up 1$/m);
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
  assert.equal((await server.call('GET', '/metrics', undefined, '')).status, 401);
});

test('a server that is told to stop hands over what it does, at once', { skip: withoutPostgres }, async (t) => {
  const { url, drop } = await newDatabase();
  t.after(drop);
  const far = await farSide(t, () => ({ hold: true }));
  const one = await ServeProcess.start(t, '', { environment: { DATABASE_URL: url } });
  const other = await ServeProcess.start(t, '', { beside: one });
  await one.import(pipelineAround(`Call: {type: REST, input: {action: get, url: "${far.url}"}}`));
  const run = await one.begin('P');
  await far.atLeast(1);
  one.signal('SIGTERM');
  await far.atLeast(2);
  assert.equal(await one.ended, 0);
  far.answerHeld();

  assert.equal((await other.until(run, 'execution-ended')).status, 'COMPLETED');
  assert.doesNotMatch(other.told, /A node has died/);
});
