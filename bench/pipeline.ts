// From the request to the first task's process, and a pipeline of twenty process tasks, over the API of a real server; beside
// the floor: a bare HTTP server that spawns the same processes and remembers nothing.
//   node bench/pipeline.ts [RUNS]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClient } from '../src/cli/client.ts';
import { stopOwned } from '../src/host/processes.ts';

const runs = Number(process.argv[2] ?? 20);
const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const server = spawn(
  process.execPath,
  [
    join(import.meta.dirname, '../src/main.ts'),
    'serve',
    '--data',
    directory,
    '--port',
    '0',
    '--allow-process-workspace',
  ],
  { env: { ...process.env, MILLRACE_ADMIN_PASSWORD: 'bench' }, stdio: ['ignore', 'pipe', 'inherit'] },
);
const begun = performance.now();
const url = await new Promise<string>((resolve) => {
  let out = '';
  server.stdout.on('data', (chunk) => {
    out += chunk;
    const found = /is ready: (\S+)/.exec(out);
    if (found) resolve(found[1]!);
  });
});
const ready = performance.now() - begun;
const login = await openClient({ url, token: '' }).json('POST', '/csp/gateway/am/api/login', {
  username: 'admin',
  password: 'bench',
});
const client = openClient({ url, token: String(login.access_token) });
const idle = readFileSync(`/proc/${server.pid}/status`, 'utf8');

await client.text(
  'POST',
  '/codestream/api/import?action=apply&project=Bench',
  pipeline('First', 1) + pipeline('Twenty', 20),
);
await run('First');
const first: number[] = [];
const twenty: number[] = [];
for (let n = 0; n < runs; n++) first.push(await run('First'));
for (let n = 0; n < Math.ceil(runs / 4); n++) twenty.push(await run('Twenty'));
const floor = await measureFloor();
const result = {
  bench: 'pipeline',
  readyMs: Math.round(ready),
  idleMemoryMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(idle)![1]) / 1024),
  requestToFirstProcessMs: { p50: percentile(first, 0.5), p95: percentile(first, 0.95) },
  twentyTasksMs: { p50: percentile(twenty, 0.5) },
  floor,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
server.kill('SIGTERM');
await new Promise((resolve) => server.once('exit', resolve));
await stopOwned(directory);
rmSync(directory, { recursive: true });

async function measureFloor() {
  const spawned = (script: string) =>
    new Promise<string>((resolve) => {
      const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (chunk) => (out += chunk));
      child.on('close', () => resolve(out));
    });
  const bare = createServer(async (request, response) => {
    const count = Number(new URL(request.url!, 'http://bare').searchParams.get('tasks'));
    let out = '';
    for (let n = 0; n < count; n++) out = await spawned(count === 1 ? 'date +%s%N' : 'true');
    response.end(out);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => bare.once('listening', resolve));
  const { port } = bare.address() as { port: number };
  const ask = (tasks: number) =>
    fetch(`http://127.0.0.1:${port}/?tasks=${tasks}`, { method: 'POST' }).then((answer) => answer.text());
  await ask(1);
  const [one, many]: number[][] = [[], []];
  for (let n = 0; n < runs; n++) {
    const asked = performance.timeOrigin + performance.now();
    one!.push(Math.round((Number(await ask(1)) / 1e6 - asked) * 10) / 10);
  }
  for (let n = 0; n < Math.ceil(runs / 4); n++) {
    const asked = performance.now();
    await ask(20);
    many!.push(Math.round(performance.now() - asked));
  }
  bare.close();
  bare.closeAllConnections();
  return { requestToFirstProcessMs: { p50: percentile(one!, 0.5) }, twentyTasksMs: { p50: percentile(many!, 0.5) } };
}

/** For First: milliseconds until its process wrote the time. For others: until the run has ended. */
async function run(name: string): Promise<number> {
  const asked = performance.timeOrigin + performance.now();
  const { executionId } = await client.json('POST', `/codestream/api/pipelines/Bench/${name}/executions`, {
    input: {},
  });
  const stop = new AbortController();
  for await (const { data } of client.events(`/api/events?execution=${String(executionId)}`, '0', stop.signal)) {
    if (data.type !== 'execution-ended') continue;
    if (data.status !== 'COMPLETED') throw new Error(String(data.message));
    break;
  }
  stop.abort();
  if (name !== 'First') return Math.round(performance.timeOrigin + performance.now() - asked);
  const { text } = await client.json('GET', `/api/executions/${String(executionId)}/logs?task=S.T1`);
  return Math.round((Number(/^(\d{13,})$/m.exec(String(text))![1]) / 1e6 - asked) * 10) / 10;
}

function pipeline(name: string, tasks: number): string {
  const names = Array.from({ length: tasks }, (_, index) => `T${index + 1}`);
  const steps = tasks === 1 ? 'date +%s%N' : 'true';
  return `---\n${JSON.stringify({
    project: 'Bench',
    kind: 'PIPELINE',
    name,
    enabled: true,
    workspace: { type: 'PROCESS', endpoint: '', image: '' },
    stages: {
      S: {
        taskOrder: names,
        tasks: Object.fromEntries(names.map((task) => [task, { type: 'CI', input: { steps: [steps] } }])),
      },
    },
  })}\n`;
}

function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
