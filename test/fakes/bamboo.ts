import type { TestContext } from 'node:test';
import { type FakeAnswer, type FakeRequest, fakeServer } from './server.ts';

interface Build {
  key: string;
  number: number;
  variables: Record<string, string>;
  looks: number;
  dequeued: boolean;
}

/**
 * Bamboo, stricter than the original: JSON must be asked for, a POST needs its token against forgery, builds go through Queued and
 * InProgress, and the logs belong to jobs.
 */
export async function bambooServer(
  t: Pick<TestContext, 'after'>,
  token: string,
  plans: Record<string, { ends?: string }>,
) {
  const builds: Build[] = [];
  const fake = await fakeServer(t, answer);
  return { ...fake, builds };

  function answer({ method, path, query, headers }: FakeRequest): FakeAnswer {
    if (headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { message: 'Client must be authenticated to access this resource.' } };
    const log = /^\/download\/(\w+-\w+-\w+)\/build_logs\/\1-(\d+)\.log$/.exec(path);
    if (log) return { body: `simple\tbuilding ${log[1]} ${log[2]}\n` };
    if (headers.accept !== 'application/json') return { status: 200, body: '<?xml version="1.0"?><result/>' };
    if (path === '/rest/api/latest/info') return { body: { version: '10.2.1' } };
    if (path === '/rest/api/latest/currentUser') return { body: { name: 'ci' } };
    const queued = /^\/rest\/api\/latest\/queue\/([\w-]+)$/.exec(path)?.[1];
    if (queued && method === 'POST') return begin(queued, query, headers['x-atlassian-token'] === 'no-check');
    if (queued && method === 'DELETE') {
      const build = builds.find(({ key }) => key === queued);
      if (!build || build.looks > 1) return { status: 404, body: { message: 'not queued' } };
      build.dequeued = true;
      return { status: 204 };
    }
    const wanted = /^\/rest\/api\/latest\/result\/([\w-]+)$/.exec(path)?.[1] ?? '';
    const build = builds.find(({ key }) => key === wanted);
    if (build) return { body: stateOf(build) };
    if (!plans[wanted]) return { status: 404, body: { message: `Plan ${wanted} not found.` } };
    const found = builds.filter(({ key }) => key.startsWith(`${wanted}-`));
    const result = found.map(({ key, variables }) => ({
      buildResultKey: key,
      variables: { variable: Object.entries(variables).map(([name, value]) => ({ name, value })) },
    }));
    return { body: { results: { size: result.length, result } } };
  }

  function begin(plan: string, query: URLSearchParams, isSure: boolean): FakeAnswer {
    if (!isSure) return { status: 403, body: { message: 'XSRF check failed' } };
    if (!plans[plan]) return { status: 404, body: { message: `Plan ${plan} not found.` } };
    const variables = Object.fromEntries(
      [...query].flatMap(([name, value]) => (name.startsWith('bamboo.variable.') ? [[name.slice(16), value]] : [])),
    );
    const number = builds.length + 1;
    const key = `${plan}-${number}`;
    builds.push({ key, number, variables, looks: 0, dequeued: false });
    return { body: { planKey: plan, buildNumber: number, buildResultKey: key } };
  }

  function stateOf(build: Build) {
    const plan = build.key.replace(/-\d+$/, '');
    if (build.dequeued) return { lifeCycleState: 'NotBuilt', buildState: 'Unknown' };
    build.looks++;
    if (build.looks <= 2) return { lifeCycleState: build.looks === 1 ? 'Queued' : 'InProgress', buildState: 'Unknown' };
    const job = `${plan}-JOB1-${build.number}`;
    return {
      lifeCycleState: 'Finished',
      buildState: plans[plan]!.ends ?? 'Successful',
      ...{ successfulTestCount: 3, failedTestCount: 1, skippedTestCount: 0 },
      stages: { stage: [{ results: { result: [{ buildResultKey: job }] } }] },
    };
  }
}
