import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../test/directory.ts';
import { type Ended, millrace } from '../../test/millrace.ts';
import { pipelineAround, TestServer } from '../../test/server.ts';

const tito = join(import.meta.dirname, '../../examples/tito');

/** A server, and a terminal that is signed in to it. */
async function terminal(t: TestContext, options = {}) {
  const server = await TestServer.start(t, options);
  const environment = { MILLRACE_URL: server.url, MILLRACE_TOKEN: server.token };
  return { server, run: (...args: string[]): Promise<Ended> => millrace(args, environment) };
}

const file = (t: TestContext, text: string, name = 'p.yaml'): string => {
  const path = join(temporaryDirectory(t), name);
  writeFileSync(path, text);
  return path;
};

test('validate says of each file what it is and what is wrong with it, and ends with 1 where something is', async (t) => {
  const bad = file(t, pipelineAround('Tell: {type: Nonsense}'));
  const trigger = file(
    t,
    'kind: GERRIT_TRIGGER\nname: T\nlistener: L\ngerritProject: p\nconfigurations:\n- eventType: comment-added\n  pipeline: P\n',
  );
  const [good, wrong, machine, started] = await Promise.all([
    millrace(['validate', tito]),
    millrace(['validate', bad]),
    millrace(['validate', bad, '-o', 'json']),
    millrace(['validate', trigger]),
  ]);

  assert.deepEqual([good.code, good.out.trim().split('\n').at(-1)], [0, '12 files, all valid.']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, new RegExp(`^  ${bad}:9:20: error: Task S.Tell has the unknown type Nonsense`, 'm'));
  assert.match(started.out, new RegExp(`${trigger}:6:14: error: .configurations.0.eventType`));
  assert.deepEqual(JSON.parse(machine.out).summary, { files: 1, valid: 0, invalid: 1 });
});

test('plan shows where everything would go and why, without a server', async () => {
  const inputs = ['--input', 'repository=http://git', '--input', 'revision=abcdef0'];
  const clouds = ['--clouds', join(tito, 'platform.yaml')];
  const [whole, machine, nowhere, missing] = await Promise.all([
    millrace(['plan', join(tito, 'blueprint.yaml'), ...inputs, ...clouds]),
    millrace(['plan', join(tito, 'blueprint.yaml'), ...inputs, ...clouds, '-o', 'json']),
    millrace(['plan', join(tito, 'blueprint.yaml'), ...inputs]),
    millrace(['plan', join(tito, 'blueprint.yaml'), ...clouds]),
  ]);

  assert.equal(whole.code, 0);
  assert.match(whole.out, /^web -> local-fast: local-fast meets tier:web:hard, disk:fast:soft/m);
  assert.match(whole.out, /local-data: no, it lacks the tag tier:web/);
  assert.equal(JSON.parse(machine.out).possible, true);
  assert.deepEqual([nowhere.code, missing.code], [1, 1]);
  assert.match(nowhere.err, /blueprint.yaml:39:3: error: .*the project has no cloud zone/);
  assert.match(missing.err, /blueprint.yaml:6:3: error: Input repository has neither a value nor a default/);
});

test('a wrong command line ends with 2 and says how it goes', async () => {
  const [unknown, lacking, wrong, port, dns] = await Promise.all([
    millrace(['rum']),
    millrace(['validate']),
    millrace(['run', 'P', '--input', 'x']),
    millrace(['serve', '--port', 'abc']),
    millrace(['serve', '--dns', 'here']),
  ]);

  assert.deepEqual([unknown.code, lacking.code, wrong.code, port.code, dns.code], [2, 2, 2, 2, 2]);
  assert.match(dns.err, /"here" is not of the form address:port/);
  assert.match(unknown.err, /unknown command 'rum'/);
  assert.match(wrong.err, /"x" is not of the form name=value/);
});

test('who is not signed in, or whose server is away, ends with 3 and a hint', async (t) => {
  const directory = temporaryDirectory(t);
  const [stranger, away] = await Promise.all([
    millrace(['list', 'pipelines'], { MILLRACE_CONFIG: join(directory, 'none') }),
    millrace(['list', 'pipelines'], { MILLRACE_URL: 'http://127.0.0.1:1', MILLRACE_TOKEN: 'x' }),
  ]);

  assert.deepEqual([stranger.code, away.code], [3, 3]);
  assert.match(stranger.err, /You are not signed in[\s\S]*millrace login URL/);
  assert.match(away.err, /The server at http:\/\/127.0.0.1:1 does not answer/);
});

test('login asks for the password, remembers a token that only its owner can read, and no password', async (t) => {
  const server = await TestServer.start(t);
  const session = join(temporaryDirectory(t), 'session.json');
  const done = await millrace(
    ['login', server.url, '--user', 'admin'],
    { MILLRACE_CONFIG: session },
    'admin password\n',
  );

  assert.equal(done.code, 0, done.err);
  assert.equal(statSync(session).mode & 0o777, 0o600);
  assert.ok(!readFileSync(session, 'utf8').includes('admin password'));
  assert.equal((await millrace(['list', 'pipelines'], { MILLRACE_CONFIG: session })).out, 'No pipelines.\n');
  assert.equal(
    (await millrace(['login', server.url, '--user', 'admin'], { MILLRACE_CONFIG: session }, 'wrong\n')).code,
    1,
  );
});

test('a pipeline is imported, run and followed to its end, whose state is the exit code', async (t) => {
  const { run } = await terminal(t);
  const path = file(
    t,
    pipelineAround('Check: {type: Condition, input: {condition: \'"${input.who}" == "ann"\'}}', 'input: {who: ""}'),
  );
  assert.equal((await run('import', path)).out, '✔ PIPELINE P: created\n');

  const [good, bad] = await Promise.all([
    run('run', 'P', '--input', 'who=ann', '--follow'),
    run('run', 'P', '--follow', '-o', 'json'),
  ]);
  assert.deepEqual([good.code, bad.code], [0, 1]);
  assert.match(good.out, /✔ Check completed in/);
  assert.match(good.out, /✔ COMPLETED in/);
  assert.equal(JSON.parse(bad.out).status, 'FAILED');
});

test('a bad file is refused by import with its line, and ends with 1', async (t) => {
  const { run } = await terminal(t);
  const done = await run('import', file(t, pipelineAround('Tell: {type: Nonsense}')), join(tito, 'blueprint.yaml'));

  assert.equal(done.code, 1);
  assert.match(done.out, /✘ PIPELINE P: failed. .*9:20: Task S.Tell has the unknown type Nonsense/);
  assert.match(done.out, /✔ BLUEPRINT Tito: created/);
});

test('a question is approved or rejected from the terminal, and a followed run tells how', async (t) => {
  const { server, run } = await terminal(t);
  await server.import(pipelineAround('Ask: {type: UserOperation, input: {approvers: [admin], summary: Go on?}}'));
  assert.match((await run('approve')).err, /No question is open/);

  const answered = async (verb: string) => {
    const id = await server.begin('P');
    await server.until(id, ({ type }) => type === 'task-waiting');
    const followed = run('follow', id);
    assert.equal((await run(verb, '--comment', 'Because.')).code, 0);
    return followed;
  };
  const approved = await answered('approve');
  assert.deepEqual([approved.code, /\? Ask: Go on\? \(millrace approve/.test(approved.out)], [0, true]);
  const rejected = await answered('reject');
  assert.equal(rejected.code, 4);
  assert.match(rejected.out, /rejected by admin. Because./);
});

test('a cancelled run ends with 4, and runs again', async (t) => {
  const { server, run } = await terminal(t);
  await server.import(pipelineAround('Ask: {type: UserOperation, input: {approvers: [admin], summary: Go on?}}'));
  const id = await server.begin('P');
  await server.until(id, ({ type }) => type === 'task-waiting');
  const followed = run('follow', id);
  assert.match((await run('cancel', id, '--reason', 'Enough.')).out, /P #1: CANCELED/);
  assert.equal((await followed).code, 4);
  assert.match((await run('rerun', id)).out, /Started #2/);
});

test('what there is can be listed, shown, exported and read in logs', async (t) => {
  const { server, run } = await terminal(t);
  const written = pipelineAround(
    "Build: {type: CI, input: {steps: ['echo hello']}}",
    'workspace: {type: PROCESS, endpoint: "", image: ""}',
  );
  await server.import(written);
  const { id } = await server.run('P');
  const [list, failed, one, exported, log, unknown] = await Promise.all([
    run('list', 'executions'),
    run('list', 'executions', '--filter', "status eq 'FAILED'"),
    run('get', 'pipeline', 'P', '-o', 'json'),
    run('export', 'P'),
    run('logs', id, 'S.Build'),
    run('get', 'pipeline', 'nothing'),
  ]);

  assert.match(list.out, new RegExp(`${id}  P +1 +COMPLETED`));
  assert.equal(failed.out, 'No executions.\n');
  assert.equal(JSON.parse(one.out).name, 'P');
  assert.equal(exported.out, `---\n${written}`);
  assert.match(log.out, /^hello$/m);
  assert.deepEqual([unknown.code, unknown.err.split('\n')[0]], [1, 'There is no pipeline nothing.']);
});

test('deploy shows what it would do, asks unless told not to, and follows it to its end', async (t) => {
  const { server, run } = await terminal(t, { cloud: true });
  await server.import(
    '{kind: CLOUD_ZONE, name: here, accountType: local, images: {plain: {}}, flavors: {small: {memoryMb: 128}}}',
  );
  const blueprint = (label: string, image = 'plain') =>
    file(
      t,
      `resources:\n  m: {type: Cloud.Machine, properties: {image: ${image}, flavor: small, label: ${label}}}\noutputs: {at: {value: "\${resource.m.address}"}}`,
      'shop.yaml',
    );
  const deploy = (path: string, ...more: string[]) => run('deploy', path, '--project', 'Tito', ...more);

  const planned = await deploy(blueprint('a'), '--plan');
  assert.equal(planned.code, 0, planned.err);
  assert.match(planned.out, /^m -> here: here suits\.\n\n\+ create m {2}m does not exist yet\.$/m);
  const unasked = await deploy(blueprint('a'));
  assert.equal(unasked.code, 1);
  assert.match(unasked.err, /Nobody is here to agree/);
  const made = await deploy(blueprint('a'), '--yes');
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /✔ create m\n✔ CREATE_SUCCESSFUL\n {2}at: 127\./);
  const changed = await deploy(blueprint('b'), '--yes');
  assert.match(changed.out, /~ update m {2}m changes: label\.\n {4}label: a -> b\n/);
  assert.match((await deploy(blueprint('b'), '--yes')).out, /= update m {2}m stays as it is\.\n$/);
  const refused = await deploy(blueprint('b', 'windows'), '--yes');
  assert.deepEqual([refused.code, /no mapping for image windows/.test(refused.err)], [1, true]);

  const offers = await run('act', 'shop', '--resource', 'm');
  assert.match(offers.out, /✔ {2}Cloud\.Machine\.PowerOff +Switches the machine off/);
  assert.equal((await run('act', 'shop', 'PowerOff', '--resource', 'm')).code, 0);
  assert.match((await run('act', 'shop', 'PowerOff', '--resource', 'm')).err, /it is switched off/);
  assert.deepEqual(await run('drift', 'shop').then(({ code, out }) => [code, out]), [
    0,
    'Everything is as it was left.\n',
  ]);
  assert.equal((await run('act', 'shop', 'Delete')).code, 0);
  assert.match((await run('act', 'shop', 'Delete')).err, /There is no deployment shop/);
});
