import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { removeTree } from '../../src/host/processes.ts';

/**
 * Commands in the pods of a cluster, over the fourth form of the protocol, which cannot end an input: what waits for that waits for
 * ever. They are true processes of this machine, and what they leave under `/tmp/.millrace` is removed.
 */
export function servePods(
  t: Pick<TestContext, 'after'>,
  server: Server,
  may: (namespace: string, name: string, authorization: string | undefined) => number,
) {
  const root = mkdtempSync(join(tmpdir(), 'millrace-pods-'));
  const children = new Set<ChildProcess>();
  const lines = new Set<WebSocket>();
  const left = new Set<string>();
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (asked) => asked.has('v4.channel.k8s.io') && 'v4.channel.k8s.io',
  });
  let cuts = 0;
  t.after(() => {
    for (const line of lines) line.terminate();
    for (const child of children) child.kill('SIGKILL');
    for (const directory of [root, ...left]) removeTree(directory);
  });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url!, 'http://cluster');
    const [, namespace = '', name = ''] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/exec$/.exec(url.pathname) ?? [];
    const status = name ? may(namespace, name, request.headers.authorization) : 404;
    const command = url.searchParams.getAll('command');
    if (status !== 200 || url.searchParams.get('container') !== 'workspace' || command[0] !== '/bin/sh')
      return void socket.end(`HTTP/1.1 ${status === 200 ? 400 : status} No\r\nconnection: close\r\n\r\n`);
    sockets.handleUpgrade(request, socket, head, (line) => exec(line, command));
  });
  return {
    root,
    /** The next command is begun, and its connection lost. */
    cut: () => {
      cuts++;
    },
  };

  function exec(line: WebSocket, [program, ...args]: string[]): void {
    lines.add(line);
    const child = spawn(program!, args, { cwd: root });
    children.add(child);
    const send = (channel: number, bytes: Buffer | string) =>
      line.send(Buffer.concat([Buffer.from([channel]), Buffer.from(bytes)]));
    line.on('message', (data: Buffer) => {
      if (data[0] !== 0) return;
      for (const [directory] of data.toString('latin1').matchAll(/\/tmp\/\.millrace\/[0-9a-f-]{36}/g))
        left.add(directory);
      child.stdin.write(data.subarray(1));
    });
    child.stdin.on('error', () => undefined);
    if (cuts > 0) {
      cuts--;
      child.once('exit', () => line.terminate());
      return;
    }
    child.stdout.on('data', (chunk: Buffer) => send(1, chunk));
    child.stderr.on('data', (chunk: Buffer) => send(2, chunk));
    child.on('close', (code) => {
      children.delete(child);
      const details = { causes: [{ reason: 'ExitCode', message: String(code ?? 137) }] };
      const failure = { status: 'Failure', reason: 'NonZeroExitCode', message: 'command terminated', details };
      send(3, JSON.stringify({ metadata: {}, ...(code === 0 ? { status: 'Success' } : failure) }));
      line.close();
    });
  }
}
