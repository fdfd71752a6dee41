import { connect, type Socket } from 'node:net';

/** What is sent, whole: a server's figure is not to hold what its client takes to write it. */
export interface RawRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface RawAnswer {
  status: number;
  body: string;
}

/**
 * Sends all requests at the same moment, each on a connection of its own that stands before the clock runs, and reads their answers
 * (with a Content-Length). `fetch` takes longer for a request than a server for its answer, on the same cores.
 */
export async function burst(url: string, requests: RawRequest[]): Promise<{ answers: RawAnswer[]; perSecond: number }> {
  const { hostname, port, host } = new URL(url);
  const sockets = await Promise.all(requests.map(() => opened(hostname, Number(port))));
  const written = requests.map((request) => textOf(request, host));
  const begun = performance.now();
  const answers = await Promise.all(sockets.map((socket, index) => ask(socket, written[index]!)));
  const perSecond = Math.round(requests.length / ((performance.now() - begun) / 1000));
  for (const socket of sockets) socket.destroy();
  return { answers, perSecond };
}

const opened = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });

function textOf({ path, headers, body }: RawRequest, host: string): string {
  const all = { host, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

function ask(socket: Socket, request: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(text);
      if (!length) return reject(new Error(`No length: ${text.slice(0, head)}`));
      const body = text.slice(head + 4);
      if (body.length >= Number(length[1])) resolve({ status: Number(text.slice(9, 12)), body });
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The server closed the connection before it had answered.')));
    socket.write(request);
  });
}
