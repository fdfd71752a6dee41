import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Stands between a server and its database, and can lose what either says to the other. */
export async function lossyProxy(t: Pick<TestContext, 'after'>, url: string) {
  const { port, hostname } = new URL(url);
  const open = new Set<Socket>();
  let [losses, lostCalls] = [0, 0];
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    let isLosing = false;
    client.on('data', (chunk) => {
      const isChange = /write|claim/.test(chunk.toString('latin1'));
      if (isChange && lostCalls > 0) {
        lostCalls--;
        return void client.destroy();
      }
      if (isChange && losses > 0) {
        losses--;
        isLosing = true;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (isLosing) client.destroy();
      else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const here = new URL(url);
  here.port = String((server.address() as { port: number }).port);
  return {
    url: here.href,
    /** The next so many changes and claims reach the database, and nobody hears what became of them. */
    loseAnswers(count: number): void {
      losses = count;
    },
    /** The next so many changes and claims do not reach the database. */
    loseCalls(count: number): void {
      lostCalls = count;
    },
    /** The cable is pulled. */
    cut(): void {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    mend(): void {
      isCut = false;
    },
  };
}
