import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../../core/error.ts';
import { ownedProcess, readJson, startOwned, writeAtomic } from '../../host/processes.ts';

export interface NameServer {
  address: string;
  dnsPort: number;
  apiUrl: string;
  apiKey: string;
}

/** Starts the embedded name server, or adopts the one that runs: names are answered while Millrace is down. */
export async function openNameServer(
  directory: string,
  wanted: { address: string; dnsPort: number; apiPort: number },
): Promise<NameServer> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const orderFile = join(directory, 'order.json');
  if (!existsSync(orderFile))
    writeAtomic(orderFile, JSON.stringify({ ...wanted, apiKey: randomBytes(18).toString('hex') }));
  const order = readJson<{ address: string; dnsPort: number; apiPort: number; apiKey: string }>(orderFile)!;
  const statusFile = join(directory, 'status.json');
  const mark = startOwned({
    directory,
    name: 'name-server',
    command: [process.execPath, fileURLToPath(new URL('./name-server.ts', import.meta.url)), directory],
    environment: { PATH: process.env.PATH },
  });
  for (let wait = 0; wait < 500; wait++) {
    const written = readJson<{ pid: number; state: string; message: string }>(statusFile);
    // What a dead one has left behind says nothing about this one.
    const isOfNow = written?.pid === mark.pid || written?.pid === ownedProcess(directory, 'name-server')?.pid;
    const status = isOfNow ? written : undefined;
    if (status?.state === 'ready')
      return {
        address: order.address,
        dnsPort: order.dnsPort,
        apiUrl: `http://${order.address}:${order.apiPort}`,
        apiKey: order.apiKey,
      };
    if (status?.state === 'failed')
      throw new MillraceError('port.taken', {
        message: `The name server did not start: ${status.message}.`,
        hint: 'Choose another address with --dns ADDRESS:PORT, or stop what listens there.',
      });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new MillraceError('port.taken', {
    message: 'The name server did not answer within 5 s.',
    hint: `See ${join(directory, 'name-server.log')}.`,
  });
}
