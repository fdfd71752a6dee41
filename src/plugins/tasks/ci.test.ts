import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pipelineAround, TestServer } from '../../../test/server.ts';

const process = 'workspace: {type: PROCESS, endpoint: "", image: "", environmentVariables: {STAGE: it\'s prod}}';

test('CI runs its steps as one script in a workspace that its tasks share, and puts out variables and artifacts', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(
    `One: {type: CI, input: {steps: ['echo "$STAGE" > file', 'export SAID="a \\"quoted\\" \\\\ word"', 'export EMPTY='], export: [SAID, EMPTY, NEVER], artifacts: [file]}}
Two: {type: CI, input: {steps: ['cat file']}}`,
    process,
  );
  const { One } = execution.stages.S.tasks;

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual(One.output.exports, { SAID: 'a "quoted" \\ word', EMPTY: '', NEVER: null });
  assert.match(One.output.artifacts[0], /\/artifacts\/file$/);
  assert.match(await server.log(execution.id, 'S.Two'), /^it's prod$/m);
});

test('a failing step ends CI with its exit code', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(
    "Build: {type: CI, input: {steps: ['echo one', '(exit 7)', 'echo never']}}",
    process,
  );

  assert.equal(execution.statusMessage, 'S.Build: The steps ended with exit code 7.');
  assert.doesNotMatch(await server.log(execution.id, 'S.Build'), /^never/m);
});

test('CI that is killed says by which signal', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks("Build: {type: CI, input: {steps: ['kill -KILL $$']}}", process);

  assert.equal(execution.statusMessage, 'S.Build: The steps ended with exit code 137 (SIGKILL).');
});

test('a workspace that is a plain process is refused unless the server allows it', async (t) => {
  const server = await TestServer.start(t, { allowProcessWorkspace: false });

  assert.match(
    (await server.runTasks("Build: {type: CI, input: {steps: ['true']}}", process)).statusMessage,
    /does not allow that. Start it with --allow-process-workspace/,
  );
  assert.match(
    (await server.runTasks("Build: {type: CI, input: {steps: ['true']}}")).statusMessage,
    /workspace names no `endpoint` of a Docker host, or no `image`/,
  );
});

test('CI steps stand in a clone of what was pushed where the pipeline wants that', async (t) => {
  const server = await TestServer.start(t);
  const repository = join(server.directory, 'tito.git');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { stdio: 'pipe' });
  git('init', '-q', '-b', 'main', repository);
  writeFileSync(join(repository, 'hello.txt'), 'from the repository\n');
  git('-C', repository, 'add', '-A');
  git('-C', repository, 'commit', '-q', '-m', 'x');
  await server.import(
    pipelineAround(
      "One: {type: CI, input: {steps: ['cat hello.txt']}}\nTwo: {type: CI, input: {steps: ['cat hello.txt']}}",
      'workspace: {type: PROCESS, endpoint: "", image: "", autoCloneForTrigger: true}\ninput: {GIT_BRANCH_NAME: "", GIT_REPO_HTTP_URL: ""}',
    ),
  );
  const execution = await server.run('P', { GIT_BRANCH_NAME: 'main', GIT_REPO_HTTP_URL: repository });

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.match(await server.log(execution.id, 'S.Two'), /^from the repository$/m);
});

test('CI reads the reports of its steps, whether these end well or not', async (t) => {
  const server = await TestServer.start(t);
  const suite =
    "import {test} from 'node:test'; test('adds', () => {}); test('divides', () => { throw new Error('by zero'); });";
  const execution = await server.runTasks(
    `Test:
  type: CI
  input:
    steps:
    - mkdir -p a/reports "b c/reports"
    - cat > a/suite.test.mjs <<'END'
    - ${JSON.stringify(suite)}
    - END
    - node --test --test-reporter=junit --test-reporter-destination=a/reports/one.xml a/suite.test.mjs || code=$?
    - cp a/reports/one.xml "b c/reports/two.xml"
    - exit $code
    process:
    - {type: JUNIT, name: all, path: '**/reports/*.xml'}
    - {type: junit, path: b c/reports/two.xml}
    - {type: Checkstyle, name: style, path: no/such/file.xml}
    - {type: JaCoCo, name: wrong, path: a/reports/*.xml}`,
    process,
  );
  const { output } = execution.stages.S.tasks.Test;

  assert.deepEqual(
    ['tests', 'failures', 'errors', 'skipped'].map((figure) => output.process.all[figure]),
    [4, 2, 0, 0],
  );
  assert.deepEqual(output.process.all.failed[0], { name: 'test.divides', message: 'by zero' });
  assert.equal(output.process.JUnit.tests, 2);
  assert.deepEqual(output.process.style, { type: 'Checkstyle', error: 'there is no file no/such/file.xml' });
  assert.match(output.process.wrong.error, /^a\/reports\/one.xml is no report of JaCoCo: its root is <testsuites>$/);
  assert.match(
    execution.statusMessage,
    /^S.Test: The steps ended with exit code 1. all: 4 tests, 2 failed \(test.divides, test.divides\). JUnit: 2 tests, 1 failed/,
  );
});

test('a condition may judge what reports say', async (t) => {
  const server = await TestServer.start(t);
  const report = '<testsuite><testcase name="a" time="0.5"/><testcase name="b"><skipped/></testcase></testsuite>';
  const execution = await server.runTasks(
    `Test: {type: CI, input: {steps: ["echo '${report.replaceAll('"', '\\"')}' > r.xml"], process: [{type: JUnit, name: unit, path: r.xml}]}}
Gate: {type: Condition, input: {condition: '\${S.Test.output.process.unit.failures} == 0 && \${S.Test.output.process.unit.skipped} < 2'}}`,
    process,
  );

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.equal(execution.stages.S.tasks.Test.statusMessage, 'unit: 2 tests, 0 failed.');
});

test('a kind of report that nobody knows is refused when the pipeline comes in, with its place', async (t) => {
  const server = await TestServer.start(t);
  const { text } = await server.call(
    'POST',
    '/codestream/api/import?action=apply&project=Tito',
    pipelineAround('Test: {type: CI, input: {steps: [make], process: [{type: Coverage, path: x.xml}, {type: JUnit}]}}'),
  );

  assert.match(
    text,
    /9:\d+: .*process.0.type: \\?"Coverage\\?"`: it is no known kind of report; known are JUnit, JaCoCo/,
  );
  assert.match(text, /`process.1.path` is missing/);
});
