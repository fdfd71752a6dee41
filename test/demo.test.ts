import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from './directory.ts';
import { startMillrace } from './millrace.ts';

/** Plays the demo until a text is seen, then does something to it; answers how it ended and what it left behind. */
async function cutOff(t: TestContext, seen: string, cut: (child: ReturnType<typeof startMillrace>) => void) {
  const directory = temporaryDirectory(t);
  const child = startMillrace(['demo'], { TMPDIR: directory });
  let out = '';
  let done = false;
  child.stdout!.on('data', (chunk) => {
    out += chunk;
    if (done || !out.includes(seen)) return;
    done = true;
    cut(child);
  });
  child.stderr!.on('data', (chunk) => (out += chunk));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, files: readdirSync(directory), processes: processesOf(directory), out };
}

/** Commands whose arguments or environment name a directory. */
function processesOf(directory: string): string[] {
  return globSync('/proc/[0-9]*/cmdline').flatMap((path) => {
    try {
      const text = readFileSync(path, 'utf8') + readFileSync(path.replace('cmdline', 'environ'), 'utf8');
      return text.includes(directory) && !path.includes(`/${process.pid}/`) ? [readFileSync(path, 'utf8')] : [];
    } catch {
      return [];
    }
  });
}

test('a demo that is interrupted while machines boot leaves no process and no file, and ends with 4', async (t) => {
  const { code, files, processes, out } = await cutOff(t, 'Runner completed', (child) => {
    child.kill('SIGINT');
    child.kill('SIGINT');
  });

  assert.deepEqual([code, files, processes], [4, [], []], out);
});

test('a demo whose reader has gone leaves no process and no file', async (t) => {
  const { files, processes } = await cutOff(t, 'git push', (child) => {
    child.stdout!.destroy();
    child.stderr!.destroy();
  });

  assert.deepEqual([files, processes], [[], []]);
});

test('an unknown profile is refused before anything is made', async (t) => {
  const directory = temporaryDirectory(t);
  const child = startMillrace(['demo', '--profile', 'cloud'], { TMPDIR: directory });
  let err = '';
  child.stderr!.on('data', (chunk) => (err += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));

  assert.deepEqual(
    [code, err, readdirSync(directory)],
    [2, 'There is no profile cloud; this version knows: process, container.\n', []],
  );
});
