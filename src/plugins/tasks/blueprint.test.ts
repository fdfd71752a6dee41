import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../../../test/eventually.ts';
import { gitHost } from '../../../test/git-host.ts';
import { create, machineWith, openCloud, remove, update } from '../../../test/machines.ts';
import { type Answer, pipelineAround, TestServer } from '../../../test/server.ts';

const rollback = 'Back: {type: Blueprint, input: {action: RollbackDeployment, deploymentName: site}}';
const site = (value: string) =>
  machineWith('write_files:', `- {path: /opt/value, content: "${value} \${input.value}"}`)
    .replace(
      'resources:',
      'inputs: {value: {type: string, default: one}, count: {type: integer, default: 1}}\nresources:',
    )
    .replace('      image: plain', '      count: ${input.count}\n      image: plain');

const deployments = (server: TestServer): Promise<Answer['body'][]> =>
  server
    .call('GET', '/deployment/api/deployments')
    .then(({ body }) =>
      Promise.all(
        body.content.map(({ id }: { id: string }) => server.call('GET', `/deployment/api/deployments/${id}`)),
      ),
    )
    .then((answers) => answers.map(({ body }) => body));
const machines = async (server: TestServer): Promise<string[]> =>
  (await deployments(server)).flatMap(({ resources }) => resources.map(({ name }: { name: string }) => name)).sort();
const inputsOf = async (server: TestServer) => (await deployments(server))[0].inputs;

test('a rollback goes back to the inputs and machines of before, step by step, and then has nowhere to go', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site('v1'));
  await server.runTasks(create('{count: 1}'));
  await server.runTasks(update('{count: 2, value: two}'));
  await server.runTasks(update('{count: 3}'));
  assert.equal((await machines(server)).length, 3);

  assert.equal((await server.runTasks(rollback)).status, 'COMPLETED');
  assert.deepEqual(await machines(server), ['m[0]', 'm[1]']);
  assert.deepEqual(await inputsOf(server), { value: 'two', count: 2 });
  await server.runTasks(rollback);
  assert.deepEqual(await inputsOf(server), { value: 'one', count: 1 });

  assert.equal(
    (await server.runTasks(rollback)).statusMessage,
    'S.Back: Deployment site has no earlier state to go back to: UPDATE_SUCCESSFUL.',
  );
});

test('after an update that failed, a rollback mends what that update broke', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site('v1'));
  await server.runTasks(create());
  await server.import(`${machineWith('runcmd: ["exit 3"]').replace('  m:', '  n:')}`);
  assert.match((await server.runTasks(update('{}', ', allowDestroy: true'))).statusMessage, /ended with 3/);

  const execution = await server.runTasks(rollback);
  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual(await machines(server), ['m[0]']);
});

test('who cancels a run calls off the request that its task waits for, and the next one makes it good', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith('runcmd: ["sleep 300"]'));
  await server.import(pipelineAround(create()));
  const { body } = await server.call('POST', '/codestream/api/pipelines/Tito/P/executions', { input: {} });
  const path = `/codestream/api/executions/${body.executionId}`;
  const [asked] = await eventually(async () => {
    const found = await deployments(server);
    assert.equal(found[0]?.status, 'CREATE_INPROGRESS');
    assert.equal((await server.call('GET', path)).body.stages.S.tasks.Create.status, 'RUNNING');
    return found;
  });

  await server.call('POST', `${path}?action=cancel`, {});
  await eventually(async () => {
    assert.equal((await server.call('GET', path)).body.status, 'CANCELED');
    const { content } = (await server.call('GET', `/deployment/api/deployments/${asked.id}/requests`)).body;
    assert.deepEqual([content[0].status, content[0].cancelable], ['ABORTED', false]);
  });

  await server.import(machineWith('runcmd: ["true"]'));
  const repaired = await server.runTasks(update('{}', ', allowDestroy: true'));
  assert.equal(repaired.status, 'COMPLETED', repaired.statusMessage);
  assert.deepEqual(await machines(server), ['m']);
});

test('of two updates at once one is done, and the other says that the deployment is busy', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site('v1'));
  await server.runTasks(create());
  const both = ['A', 'B'].map((name) => update('{count: 2}').replace('Update:', `${name}:`)).join('\n');
  await server.import(pipelineAround(both).replace('    tasks:', "    taskOrder: ['A,B']\n    tasks:"));
  const { tasks } = (await server.run('P')).stages.S;
  const [done, refused] = [tasks.A, tasks.B].sort((a, b) => a.status.localeCompare(b.status));

  assert.deepEqual([done.status, refused.status], ['COMPLETED', 'FAILED']);
  assert.match(refused.statusMessage, /^Deployment site (is|was) busy/);
  assert.deepEqual(await machines(server), ['m[0]', 'm[1]']);
});

test('a named version of a blueprint is deployed, whatever its draft says now', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site('v1'));
  const { body: listed } = await server.call('GET', '/blueprint/api/blueprints');
  const path = `/blueprint/api/blueprints/${listed.content[0].id}/versions`;
  const made = await server.call('POST', path, { version: '1', description: 'First', release: true });
  assert.deepEqual([made.status, made.body.version, made.body.status], [201, '1', 'RELEASED'], made.text);
  await server.import(site('v2').replace('count: ${input.count}', 'count: 2'));

  const versioned = (version: string) => create().replace('blueprint: Site', `blueprint: Site, version: "${version}"`);
  assert.equal((await server.runTasks(versioned('1'))).status, 'COMPLETED');
  assert.deepEqual(await machines(server), ['m[0]']);
  await server.runTasks(remove);
  assert.match((await server.runTasks(versioned('2'))).statusMessage, /Blueprint Site has no version 2\.$/);
});

test('a blueprint is fetched from a repository by branch, tag or commit, with a login that nobody sees', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site('unused'));
  const host = await gitHost(t);
  const first = host.commit({ 'tito/site.yaml': site('first') });
  host.git('tag', 'v1');
  host.commit({ 'tito/site.yaml': site('second').replace('count: ${input.count}', 'count: 2') });
  await server.import(endpoint(host.url));
  const from = async (version: string) => {
    const execution = await server.runTasks(`${fetching(version)}\n${remove}`);
    assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
    assert.ok(!JSON.stringify(execution).includes('s3cret'));
    const { output } = execution.stages.S.tasks.Create;
    return Object.keys(output.deploymentDetails.resources);
  };

  assert.deepEqual(await from(''), ['m[0]', 'm', 'm[1]']);
  assert.deepEqual(await from('v1'), ['m[0]', 'm']);
  assert.deepEqual(await from(first), ['m[0]', 'm']);
});

test('an update without a blueprint keeps the one that came from a repository', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site('unused'));
  const host = await gitHost(t);
  host.commit({ 'tito/site.yaml': site('first') });
  await server.import(endpoint(host.url));
  await server.runTasks(fetching(''));
  const execution = await server.runTasks(
    'Update: {type: Blueprint, input: {action: UpdateDeployment, deploymentName: site, parameters: {count: 2}}}',
  );

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual(await machines(server), ['m[0]', 'm[1]']);
});

test('what cannot be fetched is said in one sentence, and a link out of the repository is no file of it', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site('unused'));
  const host = await gitHost(t);
  symlinkSync('/etc/passwd', join(host.directory, 'passwd'));
  host.commit({ 'tito/site.yaml': 'resources: {m: {type: 7, properties: [}}' });
  const message = async (task: string) => (await server.runTasks(task)).statusMessage;

  await server.import(endpoint(host.url));
  assert.match(await message(fetching('')), /^S.Create: Blueprint tito\/site.yaml has errors: 1:\d+: /);
  assert.match(await message(fetching('', 'no.yaml')), /Endpoint repo: there is no file no.yaml in main of its rep/);
  assert.match(await message(fetching('', 'passwd')), /Blueprint passwd has errors/);
  assert.match(await message(fetching('', '../../../etc/passwd')), /there is no file/);
  assert.match(await message(fetching('v9')), /Endpoint repo: v9 of its repository could not be fetched/);
  await server.import(endpoint(host.url, 'wrong'));
  const refused = await server.runTasks(fetching(''));
  assert.match(refused.statusMessage, /main of its repository could not be fetched; the log/);
  assert.match(await server.log(refused.id, 'S.Create'), /could not read Username|Authentication failed/);
  await server.import(endpoint('file:///etc'));
  assert.match(await message(fetching('')), /files cannot be fetched from its `repoURL`, which begins with file:/);
  assert.match(
    await message(fetching('').replace('endpoints: {gitServer: repo}, ', '')),
    /`filepath: tito\/site.yaml` needs a repository: name its endpoint as `gitServer` of the task/,
  );
});

const endpoint = (url: string, password = 's3cret') =>
  `{project: Tito, kind: ENDPOINT, name: repo, type: git, properties: {repoURL: "${url}", branch: main, userName: ci, password: ${password}}}`;
const fetching = (version: string, path = 'tito/site.yaml') =>
  `Create: {type: Blueprint, endpoints: {gitServer: repo}, input: {action: CreateDeployment, deploymentName: site, filepath: ${path}, version: "${version}"}}`;
