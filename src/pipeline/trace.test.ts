import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rehearsal } from '../../test/pipelines.ts';
import { spansOf } from './trace.ts';

const pipeline = `
name: Release
stages:
  Build: {tasks: {Compile: {type: CI, input: {steps: [make]}}}}
  Deploy: {tasks: {Switch: {type: REST, input: {action: get, url: 'http://x'}}}}
`;

function failed(given = {}): Rehearsal {
  const run = new Rehearsal(pipeline, given);
  run.succeed('Build.Compile');
  run.fail('Deploy.Switch', 'the name server refused');
  return run;
}

test('a run is a trace, with a span for each stage and task below it', () => {
  const spans = spansOf(failed().state);
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));

  assert.deepEqual(
    spans.map(({ name, parentSpanId }) => [name, names.get(parentSpanId ?? '')]),
    [
      ['Release #1', undefined],
      ['Build', 'Release #1'],
      ['Build.Compile', 'Build'],
      ['Deploy', 'Release #1'],
      ['Deploy.Switch', 'Deploy'],
    ],
  );
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
});

test('a span says when, how it ended and why', () => {
  const span = spansOf(failed().state).at(-1)!;

  assert.deepEqual([span.startTimeUnixNano, span.endTimeUnixNano], ['2000000000', '3000000000']);
  assert.deepEqual(span.status, { code: 2, message: 'the name server refused' });
  assert.ok(span.attributes.some(({ key, value }) => key === 'millrace.task.type' && 'stringValue' in value));
});

test('the same run gives the same ids, so that sending it again is no second trace', () => {
  assert.deepEqual(spansOf(failed().state), spansOf(failed().state));
});

test('a nested run is below the task that asked for it, in the trace of the outermost', () => {
  const outer = spansOf(failed().state);
  const parent = { execution: 'run-1', key: 'run-1/Deploy.Switch/1', pipelines: ['pipeline-1'], as: 'nested' as const };
  const [inner] = spansOf(failed({ execution: 'run-2', root: 'run-1', parent }).state);

  assert.equal(inner!.traceId, outer[0]!.traceId);
  assert.equal(inner!.parentSpanId, outer.find(({ name }) => name === 'Deploy.Switch')!.spanId);
});

test('a run that a push has started is linked to the push, and to the trace of whoever sent it', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const input = { GIT_BRANCH_NAME: 'main', GIT_COMMIT_ID: 'c0ffee' };
  const [push, run] = spansOf(failed({ cause: { push: 'event-7', traceparent }, input }).state);

  assert.equal(push!.name, 'push to main');
  assert.deepEqual(run!.links, [
    { traceId: push!.traceId, spanId: push!.spanId },
    { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
  ]);
  assert.notEqual(push!.traceId, run!.traceId);
});
