import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../test/directory.ts';
import { eventually } from '../../test/eventually.ts';
import { type JobEnd, openRecord, settleLost } from './job-record.ts';
import { openJobs } from './jobs.ts';
import { openLaunchers } from './launchers.ts';
import { orderOf } from './order.ts';
import { wholeCharacters } from './output.ts';
import { isAlive, isMarked, ownedProcess, processIds, stopOwned } from './processes.ts';
import { openShells, type Shell } from './shells.ts';

type Jobs = ReturnType<typeof openJobs>;

function jobsIn(t: TestContext): { jobs: Jobs; directory: string } {
  let directory = '';
  t.after(() => stopOwned(directory));
  directory = temporaryDirectory(t);
  return { jobs: openJobs(directory, [process.execPath]), directory };
}

function launchersIn(t: TestContext) {
  const directory = temporaryDirectory(t);
  const launchers = openLaunchers({ PATH: process.env.PATH }, directory, 1, 2);
  t.after(() => launchers.rest(0));
  const take = async (): Promise<Shell> => {
    return (await launchers.take()) ?? assert.fail('No shell can be had.');
  };
  const perform = (shell: Shell, script: string) =>
    new Promise<JobEnd>((ended) => shell.perform(`{\nexec </dev/null\n${script}\n}\n`, ended));
  return { take, perform };
}

/** What the kernel says of a process: its state, and its parent. */
const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[0]!;
const parentOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);

const spec = (jobs: Jobs, key: string, script: string, more: Partial<Parameters<Jobs['start']>[1]> = {}) => ({
  run: { command: ['/bin/sh', '-c', script] },
  environment: {},
  directory: jobs.directory(key),
  limits: { seconds: 60, memoryMb: 256, fileMb: 16 },
  ...more,
});

async function ended(jobs: Jobs, key: string) {
  for (let wait = 0; wait < 1000; wait++) {
    const state = await jobs.state(key, 0);
    if (state.status !== 'running') return state;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${key} never ended.`);
}

test('a job runs in its own directory and says what it printed and how it ended', async (t) => {
  const { jobs } = jobsIn(t);
  await jobs.start(
    'a/b c',
    spec(jobs, 'a/b c', 'cat given; echo to stderr >&2; echo result > made; exit 3', { files: { given: 'given\n' } }),
  );
  const state = await ended(jobs, 'a/b c');

  assert.deepEqual(
    [state.status, state.exitCode, state.output, state.stopped],
    ['ended', 3, 'given\nto stderr\n', null],
  );
  assert.equal(await jobs.read('a/b c', 'made'), 'result\n');
  assert.equal(await jobs.read('a/b c', 'nothing'), undefined);
});

test('starting a key twice starts it once, also by another server on the same directory', async (t) => {
  const { jobs, directory } = jobsIn(t);
  const once = (who: Jobs) => who.start('k', spec(who, 'k', 'echo ran >> ../ran; sleep 0.3'));
  await once(jobs);
  await once(openJobs(directory, [process.execPath]));
  await ended(jobs, 'k');
  await once(jobs);

  assert.equal(readFileSync(join(directory, 'jobs', 'ran'), 'utf8'), 'ran\n');
});

test('a job sees nothing of the server but a path and a home', async (t) => {
  const { jobs } = jobsIn(t);
  process.env.SERVER_SECRET = 'never';
  t.after(() => delete process.env.SERVER_SECRET);
  await jobs.start('k', spec(jobs, 'k', 'env', { environment: { GIVEN: 'yes' } }));
  const { output } = await ended(jobs, 'k');

  assert.ok(!output.includes('never'));
  assert.deepEqual(output.replaceAll(/=.*/g, '').trim().split('\n').sort(), [
    ...['GIVEN', 'HOME', 'LANG', 'MILLRACE_OWNER', 'NODE_OPTIONS', 'PATH', 'PWD'],
  ]);
});

test('variables reach a job, whatever they hold, and none that a shell keeps to itself stops it', async (t) => {
  const { jobs } = jobsIn(t);
  const environment = {
    PLAIN: `a 'b' "c" $d \`e\` \\ \n f`,
    'not-a.name': 'odd',
    PS1: 'prompt',
    PPID: '1',
    é: 'accent',
  };
  const script = `${JSON.stringify(process.execPath)} -p 'JSON.stringify(process.env)'`;
  await jobs.start('k', spec(jobs, 'k', script, { environment }));
  const seen = JSON.parse((await ended(jobs, 'k')).output);

  assert.deepEqual([seen.PLAIN, seen.PS1], [environment.PLAIN, 'prompt']);
  assert.equal(seen['no-name'], undefined, 'what no shell can name it hands on to nobody');
});

test('a shell that is told half of what it shall do does nothing, and ends', async (t) => {
  const directory = temporaryDirectory(t);
  const text = orderOf({ ...spec({ directory: () => directory } as never, '', ''), run: { script: 'touch did' } });
  const shell = await openShells({ PATH: '/nowhere' }, 0, temporaryDirectory(t)).take();
  await new Promise((ended) => shell.perform(text.slice(0, -3), ended));

  assert.deepEqual(readdirSync(directory), []);
});

test('shells that stand ready go when their runner does', async (t) => {
  const { jobs, directory } = jobsIn(t);
  await jobs.start('k', spec(jobs, 'k', 'true'));
  await ended(jobs, 'k');
  const owner = join(directory, 'job-runner', 'runner');
  const shells = () => processIds().filter((pid) => isMarked(pid, `${owner}/job`));
  await eventually(() => assert.notEqual(shells().length, 0));
  process.kill(ownedProcess(join(directory, 'job-runner'), 'runner')!.pid, 'SIGKILL');

  await eventually(() => assert.deepEqual(shells(), []));
});

test('a shell that stood ready and is ended leaves no file; where none can be made ready, whoever needs one is told', async (t) => {
  const directory = temporaryDirectory(t);
  const shells = openShells({ MILLRACE_OWNER: directory }, 1, directory);
  shells.refill();
  await eventually(() => assert.equal(readdirSync(directory).length, 1));
  for (const pid of processIds().filter((id) => isMarked(id, directory))) process.kill(Number(pid), 'SIGKILL');
  await eventually(() => assert.deepEqual(readdirSync(directory), []));

  const nowhere = openShells({}, 1, join(directory, 'nowhere'));
  nowhere.refill();
  await assert.rejects(nowhere.take(), /ENOENT/);
});

test('a launcher has shells do one thing after the other, each in a group of its own, and says how each ended', async (t) => {
  const { take, perform } = launchersIn(t);
  const said: [number | null, string][] = [];
  for (const script of ['echo one; exit 3', 'kill -STOP $$; exit 4', 'kill -TERM $$; sleep 60', 'echo "$$"']) {
    const shell = await take();
    assert.equal(statSync(shell.output).mode & 0o777, 0o600);
    const end = perform(shell, script);
    if (script.includes('STOP')) {
      await eventually(() => assert.equal(stateOf(shell.mark.pid), 'T'));
      process.kill(-shell.mark.pid, 'SIGCONT');
    }
    said.push([(await end).exitCode, readFileSync(shell.output, 'utf8').replace(`${shell.mark.pid}`, 'own')]);
  }

  assert.deepEqual(said, [
    [3, 'one\n'],
    [4, ''],
    [128 + constants.signals.SIGTERM, ''],
    [0, 'own\n'],
  ]);
});

test('what is left of an order whose shell was killed is read by nobody', async (t) => {
  const { take, perform } = launchersIn(t);
  const shell = await take();
  process.kill(-shell.mark.pid, 'SIGSTOP');
  const end = perform(shell, `: ${'x'.repeat(20_000)}`);
  process.kill(-shell.mark.pid, 'SIGKILL');

  assert.equal((await end).exitCode, 128 + constants.signals.SIGKILL);
  const next = await take();
  assert.equal((await perform(next, 'echo clean')).exitCode, 0);
  assert.equal(readFileSync(next.output, 'utf8'), 'clean\n');
});

test('a job whose launcher is killed ends with it, and is lost', async (t) => {
  const { take, perform } = launchersIn(t);
  const shell = await take();
  const end = perform(shell, 'sleep 60');
  process.kill(parentOf(shell.mark.pid), 'SIGKILL');

  assert.equal((await end).lost, true);
  await eventually(() => assert.ok(!isAlive(shell.mark)));
});

test('where there is no bash, shells are started one by one', async (t) => {
  const directory = temporaryDirectory(t);
  const shells = openShells({ PATH: '/nowhere' }, 1, directory);
  const shell = await shells.take();
  const end = await new Promise<JobEnd>((ended) => shell.perform('exit 5\n', ended));

  assert.equal(end.exitCode, 5);
});

test('a job that runs too long, or writes too much, is stopped and says so', async (t) => {
  const { jobs } = jobsIn(t);
  await jobs.start('slow', spec(jobs, 'slow', 'sleep 60', { limits: { seconds: 0.2, memoryMb: 64, fileMb: 1 } }));
  await jobs.start(
    'big',
    spec(jobs, 'big', 'head -c 5000000 /dev/zero > big', { limits: { seconds: 60, memoryMb: 64, fileMb: 1 } }),
  );

  assert.match((await ended(jobs, 'slow')).stopped!, /ran longer than 0.2 s/);
  assert.notEqual((await ended(jobs, 'big')).exitCode, 0);
});

test('a cancelled job ends with all that it started', async (t) => {
  const { jobs } = jobsIn(t);
  await jobs.start('k', spec(jobs, 'k', 'sleep 600 & echo $! > child; wait'));
  let child = '';
  for (let wait = 0; !child && wait < 500; wait++) {
    child = ((await jobs.read('k', 'child')) ?? '').trim();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await jobs.cancel('k');

  assert.equal((await ended(jobs, 'k')).stopped, 'It was canceled.');
  for (let wait = 0; isRunning(child) && wait < 500; wait++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(!isRunning(child));
});

test('a job goes on when its runner dies: the next one sees it, ends it, and knows it for lost when it ended unseen', async (t) => {
  const { jobs, directory } = jobsIn(t);
  await jobs.start('long', spec(jobs, 'long', 'echo on; sleep 600'));
  await jobs.start('short', spec(jobs, 'short', 'echo ran >> ../ran; while [ ! -e go ]; do sleep 0.01; done'));
  const { pid } = JSON.parse(readFileSync(join(directory, 'job-runner', 'address.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');

  assert.equal((await jobs.state('long', 0)).status, 'running');
  await jobs.cancel('long');
  assert.deepEqual((await ended(jobs, 'long')).stopped, 'It was canceled.');
  writeFileSync(join(jobs.directory('short'), 'go'), '');
  assert.equal((await ended(jobs, 'short')).status, 'lost');
  await jobs.start('short', spec(jobs, 'short', 'echo ran >> ../ran'));
  assert.equal(readFileSync(join(directory, 'jobs', 'ran'), 'utf8'), 'ran\n');
});

test('a job whose end its runner has yet to hear of is not taken for lost by a look at the others', (t) => {
  const record = openRecord(join(temporaryDirectory(t), 'jobs.db'));
  const gone = { pid: 2 ** 22 + 1, started: '1' };
  for (const name of ['watched', 'unseen']) record.begins(name, gone);

  settleLost(record, (name) => name === 'watched');
  assert.deepEqual(record.find('watched'), { mark: gone, end: undefined });
  assert.equal(record.find('unseen')?.end?.lost, true);
  record.ended('watched', { exitCode: 0, stopped: null });
  assert.equal(record.find('watched')?.end?.exitCode, 0);
});

test('of two runners that start at once one gets the work', async (t) => {
  const { jobs, directory } = jobsIn(t);
  const other = openJobs(directory, [process.execPath]);
  const start = (who: Jobs, key: string) => who.start(key, spec(who, key, 'true'));
  await Promise.all([start(jobs, 'a'), start(other, 'b'), start(jobs, 'c'), start(other, 'c')]);

  for (const key of ['a', 'b', 'c']) assert.equal((await ended(other, key)).exitCode, 0);
});

test('who does not know the token of a runner is cut off', async (t) => {
  const { jobs, directory } = jobsIn(t);
  await jobs.start('k', spec(jobs, 'k', 'true'));
  const { port } = JSON.parse(readFileSync(join(directory, 'job-runner', 'address.json'), 'utf8'));
  for (const said of ['{"what":"cancel","name":"k","id":1}\n', 'x'.repeat(10_000)]) {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    socket.on('data', (bytes) => (heard += bytes)).on('error', () => undefined);
    socket.write(said);
    await once(socket, 'close');
    assert.equal(heard, '');
  }
  assert.equal((await ended(jobs, 'k')).exitCode, 0);
});

test('a script of any length runs, and is on no command line', async (t) => {
  const { jobs } = jobsIn(t);
  const script = (length: number) =>
    `tr '\\0' ' ' < /proc/$$/cmdline; env | grep -c SCRIPT; : ${'x'.repeat(length)}\nexit 3`;
  for (const [key, length] of [
    ['short', 10],
    ['long', 200_000],
  ] as const) {
    await jobs.start(key, { ...spec(jobs, key, ''), run: { script: script(length) } });
    const state = await ended(jobs, key);

    assert.equal(state.exitCode, 3);
    assert.match(state.output, /^\/bin\/sh ?0\n$/);
    assert.ok(!state.output.includes('xxx'));
  }
});

test('a command that is not there is named', async (t) => {
  const { jobs } = jobsIn(t);
  await jobs.start('k', spec(jobs, 'k', '', { run: { command: ['no-such-program'] } }));

  assert.match((await ended(jobs, 'k')).output, /no-such-program.*(not found|Permission denied)/);
});

test('no file of a job lies outside of its directory', async (t) => {
  const { jobs } = jobsIn(t);

  await assert.rejects(
    jobs.start('k', spec(jobs, 'k', 'true', { files: { '../../x': '' } })),
    /must lie in its own directory/,
  );
});

test('output is read from an offset on, and no character is cut', async (t) => {
  const { jobs } = jobsIn(t);
  await jobs.start('k', spec(jobs, 'k', 'echo aé'));
  await ended(jobs, 'k');

  assert.deepEqual((await jobs.state('k', 1)).output, 'é\n');
  assert.equal(wholeCharacters(Buffer.from('aé').subarray(0, 2)).toString(), 'a');
  assert.equal(wholeCharacters(Buffer.from('a😀b')).toString(), 'a😀b');
});

test('a removed key leaves nothing', async (t) => {
  const { jobs } = jobsIn(t);
  await jobs.start('k', spec(jobs, 'k', 'true'));
  await ended(jobs, 'k');
  await jobs.remove('k');

  assert.ok(!existsSync(jobs.directory('k')));
});

/** Not a zombie that waits to be reaped. */
function isRunning(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
