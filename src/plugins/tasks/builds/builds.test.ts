import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { bambooServer } from '../../../../test/fakes/bamboo.ts';
import { jenkinsServer } from '../../../../test/fakes/jenkins.ts';
import { orchestrator } from '../../../../test/fakes/orchestrator.ts';
import { tfsServer } from '../../../../test/fakes/tfs.ts';
import { TestServer } from '../../../../test/server.ts';
import type { Json } from '../../../core/json.ts';
import type { StartOutcome, TaskContext } from '../../../sdk/task.ts';
import { bamboo } from './bamboo.ts';
import { jenkins, jobPath, marker } from './jenkins.ts';
import { tfs } from './tfs.ts';

const login = 'username: ci, password: api token, pollInterval: 1';
async function around(t: TestContext, type: string, role: string, properties: string) {
  const server = await TestServer.start(t);
  await server.import(`project: Tito\nkind: ENDPOINT\nname: builds\ntype: ${type}\nproperties: {${properties}}\n`);
  const yaml = (input: string) => `B: {type: ${words[type]}, endpoints: {${role}: builds}, input: ${input}}`;
  return {
    server,
    yaml,
    run: async (input: string) => server.runTasks(yaml(input)),
  };
}
const words: Record<string, string> = { jenkins: 'Jenkins', bamboo: 'Bamboo', tfs: 'TFS', vro: 'vRO' };

/** Only what a start uses: a repeated one cannot be had by waiting for a crash. */
const repeated = (url: string, properties: Record<string, string>, key: string, isRepeat: boolean): TaskContext =>
  ({
    key,
    isRepeat,
    http: async ({
      method,
      url: address,
      headers,
      body,
    }: {
      method: string;
      url: string;
      headers: Record<string, string>;
      body: string;
    }) => {
      const answer = await fetch(address, { method, headers, ...(body ? { body } : {}), redirect: 'manual' });
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
    },
    endpoint: () => ({ name: 'builds', type: '', properties: { url, ...properties } }),
    log: { offset: async () => 0, append: async () => undefined },
  }) as unknown as TaskContext;
const waitsFor = (outcome: StartOutcome): Record<string, unknown> => {
  assert.ok('wait' in outcome);
  return outcome.wait as Record<string, unknown>;
};

test('Jenkins: a job in a folder is run, its log followed, its tests counted', async (t) => {
  const far = await jenkinsServer(t, {
    '/job/team/job/tito': { parameters: ['BRANCH'], tests: { passCount: 4, failCount: 0, skipCount: 1 } },
  });
  const { server, run } = await around(t, 'jenkins', 'jenkinsServer', `url: "${far.url}", ${login}`);
  const execution = await run('{job: tito, jobFolder: /job/team, parameters: {BRANCH: main, OTHER: x}}');

  const { output } = execution.stages.S.tasks.B;
  assert.deepEqual([output.buildId, output.job, output.jobResults.result], [1, 'tito', 'SUCCESS']);
  assert.equal(output.buildUrl, `${far.url}/job/team/job/tito/1/`);
  assert.deepEqual(output.tests, { passed: 4, failed: 0, skipped: 1 });
  assert.deepEqual(far.builds.get('/job/team/job/tito')![0]!.parameters, { BRANCH: 'main' });
  assert.equal(
    await server.log(execution.id, 'S.B'),
    'The job does not define OTHER; Jenkins ignores it.\nStarted by Millrace\nBuilding <é>\nFinished\n',
  );
});

test('Jenkins: a build that ends badly, a job that is not there and one that is disabled fail in words', async (t) => {
  const far = await jenkinsServer(t, {
    '/job/bad': { parameters: [], ends: 'UNSTABLE' },
    '/job/off': { parameters: [], buildable: false },
  });
  const { run } = await around(t, 'jenkins', 'jenkinsServer', `url: "${far.url}", ${login}`);

  assert.equal((await run('{job: bad}')).statusMessage, 'S.B: Build #1 of bad ended as UNSTABLE.');
  assert.equal((await run('{job: off}')).statusMessage, 'S.B: The job off is disabled, or is a folder.');
  assert.match(
    (await run('{job: none}')).statusMessage,
    /Endpoint builds: GET \/job\/none\/api\/json answered 404 \(there is nothing of this name\)/,
  );
});

test('Jenkins: a password gets a crumb, and uses it in its session', async (t) => {
  const far = await jenkinsServer(
    t,
    { '/job/a': { parameters: [] } },
    { user: 'ci', password: 'api token', isToken: false },
  );
  const { run } = await around(t, 'jenkins', 'jenkinsServer', `url: "${far.url}", ${login}`);

  assert.equal((await run('{job: a}')).status, 'COMPLETED');
});

test('Jenkins: a start that is repeated finds its build by the marker, and asks people where a job has none', async (t) => {
  const far = await jenkinsServer(t, { '/job/a': { parameters: [marker] }, '/job/b': { parameters: [] } });
  const properties = { username: 'ci', password: 'api token' };
  const start = (job: string, isRepeat: boolean) =>
    jenkins.start(
      { job, jobFolder: '', parameters: {} } as never,
      repeated(far.url, properties, 'run/S.B/1', isRepeat),
    );

  assert.equal(waitsFor(await start('a', false)).queue, 1);
  assert.equal(waitsFor(await start('a', true)).queue, 1, 'it still waits');
  far.queue[0]!.looks = 5;
  await fetch(`${far.url}/queue/item/1/api/json`, {
    headers: { authorization: `Basic ${Buffer.from('ci:api token').toString('base64')}` },
  });
  assert.equal(waitsFor(await start('a', true)).build, 1, 'it is built');
  assert.equal(far.queue.length, 1);
  assert.deepEqual(await start('b', true), { uncertain: true });
});

test('Jenkins: a canceled task takes its request back, or stops its build', async (t) => {
  const far = await jenkinsServer(t, { '/job/a': { parameters: [] } });
  const context = repeated(far.url, { username: 'ci', password: 'api token' }, 'run/S.B/1', false);
  const given = { job: 'a', jobFolder: '', parameters: {} };
  await jenkins.cancel!(waitsFor(await jenkins.start(given, context)) as Json, given, context);
  assert.equal(far.queue[0]!.gone, true);

  let ticket = waitsFor(await jenkins.start(given, context));
  while (ticket.build === null) ticket = waitsFor(await jenkins.poll!(ticket as Json, given, context));
  await jenkins.cancel!(ticket as Json, given, context);
  assert.equal(far.builds.get('/job/a')![0]!.stopped, true);
});

test('Jenkins: paths of jobs are written as people write them', () => {
  assert.equal(jobPath('', '', 'tito'), '/job/tito');
  assert.equal(jobPath('/job/team', '', 'a/b'), '/job/team/job/a/job/b');
  assert.equal(jobPath(undefined, '/job/x/job/y', 'release 1'), '/job/x/job/y/job/release%201');
  assert.equal(jobPath('', 'app', 'feature%2Fx'), '/job/app/job/feature%252Fx');
});

test('Bamboo: a plan is run with variables, and the logs of its jobs come', async (t) => {
  const far = await bambooServer(t, 'token', { 'TITO-MAIN': {}, 'TITO-BAD': { ends: 'Failed' } });
  const { server, run } = await around(
    t,
    'bamboo',
    'bambooServer',
    `url: "${far.url}", password: token, pollInterval: 1`,
  );
  const execution = await run('{project: TITO, plan: MAIN, variables: {branch: main}}');

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.equal(far.builds[0]!.variables.branch, 'main');
  assert.deepEqual(execution.stages.S.tasks.B.output.tests, { passed: 3, failed: 1, skipped: 0 });
  assert.equal(await server.log(execution.id, 'S.B'), 'simple\tbuilding TITO-MAIN-JOB1 1\n');
  assert.equal((await run('{planKey: TITO-BAD}')).statusMessage, 'S.B: Build TITO-BAD-2 ended as Failed.');
  assert.match((await run('{planKey: TITO-NONE}')).statusMessage, /answered 404 .*: Plan TITO-NONE not found\./);
});

test('Bamboo: a start that is repeated finds its build by its variable', async (t) => {
  const far = await bambooServer(t, 'token', { 'TITO-MAIN': {} });
  const given = { project: '', plan: '', planKey: 'TITO-MAIN', variables: {}, parameters: {} };
  const start = (key: string, isRepeat: boolean) =>
    bamboo.start(given, repeated(far.url, { password: 'token' }, key, isRepeat));

  assert.equal(waitsFor(await start('a', false)).result, 'TITO-MAIN-1');
  assert.equal(waitsFor(await start('a', true)).result, 'TITO-MAIN-1');
  assert.equal(waitsFor(await start('b', true)).result, 'TITO-MAIN-2', 'nothing had come through');
});

test('TFS: a definition is built by its number or its name', async (t) => {
  const far = await tfsServer(t, { 7: { name: 'Tito CI' }, 8: { name: 'Bad', ends: 'partiallySucceeded' } });
  const { server, run } = await around(
    t,
    'tfs',
    'tfsServer',
    `url: "${far.url}", username: ci, password: secret, pollInterval: 1`,
  );
  const execution = await run('{teamProject: Tito, buildDefinitionId: 7, parameters: {a: "1"}}');

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.equal(JSON.parse(far.builds[0]!.parameters).a, '1');
  assert.deepEqual(execution.stages.S.tasks.B.output, {
    status: 'COMPLETED',
    buildId: 100,
    buildNumber: 'b.100',
    buildUrl: 'https://tfs.invalid/7',
    result: 'succeeded',
  });
  assert.equal(await server.log(execution.id, 'S.B'), 'compiled\n');
  assert.equal(
    (await run('{teamProject: Tito, buildDefinition: Bad}')).statusMessage,
    'S.B: Build b.101 ended as partiallySucceeded.',
  );
  assert.equal(
    (await run('{teamProject: Tito, buildDefinition: None}')).statusMessage,
    'S.B: Tito has no build definition None.',
  );
});

test('TFS: a start that is repeated finds its build by its parameter', async (t) => {
  const far = await tfsServer(t, { 7: { name: 'Tito CI' } });
  const given = {
    projectCollection: '',
    teamProject: 'Tito',
    project: '',
    buildDefinitionId: '7',
    buildDefinition: '',
    sourceBranch: '',
    parameters: {},
  };
  const start = (isRepeat: boolean) =>
    tfs.start(given, repeated(far.url, { username: 'ci', password: 'secret' }, 'a', isRepeat));

  assert.equal(waitsFor(await start(false)).build, 100);
  assert.equal(waitsFor(await start(true)).build, 100);
});

test('vRO: a workflow gets its inputs in their types, and gives its outputs back', async (t) => {
  const far = await orchestrator(t, [
    { id: 'w0', name: 'Lower all', inputs: {}, run: () => ({ outputs: [] }) },
    {
      id: 'w1',
      name: 'Lower',
      inputs: { text: 'string', times: 'number', loud: 'boolean', vm: 'VC:VirtualMachine', list: 'Array/string' },
      run: () => ({
        outputs: [
          { name: 'result', type: 'string', value: { string: { value: 'tito' } } },
          {
            name: 'all',
            type: 'Array/number',
            value: { array: { elements: [{ number: { value: 1 } }, { number: { value: 2 } }] } },
          },
        ],
      }),
    },
    {
      id: 'w2',
      name: 'Break',
      inputs: {},
      run: () => ({ exception: 'no such host (Workflow:Break / Scriptable task)' }),
    },
  ]);
  const { server, run } = await around(t, 'vro', 'vroServer', `url: "${far.url}", username: ci, password: secret`);
  const execution = await run(
    '{workflowName: Lower, parameters: {text: TITO, times: "2", loud: "true", vm: vm-7, list: [a, b]}}',
  );

  assert.deepEqual(execution.stages.S.tasks.B.output.properties, { result: 'tito', all: [1, 2] });
  assert.deepEqual(far.runs[0]!.inputs.times, { number: { value: 2 } });
  assert.deepEqual(far.runs[0]!.inputs.vm, { 'sdk-object': { type: 'VC:VirtualMachine', id: 'vm-7' } });
  assert.equal(await server.log(execution.id, 'S.B'), 'it ran\n');
  assert.equal(
    (await run('{workflowID: w2}')).statusMessage,
    'S.B: The workflow failed: no such host (Workflow:Break / Scriptable task).',
  );
  assert.equal(
    (await run('{workflowName: Lower, parameters: {tex: a}}')).statusMessage,
    'S.B: The workflow has no input tex; it has text, times, loud, vm, list.',
  );
  assert.equal((await run('{workflowName: None}')).statusMessage, 'S.B: The server has no workflow None.');
});
