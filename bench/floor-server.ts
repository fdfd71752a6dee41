// The floor: a bare HTTP server that starts the same processes and remembers nothing. Prints its address.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer(async (request, response) => {
  const { searchParams } = new URL(request.url!, 'http://floor');
  request.resume();
  let out = '';
  for (let task = 0; task < Number(searchParams.get('tasks')); task++) out = await run(searchParams.get('script')!);
  response.end(out);
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
);

function run(script: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.on('close', () => resolve(out));
  });
}
