import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from './directory.ts';
import { farSide } from './far-side.ts';
import { millrace } from './millrace.ts';
import { startCluster } from './postgres/cluster.ts';
import { databaseOn, newDatabase, withoutPostgres } from './postgres/database.ts';
import { ServeProcess } from './serve-process.ts';
import { pipelineAround } from './server.ts';

const skip = withoutPostgres;
const workspace = 'workspace: {type: PROCESS, endpoint: "", image: ""}';
const callOf = (url: string) => pipelineAround(`Call: {type: REST, input: {action: get, url: "${url}"}}`);
const check = pipelineAround('Check: {type: Condition, input: {condition: "true"}}');

async function database(t: TestContext): Promise<string> {
  const { url, drop } = await newDatabase();
  t.after(drop);
  return url;
}

/** Two servers on one database: on one machine (`shared`), or each with a directory of its own, as on two. */
async function twoNodes(t: TestContext, { shared = false, crashAt = '' } = {}): Promise<[ServeProcess, ServeProcess]> {
  const environment = {
    DATABASE_URL: await database(t),
    MILLRACE_KEY_FILE: join(temporaryDirectory(t), 'master.key'),
  };
  const one = await ServeProcess.start(t, crashAt, { environment });
  return [one, await ServeProcess.start(t, '', shared ? { beside: one } : { environment })];
}

test('what one node is told the other knows: runs, questions, answers, events, logs', { skip }, async (t) => {
  const [one, other] = await twoNodes(t);
  const ask = 'Ask: {type: UserOperation, input: {approvers: [admin], summary: Go on?}}';
  await one.import(pipelineAround(`Build: {type: CI, input: {steps: [echo built]}}\n${ask}`, workspace));
  const run = await other.begin('P');
  await one.until(run, 'task-waiting');
  await one.until(run, 'task-ended');
  assert.equal((await one.json('GET', `/api/executions/${run}/logs?task=S.Build`)).text, '+ echo built\nbuilt\n');
  const { id } = await one.openQuestion();
  const ended = other.until(run, 'execution-ended');
  await one.json('PATCH', `/codestream/api/user-operations/${String(id)}`, { status: 'APPROVED' });

  assert.equal((await ended).status, 'COMPLETED');
});

test('the work of a node that was killed goes on at another machine', { skip }, async (t) => {
  const far = await farSide(t, () => ({ hold: true }));
  const [one, other] = await twoNodes(t);
  await one.import(callOf(far.url));
  const run = await one.begin('P');
  await far.atLeast(1);
  one.signal('SIGKILL');
  await far.atLeast(2);
  far.answerHeld();
  const [first, second] = far.calls.map(({ headers }) => headers['idempotency-key']);

  assert.equal((await other.until(run, 'execution-ended')).status, 'COMPLETED');
  assert.equal(first, second);
  await other.tells(/A node has died; its work is free for others/);
});

test('a job of a node that was killed is found by another of the same machine, not started twice', {
  skip,
}, async (t) => {
  const [one, other] = await twoNodes(t, { shared: true, crashAt: 'S.Build:started' });
  const ledger = join(one.directory, 'ledger');
  const steps = `["echo ran >> ${ledger}; sleep 0.5"]`;
  await other.import(pipelineAround(`Build: {type: CI, input: {steps: ${steps}}}`, workspace));
  const run = await one.begin('P');
  await one.died;

  assert.equal((await other.until(run, 'execution-ended')).status, 'COMPLETED');
  assert.equal(readFileSync(ledger, 'utf8'), 'ran\n');
});

test('a run whose machine has no server says what it waits for, and goes on when one is back', { skip }, async (t) => {
  const [one, other] = await twoNodes(t);
  const steps = 'Build: {type: CI, input: {steps: ["sleep 1"]}}\nThen: {type: CI, input: {steps: ["true"]}}';
  await one.import(pipelineAround(steps, workspace).replace('    tasks:', '    taskOrder: [Build, Then]\n    tasks:'));
  const run = await one.begin('P');
  await one.until(run, 'task-started');
  one.signal('SIGTERM');
  await one.ended;
  const { _waitsFor: waits, status } = await other.json('GET', `/codestream/api/executions/${run}`);
  assert.match(String(waits), /^Its tasks work on the machine .*, where no server runs now/);
  assert.equal(status, 'RUNNING');
  const { content } = await other.json('GET', '/api/nodes');
  assert.equal((content as unknown[]).length, 1);
  await one.start();

  assert.equal((await other.until(run, 'execution-ended')).status, 'COMPLETED');
});

test('a node that hung begins anew when it wakes, and its work was done once, by another', { skip }, async (t) => {
  const far = await farSide(t, () => ({ hold: true }));
  const [one, other] = await twoNodes(t);
  await one.import(callOf(far.url));
  const run = await one.begin('P');
  await far.atLeast(1);
  one.signal('SIGSTOP');
  await far.atLeast(2);
  far.answerHeld();
  const { status } = await other.until(run, 'execution-ended');
  one.signal('SIGCONT');
  await one.tells(/is ready.*is ready/s);
  const events = await one.eventsUntil(run, 'execution-ended');
  await one.import(check);
  const next = await one.until(await one.begin('P'), 'execution-ended');

  assert.deepEqual([status, next.status], ['COMPLETED', 'COMPLETED']);
  assert.equal(events.filter(({ type }) => type === 'task-ended').length, 1);
});

test('a node with another key is refused, since it could not open a secret', { skip }, async (t) => {
  const environment = { DATABASE_URL: await database(t) };
  await ServeProcess.start(t, '', { environment });
  const data = temporaryDirectory(t);
  writeFileSync(join(data, 'master.key'), Buffer.alloc(32, 7).toString('base64'));
  const { code, err } = await millrace(['serve', '--data', data, '--port', '0'], environment);

  assert.equal(code, 3);
  assert.match(err, /The key of this server is not the one .*\n.*master\.key of the first server/);
});

test('a database that dies is waited for, and what was under way ends once', { skip }, async (t) => {
  const cluster = await startCluster({ durable: true });
  t.after(() => cluster.stop());
  const environment = { DATABASE_URL: `${cluster.url}/postgres` };
  assert.equal((await millrace(['db', 'migrate'], environment)).code, 0);
  const far = await farSide(t, (_, count) => ({ hold: count === 1 }));
  const server = await ServeProcess.start(t, '', { environment });
  await server.import(callOf(far.url));
  const run = await server.begin('P');
  await far.atLeast(1);
  cluster.kill();
  far.answerHeld();
  await assert.rejects(server.begin('P'), /The database .* does not answer/);
  cluster.start();
  const events = await server.eventsUntil(run, 'execution-ended');

  assert.equal(events.at(-1)!.status, 'COMPLETED');
  assert.equal(events.filter(({ type }) => type === 'task-ended').length, 1);
});

/** A database on a disk of its own, of 48 MB. */
async function databaseOnSmallDisk(t: TestContext): Promise<{ disk: string; url: string }> {
  const disk = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk]);
  const { url, drop } = await databaseOn(disk);
  t.after(async () => {
    await drop();
    execFileSync('umount', ['--lazy', disk]);
    rmdirSync(disk);
  });
  return { disk, url };
}

const cannotMount = skip ?? (process.getuid?.() === 0 ? undefined : 'only root can mount a disk of its own');
test('a database whose disk is full is said in one sentence, and goes on when there is room', {
  skip: cannotMount,
}, async (t) => {
  const { disk, url } = await databaseOnSmallDisk(t);
  const server = await ServeProcess.start(t, '', { environment: { DATABASE_URL: url } });
  const go = join(server.directory, 'go');
  const steps = [`until test -e ${go}; do sleep 0.05; done`, 'head -c 400000 /dev/urandom | base64 -w 0'];
  await server.import(pipelineAround(`Build: {type: CI, input: {steps: ${JSON.stringify(steps)}}}`, workspace));
  const run = await server.begin('P');
  await server.until(run, 'task-started');
  assert.throws(() => execFileSync('dd', ['if=/dev/zero', `of=${join(disk, 'full')}`, 'bs=8k'], { stdio: 'pipe' }));
  writeFileSync(go, '');
  await server.tells(/The disk of the database .* is full; nothing of this change was written/);
  assert.doesNotMatch(server.told, /^\s+at /m);
  rmSync(join(disk, 'full'));
  const events = await server.eventsUntil(run, 'execution-ended');

  assert.equal(events.at(-1)!.status, 'COMPLETED');
  assert.equal(events.filter(({ type }) => type === 'task-ended').length, 1);
  const { text } = await server.json('GET', `/api/executions/${run}/logs?task=S.Build`);
  assert.ok(String(text).length > 400_000);
});
