import { Resolver } from 'node:dns/promises';
import { Agent, get } from '../host/node-http.ts';

export interface Traffic {
  requests: number;
  failed: number;
  /** The first few failures, for people. */
  failures: string[];
  /** Versions in the order in which they were first served. */
  versions: { version: string; at: number }[];
  seconds(): number;
  stop(): Promise<void>;
}

/** Between two requests of one client. */
const pause = 5;

/** A client that resolves the name anew for every request and asks for the page, without pause. A failure is anything but the page. */
export function startTraffic(name: string, nameServer: string, port: number, clients: number): Traffic {
  const begun = Date.now();
  let running = true;
  const traffic: Traffic = {
    requests: 0,
    failed: 0,
    failures: [],
    versions: [],
    seconds: () => (Date.now() - begun) / 1000,
    stop,
  };
  const work = Array.from({ length: clients }, client);
  return traffic;

  async function client(): Promise<void> {
    const resolver = new Resolver({ timeout: 2000, tries: 3 });
    resolver.setServers([nameServer]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let last = '';
    while (running) {
      try {
        const [address] = await resolver.resolve4(name);
        const body = await fetchPage(address!, port, name, agent);
        const version = /id="version">([^<]*)</.exec(body)?.[1];
        if (!version) throw new Error('the page has no version');
        // Another client may have asked before the switch and be answered after: only who saw the newest can see a step back.
        const newest = traffic.versions.at(-1)?.version;
        const isKnown = traffic.versions.some((one) => one.version === version);
        if (version !== last && (!isKnown || last === newest)) traffic.versions.push({ version, at: Date.now() });
        last = version;
      } catch (thrown) {
        traffic.failed++;
        if (traffic.failures.length < 5)
          traffic.failures.push(`${new Date().toISOString()} ${(thrown as Error).message}`);
      }
      traffic.requests++;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    agent.destroy();
  }

  async function stop(): Promise<void> {
    running = false;
    await Promise.allSettled(work);
  }
}

function fetchPage(address: string, port: number, name: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: address, port, path: '/', headers: { host: `${name}:${port}` }, agent, timeout: 10_000 },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
        response.on('error', reject);
        response.on('end', () =>
          response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}`)),
        );
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
    request.on('error', reject);
  });
}
