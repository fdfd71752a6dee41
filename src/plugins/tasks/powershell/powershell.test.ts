import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowsMachine } from '../../../../test/fakes/winrm.ts';
import { TestServer } from '../../../../test/server.ts';

const yaml = (host: string, more: string) =>
  `W: {type: PowerShell, input: {host: "${host}", username: administrator, password: "p&ss", useTLS: false, trustCert: false, ${more}}}`;

test('a script runs with its arguments and variables, its output is followed, and its response put out', async (t) => {
  const server = await TestServer.start(t);
  const far = await windowsMachine(t, ({ script, arguments: given, environment }) => ({
    output: `ran ${script.length} signs\r\nwith ${given.join('|')} and ${environment.COLOUR}: é\r\n`,
    response: '{"version": 7}',
  }));
  const execution = await server.runTasks(
    yaml(
      far.host,
      `script: "${'Write-Host 1; '.repeat(900)}", arguments: [a b, "<c>"], workingDirectory: 'C:\\work', environmentVariables: {COLOUR: "green & <blue>"}`,
    ),
  );
  const { status, output } = execution.stages.S.tasks.W;

  assert.equal(status, 'COMPLETED', execution.statusMessage);
  assert.deepEqual([output.exitCode, output.response], [0, { version: 7 }]);
  assert.equal(await server.log(execution.id, 'S.W'), 'ran 12600 signs\r\nwith a b|<c> and green & <blue>: é\r\n');
  assert.equal(far.shells.size, 0, 'the shell is let go');
  assert.doesNotMatch(far.lines[0]!, /Write-Host|green|<c>/);
});

test('an exit code fails the task with the words of the original, unless its author passes it by', async (t) => {
  const server = await TestServer.start(t);
  const far = await windowsMachine(t, () => ({ output: 'no\r\n', exitCode: 3 }));
  const failed = await server.runTasks(yaml(far.host, 'script: exit 3'));
  const passed = await server.runTasks(yaml(far.host, 'script: exit 3, continueOnCommandFailure: true'));

  assert.equal(failed.statusMessage, 'S.W: Script execution failed.');
  assert.equal(failed.stages.S.tasks.W.output.exitCode, 3);
  assert.deepEqual([passed.status, passed.stages.S.tasks.W.output.exitCode], ['COMPLETED', 3]);
});

test('a machine that refuses, or is none, is named with what it said', async (t) => {
  const server = await TestServer.start(t);
  const far = await windowsMachine(t, () => ({ output: '' }));
  const wrong = await server.runTasks(yaml(far.host, 'script: a').replace('p&ss', 'wrong'));
  assert.match(
    wrong.statusMessage,
    /^S\.W: 127\.0\.0\.1:\d+: the user name or password is wrong, or the far side does not allow Basic/,
  );
  far.misbehave({ status: 503 });
  assert.match(
    (await server.runTasks(yaml(far.host, 'script: a'))).statusMessage,
    /answered 503 with something that is no SOAP\.$/,
  );
  assert.match((await server.runTasks(yaml('127.0.0.1:1', 'script: a'))).statusMessage, /the connection was refused/);
});
