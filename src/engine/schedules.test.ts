import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/eventually.ts';
import { pipelineAround, TestServer } from '../../test/server.ts';
import { dueTime } from './schedules.ts';

const tell = 'Tell: {type: Condition, input: {condition: "true"}}';
const at = (text: string) => Date.parse(text);
const schedule = (cron: string, timezone = '') =>
  ({ body: { cron, timezone } }) as unknown as Parameters<typeof dueTime>[0];

test('what was missed is made up for once, by the newest time, and not after a day', () => {
  const due = (cron: string, last: string, now: string) => {
    const time = dueTime(schedule(cron), at(last), at(now));
    return time === undefined ? undefined : new Date(time).toISOString();
  };
  assert.equal(due('*/5 * * * *', '2026-11-26T10:00:00Z', '2026-11-26T10:04:59Z'), undefined);
  assert.equal(due('*/5 * * * *', '2026-11-26T10:00:00Z', '2026-11-26T10:17:00Z'), '2026-11-26T10:15:00.000Z');
  assert.equal(due('0 9 1 * *', '2026-10-15T00:00:00Z', '2026-11-26T10:00:00Z'), undefined);
});

test('a pipeline runs at its time, once', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(tell, 'input: {WHO: ""}'));
  // As if it had been made an hour ago: its time has come.
  const body = {
    project: 'Tito',
    name: 'nightly',
    pipeline: 'P',
    cron: '0 * * * *',
    timezone: 'Europe/Berlin',
    input: { WHO: 'the clock' },
  };
  const made = await server.call('POST', '/codestream/api/schedules', body);
  assert.equal(made.status, 200, made.text);
  await server.change('schedule', made.body.id, (document) => ({
    ...document,
    updatedAt: document.updatedAt - 3_600_000,
  }));
  const shown = async () => (await server.call('GET', '/codestream/api/schedules/Tito/nightly')).body;
  const last = await eventually(async () => {
    const schedule = await shown();
    assert.ok(schedule.lastExecutionLink);
    return schedule;
  });
  const run = await server.ended(last.lastExecutionLink.split('/').at(-1));
  assert.deepEqual(
    [run.input.WHO, run.comments, run._triggeredBy],
    ['the clock', 'Schedule nightly triggered execution', 'nightly'],
  );
  assert.match(last.nextAt, /:00:00\.000Z$/);
  assert.equal((await server.call('GET', '/codestream/api/executions')).body.totalCount, 1);
});

test('a schedule that cannot be read is refused, and one whose pipeline is gone says so', async (t) => {
  const server = await TestServer.start(t);
  const make = (more: object) =>
    server.call('POST', '/codestream/api/schedules', {
      project: 'Tito',
      name: 'a',
      pipeline: 'P',
      cron: '0 9 * * *',
      ...more,
    });
  assert.match((await make({ cron: '99 * * * *' })).body.message, /^Schedule a: /);
  assert.match((await make({ timezone: 'Mars/Olympus' })).body.message, /^Schedule a: /);
  assert.match((await make({ pipeline: '' })).body.message, /`pipeline`/);

  const { body } = await make({ cron: '* * * * *' });
  await server.change('schedule', body.id, (document) => ({ ...document, updatedAt: document.updatedAt - 120_000 }));
  const shown = async () => (await server.call('GET', `/codestream/api/schedules/${body.id}`)).body;
  await eventually(async () => assert.ok((await shown()).lastMessage));
  assert.equal((await shown()).lastMessage, 'There is no pipeline P in project Tito.');
  assert.equal((await server.call('DELETE', `/codestream/api/schedules/${body.id}`)).status, 200);
});
