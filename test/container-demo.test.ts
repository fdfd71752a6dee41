import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { docker, testEngine, withoutEngine } from './containers.ts';
import { temporaryDirectory } from './directory.ts';
import { startMillrace } from './millrace.ts';

/** Plays the demo on containers until a text is seen, then does something to it; answers how it ended and what it left behind. */
async function cutOff(
  t: TestContext,
  environment: Record<string, string>,
  seen: string,
  cut: (child: ReturnType<typeof startMillrace>) => void,
) {
  const directory = temporaryDirectory(t);
  const child = startMillrace(['demo', '--profile', 'container'], { TMPDIR: directory, ...environment });
  let [out, err, done] = ['', '', false];
  child.stdout!.on('data', (chunk) => {
    out += chunk;
    if (done || !out.includes(seen)) return;
    done = true;
    cut(child);
  });
  child.stderr!.on('data', (chunk) => (err += chunk));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, err, files: readdirSync(directory), containers: testEngine ? await containersIn(directory) : [] };
}

async function containersIn(directory: string): Promise<string[]> {
  const all = await docker().listContainers({ all: true, filters: { label: ['io.millrace.site'] } });
  return all.filter(({ Labels }) => Labels['io.millrace.site']!.startsWith(directory)).map(({ Names }) => Names.join());
}

test('a demo on containers that is interrupted leaves no container and no file, and ends with 4', {
  skip: withoutEngine,
}, async (t) => {
  const { code, files, containers, err } = await cutOff(t, { DOCKER_HOST: testEngine }, 'Names completed', (child) =>
    child.kill('SIGINT'),
  );

  assert.deepEqual([code, files, containers], [4, [], []], err);
});

test('without a container engine, the demo says so in one sentence and leaves nothing behind', async (t) => {
  const { code, err, files } = await cutOff(
    t,
    { DOCKER_HOST: 'unix:///nowhere/engine.sock' },
    'never',
    () => undefined,
  );

  assert.deepEqual([code, files], [3, []]);
  assert.match(
    err,
    /^There is no container engine at \/nowhere\/engine.sock: nothing listens there\.( .*apt install podman.*)?\n$/,
  );
});
