import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { docker, testEngine, withoutEngine } from '../../../test/containers.ts';
import { pipelineAround, TestServer } from '../../../test/server.ts';
import { startEngine } from '../../demo/engine.ts';
import { openContainer } from './docker.ts';

const image = 'localhost/millrace-machine';
const label = 'io.millrace.workspace';
const workspaces = async (): Promise<string[]> =>
  (await docker().listContainers({ all: true, filters: { label: [label] } })).map(({ Names }) => Names[0]!);

/** Makes a file in the one workspace that there is. */
async function touch(path: string): Promise<void> {
  const [container] = await docker().listContainers({ filters: { label: [label] } });
  const exec = await docker()
    .getContainer(container!.Id)
    .exec({ Cmd: ['touch', path], AttachStdout: true });
  const stream = await exec.start({ hijack: true, stdin: false });
  await new Promise((resolve) => stream.resume().on('close', resolve));
}

async function start(t: TestContext, engine = testEngine) {
  const server = await TestServer.start(t, { allowProcessWorkspace: false });
  t.after(async () => {
    for (const { Id } of await docker().listContainers({ all: true, filters: { label: [label] } }))
      await docker().getContainer(Id).remove({ force: true, v: true });
    for (const { Name } of (await docker().listVolumes({})).Volumes ?? [])
      if (Name.startsWith('millrace-')) await docker().getVolume(Name).remove();
  });
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: engine, type: docker, properties: {url: "${engine}"}}\n---\n{project: Tito, kind: VARIABLE, name: pass, type: SECRET, value: s3cret-value}`,
  );
  return server;
}
const workspace = (more = '') =>
  `workspace: {type: DOCKER, endpoint: engine, image: ${image}, path: '', cache: [/cache], environmentVariables: {STAGE: "it's prod", PASS: "\${var.pass}", --dns: 1.1.1.1}, limits: {cpu: 1.0, memory: 512}${more}}`;

test('CI works in a container that the tasks of a run share, and that is gone when the run has ended', {
  skip: withoutEngine,
}, async (t) => {
  const server = await start(t);
  const execution = await server.runTasks(
    `One: {type: CI, input: {steps: ['pwd; id -u; hostname > name', 'echo "$STAGE" > file', 'export SAID="a \\"word\\""', 'echo "$PASS"', 'printf "<testsuite><testcase name=\\"a\\"/></testsuite>" > r.xml'], export: [SAID, NEVER], artifacts: [file], process: [{type: JUnit, name: unit, path: r.xml}]}}
Two: {type: CI, input: {steps: ['cat file; [ "$(cat name)" = "$(hostname)" ]']}}
Three: {type: CI, ignoreFailure: true, input: {steps: ['echo before', '(exit 7)', 'echo never']}}`,
    workspace(),
  );
  const { One, Three } = execution.stages.S.tasks;

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual(One.output.exports, { SAID: 'a "word"', NEVER: null });
  assert.equal(One.output.process.unit.tests, 1);
  assert.match(One.output.artifacts[0], /\/artifacts\/file$/);
  const log = await server.log(execution.id, 'S.One');
  assert.match(log, /^Container with id [0-9a-f]{12} is created from localhost\/millrace-machine\.\n/);
  assert.match(log, /^\/build$/m);
  assert.doesNotMatch(log, /s3cret-value/);
  assert.match(await server.log(execution.id, 'S.Two'), /^it's prod$/m);
  assert.equal(Three.statusMessage, 'The steps ended with exit code 7.');
  while ((await workspaces()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
});

test('a cache is kept from run to run, and custom integrations run in the container', {
  skip: withoutEngine,
}, async (t) => {
  const server = await start(t);
  await server.import(
    'kind: CUSTOM_INTEGRATION\nname: shout\nversion: "1.0"\nruntime: python3\ncode: |\n  from context import getInput, setOutput\n  import os\n  setOutput("loud", getInput("word").upper() + str(os.path.exists("/cache")))\noutputProperties: [{name: loud, type: label, title: Loud}]\n',
  );
  await server.import(
    pipelineAround(
      "Keep: {type: CI, input: {steps: ['echo x >> /cache/runs', 'export RUNS=$(wc -l < /cache/runs)'], export: [RUNS]}}\nShout: {type: Custom, input: {name: shout, version: '1.0', properties: {word: hey}}}",
      workspace(),
    ),
  );
  const [first, second] = [await server.run('P'), await server.run('P')];

  assert.equal(first.status, 'COMPLETED', first.statusMessage);
  assert.deepEqual(
    [first, second].map(({ stages }) => stages.S.tasks.Keep.output.exports.RUNS.trim()),
    ['1', '2'],
  );
  assert.deepEqual(first.stages.S.tasks.Shout.output.properties, { loud: 'HEYTrue' });
});

/** A run whose step waits for a file in its workspace. */
async function beginToWait(server: TestServer): Promise<string> {
  await server.import(
    pipelineAround(
      "Slow: {type: CI, input: {steps: ['echo began >> /cache/began', 'until [ -e /cache/go ]; do sleep 0.1; done', 'cat /cache/began']}}",
      workspace(),
    ),
  );
  const id = await server.begin('P');
  await server.until(id, ({ type }) => type === 'task-running');
  return id;
}

async function assertGoesOn(server: TestServer, id: string): Promise<void> {
  const ended = await server.ended(id);
  assert.equal(ended.status, 'COMPLETED', ended.statusMessage);
  assert.equal((await server.log(id, 'S.Slow')).match(/^began$/gm)?.length, 1, 'its step ran once');
}

test('steps go on while the server is away, and are found again', { skip: withoutEngine }, async (t) => {
  const server = await start(t);
  const id = await beginToWait(server);
  await server.stop();
  await touch('/cache/go');
  await server.start();

  await assertGoesOn(server, id);
});

test('an engine that goes away in the middle of a step and comes back loses nothing', {
  skip: withoutEngine,
}, async (t) => {
  const own = await startEngine();
  t.after(() => own.stop());
  const server = await start(t, own.address);
  const id = await beginToWait(server);
  own.kill();
  await touch('/cache/go');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await own.serve();

  await assertGoesOn(server, id);
});

test('a canceled task ends in its container, and an engine or an image that is not there is named', {
  skip: withoutEngine,
}, async (t) => {
  const server = await start(t);
  await server.import(pipelineAround("Slow: {type: CI, input: {steps: ['sleep 600']}}", workspace()));
  const id = await server.begin('P');
  await server.until(id, ({ type }) => type === 'task-running');
  await server.call('POST', `/codestream/api/executions/${id}?action=cancel`, {});
  assert.equal((await server.ended(id)).status, 'CANCELED');
  while ((await workspaces()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));

  const ci = "A: {type: CI, input: {steps: ['true']}}";
  const missing = await server.runTasks(ci, workspace().replace(image, 'localhost:1/none'));
  assert.match(missing.statusMessage, /^S\.A: Endpoint engine: the image localhost:1\/none cannot be pulled: /);
  await server.call('PUT', '/codestream/api/endpoints/Tito/engine', {
    type: 'docker',
    properties: { url: 'unix:///nowhere.sock' },
  });
  assert.match(
    (await server.runTasks(ci, workspace())).statusMessage,
    /^S\.A: Endpoint engine: the engine does not answer: /,
  );
  await server.call('PUT', '/codestream/api/endpoints/Tito/engine', {
    type: 'docker',
    properties: { url: 'somewhere' },
  });
  assert.match(
    (await server.runTasks(ci, workspace())).statusMessage,
    /has the `url` "somewhere", which is no address of a container engine/,
  );
});

test('two that make the same workspace at once make one, and removing twice is removing once', {
  skip: withoutEngine,
}, async (t) => {
  await start(t);
  const spec = {
    ...{
      key: 'workspace/x',
      owner: 'p',
      endpoint: { name: 'engine', type: 'docker', properties: { url: testEngine } },
      registry: undefined,
    },
    ...{
      type: 'DOCKER',
      properties: {},
      image,
      path: '/build',
      cache: [],
      environment: {},
      limits: { cpu: 1, memory: 256 },
    },
  };
  await Promise.all([openContainer(spec).prepare(), openContainer(spec).prepare()]);
  assert.equal((await workspaces()).length, 1);
  const big = Buffer.alloc(3_000_000, 'x');
  const { code, output } = await openContainer(spec).remote('cat | wc -c; exit 3', big);
  assert.deepEqual([code, output.toString().trim()], [3, '3000000']);
  await openContainer(spec).remove();
  await openContainer(spec).remove();
  assert.equal((await workspaces()).length, 0);
});
