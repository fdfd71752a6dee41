import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../test/eventually.ts';
import { kubernetesCluster } from '../../../test/fakes/kubernetes.ts';
import { pipelineAround, TestServer } from '../../../test/server.ts';
import type { JsonObject } from '../../core/json.ts';

async function start(t: TestContext) {
  const cluster = await kubernetesCluster(t, { token: 'the-token' });
  const server = await TestServer.start(t, { allowProcessWorkspace: false });
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: cluster, type: k8s, properties: {kubernetesURL: "${cluster.url}", authType: token, token: the-token}}\n---\n{project: Tito, kind: ENDPOINT, name: images, type: dockerregistry, properties: {repoURL: "https://registry.example", username: ci, password: s3cret-value}}`,
  );
  return { server, cluster, pods: () => [...cluster.objects.keys()].filter((key) => key.startsWith('pods/')) };
}
const workspace = (root: string, more = '') =>
  `workspace: {type: K8S, endpoint: cluster, image: alpine, path: "${root}/build", environmentVariables: {STAGE: "it's prod"}, limits: {cpu: 0.5, memory: 256}, customProperties: {namespace: builds}${more}}`;

test('CI works in a pod that the tasks of a run share, in a namespace that is made, and that is gone with the run', async (t) => {
  const { server, cluster } = await start(t);
  const execution = await server.runTasks(
    `One: {type: CI, input: {steps: ['pwd', 'echo "$STAGE" > file', 'export SAID="a \\"word\\""'], export: [SAID], artifacts: [file]}}
Two: {type: CI, input: {steps: ['cat file']}}
Three: {type: CI, ignoreFailure: true, input: {steps: ['echo before', '(exit 7)', 'echo never']}}`,
    workspace(cluster.pods.root, ', registry: images, cache: [/cache]'),
  );
  const { One, Three } = execution.stages.S.tasks;

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual(One.output.exports, { SAID: 'a "word"' });
  const [made, ...others] = execution.workspaceResults;
  assert.deepEqual([made.step, made.status, others], ['Setup Container', 'COMPLETED', []]);
  const log = await server.log(execution.id, 'S.One');
  assert.match(
    log,
    /^Pod millrace-[0-9a-f-]{36} is created in namespace builds from alpine\.\nIts cache lasts as long as this run/,
  );
  assert.match(await server.log(execution.id, 'S.Two'), /^it's prod$/m);
  assert.equal(Three.statusMessage, 'The steps ended with exit code 7.');
  await eventually(async () => assert.equal(cluster.writes.length, 7));
  assert.deepEqual(
    cluster.writes.map((one) => one.replace(/millrace-.*/, 'it')),
    [
      'POST namespaces/builds',
      'POST secrets/it',
      'POST secrets/it',
      'POST pods/it',
      'DELETE pods/it',
      'DELETE secrets/it',
      'DELETE secrets/it',
    ],
  );
});

test('steps go on while the server is away, and a start whose answer was lost is not repeated', async (t) => {
  const { server, cluster } = await start(t);
  const { root } = cluster.pods;
  mkdirSync(join(root, 'build'));
  await server.import(
    pipelineAround(
      `Slow: {type: CI, input: {steps: ['echo began', 'until [ -e ${root}/go ]; do sleep 0.1; done', 'echo ended']}}`,
      workspace(root),
    ),
  );
  cluster.pods.cut();
  const id = await server.begin('P');
  await server.until(id, ({ type }) => type === 'task-running');
  await server.stop();
  writeFileSync(join(root, 'go'), '');
  await server.start();
  const ended = await server.ended(id);
  assert.equal(ended.status, 'COMPLETED', ended.statusMessage);
  assert.equal((await server.log(id, 'S.Slow')).match(/^began$/gm)?.length, 1);
});

test('a canceled task ends in its pod, and what keeps a pod from starting is named', async (t) => {
  const { server, cluster, pods } = await start(t);
  const { root } = cluster.pods;
  await server.import(
    pipelineAround(
      `Slow: {type: CI, input: {steps: ['echo begun > ${root}/begun', 'sleep 600', 'echo over > ${root}/over']}}`,
      workspace(root),
    ),
  );
  const id = await server.begin('P');
  await eventually(async () => assert.ok(existsSync(join(root, 'begun'))));
  await server.call('POST', `/codestream/api/executions/${id}?action=cancel`, {});
  assert.equal((await server.ended(id)).status, 'CANCELED');
  assert.equal(existsSync(join(root, 'over')), false);
  await eventually(async () =>
    assert.deepEqual(
      pods().filter((key) => !isLeaving(key)),
      [],
    ),
  );

  const ci = "A: {type: CI, input: {steps: ['true']}}";
  const missing = await server.runTasks(ci, workspace(root).replace('alpine', 'missing/image'));
  assert.match(
    missing.statusMessage,
    /^S\.A: Endpoint cluster: the pod of missing\/image does not start: ImagePullBackOff: Back-off pulling/,
  );
  await server.call('PUT', '/codestream/api/endpoints/Tito/cluster', {
    type: 'k8s',
    properties: { kubernetesURL: cluster.url, token: 'wrong' },
  });
  assert.match((await server.runTasks(ci, workspace(root))).statusMessage, /^S\.A: Endpoint cluster: .*Unauthorized/);

  function isLeaving(key: string): boolean {
    return (cluster.at(key)!.metadata as JsonObject).deletionTimestamp !== undefined;
  }
});
