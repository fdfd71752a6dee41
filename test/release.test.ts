import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { JsonObject } from '../src/core/json.ts';
import { executionOf } from '../src/demo/client.ts';
import { releases } from '../src/demo/repository.ts';
import { type Stage, setStage } from '../src/demo/stage.ts';

/** The demo's stage with a light load test, so that two machines are enough and nobody is asked. */
async function stageFor(t: TestContext): Promise<Stage> {
  const stage = await setStage({
    root: join(import.meta.dirname, '..'),
    node: process.execPath,
    profile: 'process',
    crashAt: '',
    interrupted: new Promise<never>(() => undefined),
    heardMetrics: () => undefined,
    say: () => undefined,
  });
  t.after(() => stage.strike());
  const hook = await stage.client.json('GET', '/codestream/api/git-webhooks/Tito/tito%20pushes');
  await stage.client.json('PUT', `/codestream/api/git-webhooks/${String(hook.id)}`, {
    ...hook,
    input: { users: '2', load_seconds: '0.5' },
  });
  return stage;
}

async function release({ client, repository }: Stage): Promise<JsonObject> {
  const id = await executionOf(client, repository.push(releases[0]!));
  const stop = new AbortController();
  for await (const { data } of client.events(`/api/events?execution=${id}`, '0', stop.signal)) {
    if (data.type === 'execution-ended') break;
  }
  stop.abort();
  return client.json('GET', `/codestream/api/executions/${id}`);
}

test('a release whose name server refuses says so, removes what it made, and leaves the name as it was', async (t) => {
  const stage = await stageFor(t);
  await stage.client.text(
    'POST',
    '/codestream/api/import?action=apply&project=Tito',
    '{project: Tito, kind: VARIABLE, name: dns key, type: SECRET, value: wrong-key}',
  );
  const execution = await release(stage);
  const stages = execution.stages as Record<string, { tasks: Record<string, { status: string; output: JsonObject }> }>;

  assert.deepEqual([execution.status, stages['Clean up']!.tasks['Remove site']!.status], ['FAILED', 'COMPLETED']);
  assert.match(
    String(execution.statusMessage),
    /^Release.Switched: .*The answer says: The name server refused GET: 401/,
  );
  const { content } = await stage.client.json('GET', '/deployment/api/deployments');
  assert.deepEqual(
    (content as { name: string }[]).map(({ name }) => name),
    ['tito-runner'],
  );
  const resolver = new Resolver();
  resolver.setServers([stage.nameServer]);
  await assert.rejects(resolver.resolve4('tito.example'), { code: 'ENOTFOUND' });
});
