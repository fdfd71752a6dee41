import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { bambooServer } from '../fakes/bamboo.ts';
import { gerritServer } from '../fakes/gerrit.ts';
import { jenkinsServer } from '../fakes/jenkins.ts';
import { kubernetesCluster } from '../fakes/kubernetes.ts';
import { tfsServer } from '../fakes/tfs.ts';

/** A service that keeps what it did by key, and answers a repeated call with what it answered before. */
export async function keyedFarSide() {
  /** Path and key to how often it was called. */
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'] ?? '');
    const name = `${request.url} ${key}`;
    calls.set(name, (calls.get(name) ?? 0) + 1);
    const isRefused = request.url === '/flaky' && key.endsWith('/1');
    request.resume();
    response.writeHead(isRefused ? 503 : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ key }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Build servers and a cluster: each must be asked for one thing by each run, however often the run is taken up again. */
export async function builders(later: Pick<TestContext, 'after'>) {
  const jenkins = await jenkinsServer(later, { '/job/proof': { parameters: ['MILLRACE_RUN'] } });
  const bamboo = await bambooServer(later, 'bamboo token', { 'PROOF-MAIN': {} });
  const tfs = await tfsServer(later, { 7: { name: 'Proof' } });
  const cluster = await kubernetesCluster(later, { token: 'cluster token' });
  const gerrit = await gerritServer(later);
  const endpoint = (name: string, type: string, properties: Record<string, string>) =>
    JSON.stringify({
      project: 'Proof',
      kind: 'ENDPOINT',
      name,
      type,
      properties: { ...properties, pollInterval: '1' },
    });
  return {
    /** Changes are pushed to it, each of which is to be heard once, and told of once how its run ended. */
    gerrit,
    endpoints: [
      endpoint('jenkins', 'jenkins', { url: jenkins.url, username: 'ci', password: 'api token' }),
      endpoint('bamboo', 'bamboo', { url: bamboo.url, password: 'bamboo token' }),
      endpoint('tfs', 'tfs', { url: tfs.url, username: 'ci', password: 'secret' }),
      endpoint('gerrit', 'gerrit', { url: gerrit.url, username: 'ci', privateKey: gerrit.privateKey }),
      endpoint('cluster', 'k8s', { kubernetesURL: cluster.url, token: 'cluster token' }),
    ],
    /** How many things each was asked for. */
    counts: () => ({
      Jenkins: jenkins.queue.length,
      Bamboo: bamboo.builds.length,
      TFS: tfs.builds.length,
      Kubernetes: cluster.writes.length,
    }),
  };
}
