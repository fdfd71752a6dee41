import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { kubernetesCluster } from '../../../test/fakes/kubernetes.ts';
import { gitHost } from '../../../test/git-host.ts';
import { TestServer } from '../../../test/server.ts';
import { openHttp } from '../../host/http.ts';
import type { TaskContext } from '../../sdk/task.ts';
import { readManifest, withConstants } from '../kubernetes/manifest.ts';
import { readinessOf } from '../kubernetes/readiness.ts';
import { kubernetes } from './kubernetes.ts';

const web = (version: string, replicas = 2, labels = '') => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web${labels}}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:${version}"}]}
`;
const service = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, ports: [{port: 80}], selector: {app: web}}
`;
const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n';

async function start(t: TestContext, looks = 2) {
  const server = await TestServer.start(t);
  const cluster = await kubernetesCluster(t, { token: 'cluster token', looks });
  await server.import(
    `project: Tito\nkind: ENDPOINT\nname: cluster\ntype: k8s\nproperties: {kubernetesURL: "${cluster.url}", authType: token, token: cluster token}\n`,
  );
  const run = (action: string, yaml: string, more = '') =>
    server.runTasks(
      `K: {type: K8S, endpoints: {kubernetesServer: cluster}, input: {action: ${action}, timeout: 1, yaml: ${JSON.stringify(yaml)}${more}}}`,
    );
  return {
    server,
    cluster,
    run,
    outputOf: (execution: Awaited<ReturnType<typeof run>>) => execution.stages.S.tasks.K.output,
  };
}

test('objects are applied in their order, waited for, and put out by kind and name', async (t) => {
  const { cluster, run, outputOf } = await start(t);
  const execution = await run('APPLY', [namespace, web('1'), service].join('---'));

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  const { response } = outputOf(execution);
  assert.equal(response.deployments.web.spec.replicas, 2);
  assert.equal(response.deployments.web.metadata.managedFields, undefined);
  assert.equal(response.loadBalancers.web.ingress[0].ip, '10.0.0.9');
  assert.equal(response.namespaces.shop.status.phase, 'Active');
  assert.deepEqual(response.failures, []);
  assert.deepEqual(cluster.writes, ['PATCH namespaces/shop', 'PATCH deployments/web', 'PATCH services/web']);
});

test('what the cluster refuses fails the task with its words; the other objects are made', async (t) => {
  const { cluster, run, outputOf } = await start(t);
  const execution = await run(
    'CREATE',
    `${namespace}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nodd: 1\n`,
  );

  assert.equal(execution.statusMessage, 'S.K: ConfigMap c: strict decoding error: unknown field "odd".');
  assert.equal(outputOf(execution).response.failures[0].code, 400);
  assert.ok(cluster.at('namespaces//shop'));
});

test('creating what is there fails, unless conflicts may be passed by', async (t) => {
  const { run } = await start(t);
  await run('CREATE', namespace);
  const again = await run('CREATE', namespace);
  const passed = await run('CREATE', namespace, ', continueOnConflict: "true"');

  assert.equal(again.statusMessage, 'S.K: Namespace shop: namespaces "shop" already exists.');
  assert.equal(passed.status, 'COMPLETED');
});

test('a create whose answer was lost is known again by its key, and another key meets a conflict', async (t) => {
  const cluster = await kubernetesCluster(t, { token: 'cluster token' });
  const http = openHttp(() => undefined);
  const start = (key: string) => {
    const endpoint = {
      name: 'cluster',
      type: 'k8s',
      properties: { kubernetesURL: cluster.url, token: 'cluster token' },
    };
    const log = { offset: async () => 0, append: async () => undefined };
    const context = { key, now: 0, http, log, endpoint: () => endpoint } as unknown as TaskContext;
    return kubernetes.start(kubernetes.input.parse({ action: 'CREATE', yaml: namespace }), context);
  };
  cluster.misbehave({ method: 'POST', loses: true });
  await assert.rejects(start('run/S.K/1'), /the connection was cut/);

  assert.ok('done' in (await start('run/S.K/1')));
  const other = await start('run/S.K/2');
  assert.match('failed' in other ? other.failed : '', /namespaces "shop" already exists/);
  assert.deepEqual(cluster.writes, ['POST namespaces/shop']);
});

test('deleting waits until all is gone, in the reverse order; what is not there is no failure', async (t) => {
  const { cluster, run } = await start(t);
  await run('APPLY', [namespace, web('1'), service].join('---'));
  cluster.writes.length = 0;
  const execution = await run('DELETE', [web('1'), service].join('---'));

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual(cluster.writes, ['DELETE services/web', 'DELETE deployments/web']);
  assert.equal(cluster.at('deployments/shop/web'), undefined);
  assert.equal((await run('DELETE', service)).status, 'COMPLETED');
});

test('a rollback gives a deployment the form that it had before', async (t) => {
  const { cluster, server, run } = await start(t);
  await run('APPLY', namespace);
  await run('APPLY', web('1'));
  await run('APPLY', web('2'));
  const back = (revision: string) =>
    server.runTasks(
      `K: {type: K8S, endpoints: {kubernetesServer: cluster}, input: {action: ROLLBACK, resourceType: Deployments, resourceName: web, namespace: shop, revision: ${revision}}}`,
    );
  const done = await back('n-1');
  assert.equal(done.status, 'COMPLETED', done.statusMessage);

  const image = JSON.stringify(cluster.at('deployments/shop/web')).match(/web:\d/)?.[0];
  assert.equal(image, 'web:1');
  assert.match(
    (await back('n-7')).statusMessage,
    /Deployment shop\/web: there is no revision n-7: the cluster remembers 2\.$/,
  );
});

test('a workload that is stuck fails with the reason, and one that is slow when its time is over', async (t) => {
  const { run } = await start(t);
  await run('APPLY', namespace);
  const stuck = await run('APPLY', web('1', 2, ', fate: stuck'));
  assert.equal(stuck.statusMessage, 'S.K: Deployment web: it has made no progress.');
  const slow = await run('APPLY', web('3'), ', timeout: 0');
  assert.match(slow.statusMessage, /^S\.K: Not ready within 0 min: Deployment shop\/web: the cluster has not looked/);
});

test('a wrong token, and text that holds no object, are said in words', async (t) => {
  const { server, run } = await start(t);
  assert.equal(
    (await run('APPLY', 'kind: Pod\n')).statusMessage,
    'S.K: The objects cannot be read: 1:1: the object has no `apiVersion`.',
  );
  await server.call('PUT', '/codestream/api/endpoints/Tito/cluster', {
    type: 'k8s',
    properties: {
      kubernetesURL: (await server.call('GET', '/codestream/api/endpoints/Tito/cluster')).body.properties.kubernetesURL,
      token: 'wrong',
    },
  });
  assert.match((await run('APPLY', namespace)).statusMessage, /Namespace shop: .*Unauthorized/);
});

test('objects come from a file of a repository, with constants in their places', async (t) => {
  const { server, cluster } = await start(t);
  const git = await gitHost(t);
  git.commit({
    'deploy/app.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {version: "$${VERSION}", kept: "${HOME}"}\n',
  });
  await server.import(
    `project: Tito\nkind: ENDPOINT\nname: code\ntype: git\nproperties: {repoURL: "${git.url}", branch: main, userName: ci, password: s3cret}\n`,
  );
  const run = (filePath: string) =>
    server.runTasks(
      `K: {type: K8S, endpoints: {kubernetesServer: cluster, scm: code}, input: {action: APPLY, filePath: ${filePath}, scmConstants: {VERSION: "7"}, yaml: ''}}`,
    );
  const done = await run('deploy/app.yaml');
  assert.equal(done.status, 'COMPLETED', done.statusMessage);
  assert.deepEqual(cluster.at('configmaps/default/app')!.data, { version: '7', kept: '${HOME}' });
  assert.equal(
    (await run('none.yaml')).statusMessage,
    'S.K: Endpoint code: there is no file none.yaml in the branch of its repository.',
  );
});

test('constants of a file from a repository take their places, and lists are taken apart', () => {
  assert.equal(
    withConstants('image: $${IMAGE}:$${ TAG } ${var.x} $${other}', { IMAGE: 'web', TAG: '2' }),
    'image: web:2 ${var.x} $${other}',
  );
  const { objects, faults } = readManifest(
    'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {kind: Pod}\n',
  );
  assert.deepEqual([objects.length, faults], [1, ['1:1: the object has no `apiVersion`.']]);
});

test('each kind is ready when its controller says so', () => {
  const is = (object: object) => readinessOf(object as never).is;
  assert.equal(is({ kind: 'ConfigMap' }), 'ready');
  assert.equal(is({ kind: 'Pod', status: { phase: 'Failed' } }), 'failed');
  assert.equal(
    is({ kind: 'Pod', status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } }),
    'waiting',
  );
  assert.equal(is({ kind: 'Job', status: { conditions: [{ type: 'Failed', status: 'True' }] } }), 'failed');
  assert.equal(is({ kind: 'StatefulSet', metadata: { generation: 2 }, status: { observedGeneration: 1 } }), 'waiting');
  assert.equal(
    is({
      kind: 'DaemonSet',
      metadata: {},
      status: { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 },
    }),
    'waiting',
  );
});
