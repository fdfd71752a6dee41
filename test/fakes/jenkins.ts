import type { TestContext } from 'node:test';
import { basic, type FakeAnswer, type FakeRequest, fakeServer } from './server.ts';

interface Build {
  number: number;
  parameters: Record<string, string>;
  looks: number;
  result: string | null;
  stopped: boolean;
}
export interface FakeJob {
  parameters: string[];
  /** How its builds end. */
  ends?: string;
  buildable?: boolean;
  tests?: { passCount: number; failCount: number; skipCount: number };
}

const log = 'Started by Millrace\nBuilding <é>\nFinished\n';

/**
 * Jenkins, stricter than the original: a parameterised job is only started with `buildWithParameters` and a form, parameters that it
 * does not define are dropped, equal requests that wait are merged, a password needs a crumb in its session, items leave the queue at
 * once, and addresses in answers are those that it is configured with, which nobody can reach.
 */
export async function jenkinsServer(
  t: Pick<TestContext, 'after'>,
  jobs: Record<string, FakeJob>,
  login: { user: string; password: string; isToken: boolean } = { user: 'ci', password: 'api token', isToken: true },
) {
  const builds = new Map<string, Build[]>();
  const queue: {
    id: number;
    job: string;
    parameters: Record<string, string>;
    looks: number;
    build: number | null;
    gone: boolean;
  }[] = [];
  const configured = 'http://jenkins.invalid';
  let headers: Record<string, string> = {};
  const fake = await fakeServer(t, (request) => {
    headers = {};
    const given = answer(request);
    return { ...given, headers: { 'x-jenkins': '2.541', ...headers, ...given.headers } };
  });
  return { ...fake, builds, queue };

  function answer(request: FakeRequest): FakeAnswer {
    const { method, path, query, headers: sent, body } = request;
    if (sent.authorization !== basic(login.user, login.password))
      return { status: 401, body: '<html>Unauthorized</html>' };
    if (path === '/api/json') return { body: { mode: 'NORMAL' } };
    if (path === '/crumbIssuer/api/json') {
      headers = { 'set-cookie': 'JSESSIONID=one; Path=/' };
      return { body: { crumbRequestField: 'Jenkins-Crumb', crumb: 'crumb of one' } };
    }
    if (
      method === 'POST' &&
      !login.isToken &&
      !(sent['jenkins-crumb'] === 'crumb of one' && sent.cookie === 'JSESSIONID=one')
    )
      return { status: 403, body: '<html>No valid crumb was included in the request</html>' };
    if (path === '/queue/api/json')
      return {
        body: {
          items: queue
            .filter(({ build, gone }) => build === null && !gone)
            .map(({ id, parameters }) => ({ id, actions: actionsOf(parameters) })),
        },
      };
    const item = /^\/queue\/item\/(\d+)\/api\/json$/.exec(path)?.[1];
    if (item) return queueItem(Number(item));
    if (path === '/queue/cancelItem' && method === 'POST') {
      queue.find(({ id }) => String(id) === query.get('id'))!.gone = true;
      return { status: 204 };
    }
    const [, job = '', rest = ''] = /^((?:\/job\/[^/]+)+)(\/.*)?$/.exec(path) ?? [];
    const known = jobs[job];
    if (!known) return { status: 404, body: '<html>Not Found</html>' };
    if (rest === '/api/json') return { body: aboutJob(job, known) };
    if (method === 'POST' && (rest === '/build' || rest === '/buildWithParameters'))
      return begin(job, known, rest, body, sent['content-type']);
    const [, number = '', what = ''] = /^\/(\d+)(\/.*)$/.exec(rest) ?? [];
    const build = builds.get(job)?.find((one) => String(one.number) === number);
    if (!build) return { status: 404, body: '<html>Not Found</html>' };
    return aboutBuild(known, build, what, method, query);
  }

  function begin(job: string, known: FakeJob, rest: string, body: string, type: string | undefined): FakeAnswer {
    if (known.buildable === false) return { status: 409, body: 'disabled' };
    const isParametrised = known.parameters.length > 0;
    if (isParametrised !== (rest === '/buildWithParameters'))
      return { status: 400, body: `${job} is ${isParametrised ? '' : 'not '}parameterized` };
    if (isParametrised && type !== 'application/x-www-form-urlencoded')
      return { status: 415, body: 'a form is needed' };
    const parameters = Object.fromEntries(
      [...new URLSearchParams(body)].filter(([name]) => known.parameters.includes(name)),
    );
    const same = queue.find(
      (one) =>
        one.job === job &&
        one.build === null &&
        !one.gone &&
        JSON.stringify(one.parameters) === JSON.stringify(parameters),
    );
    const id = same?.id ?? queue.length + 1;
    if (!same) queue.push({ id, job, parameters, looks: 0, build: null, gone: false });
    headers = { location: `${configured}/queue/item/${id}/` };
    return { status: 201 };
  }

  function queueItem(id: number): FakeAnswer {
    const item = queue.find((one) => one.id === id);
    if (!item || (item.build !== null && item.looks > 3)) return { status: 404, body: 'gone' };
    if (item.gone) return { body: { cancelled: true } };
    if (++item.looks > 1 && item.build === null) {
      const list = builds.get(item.job) ?? [];
      builds.set(item.job, list);
      item.build = list.length + 1;
      list.push({ number: item.build, parameters: item.parameters, looks: 0, result: null, stopped: false });
    }
    if (item.build === null) return { body: { cancelled: false, why: 'In the quiet period.' } };
    return {
      body: { cancelled: false, executable: { number: item.build, url: `${configured}${item.job}/${item.build}/` } },
    };
  }

  function aboutJob(job: string, known: FakeJob) {
    return {
      buildable: known.buildable ?? true,
      property: [{}, { parameterDefinitions: known.parameters.map((name) => ({ name })) }],
      builds: [...(builds.get(job) ?? [])]
        .reverse()
        .map(({ number, parameters }) => ({ number, actions: actionsOf(parameters) })),
    };
  }

  function aboutBuild(known: FakeJob, build: Build, what: string, method: string, query: URLSearchParams): FakeAnswer {
    if (what === '/stop' && method === 'POST') {
      build.stopped = true;
      build.result = 'ABORTED';
      return { status: 302, headers: { location: configured } };
    }
    if (what === '/api/json') {
      if (++build.looks > 2) build.result ??= known.ends ?? 'SUCCESS';
      return { body: { building: build.result === null, result: build.result, number: build.number, duration: 5 } };
    }
    if (what === '/logText/progressiveText') {
      const bytes = Buffer.from(log);
      const from = Number(query.get('start'));
      const to = build.result === null ? Math.min(bytes.length, 20) : bytes.length;
      headers = { 'x-text-size': String(to), ...(build.result === null ? { 'x-more-data': 'true' } : {}) };
      return { body: bytes.subarray(from, to).toString('utf8') };
    }
    if (what === '/testReport/api/json' && known.tests) return { body: known.tests };
    return { status: 404, body: 'Not Found' };
  }
}

const actionsOf = (parameters: Record<string, string>) => [
  {},
  { parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) },
];
