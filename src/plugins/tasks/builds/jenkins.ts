import { z } from 'zod';
import { MillraceError } from '../../../core/error.ts';
import { isObject, type Json, type JsonObject, objectsIn } from '../../../core/json.ts';
import { filledText, text, textMap } from '../../../sdk/fields.ts';
import type { Endpoint, Http, HttpAnswer } from '../../../sdk/powers.ts';
import { defineTask, type Outcome, type TaskContext } from '../../../sdk/task.ts';
import { askEndpoint, callEndpoint, pauseBeforeLook, refusal } from '../../far-side.ts';
import { tell } from '../job.ts';

/**
 * The parameter by which a build is known as ours. Where a job defines it, a build whose answer was lost is found again, and Jenkins
 * does not merge two waiting requests with equal parameters into one.
 */
export const marker = 'MILLRACE_RUN';

const input = z.object({
  job: filledText('Name of the job; `folder/job` where it is in a folder.'),
  jobFolder: text('Folder, as `/job/folder` or `folder`.').default(''),
  parameters: textMap('Parameters of the build.').default({}),
});
type Input = z.infer<typeof input>;

/** What is watched: first a place in the queue, then a build, and how much of its log is here. */
interface Ticket {
  job: string;
  queue: number | null;
  build: number | null;
  looks: number;
  /** Bytes of the far side's log that are in ours, which then ends at `local`. */
  logged: number;
  local: number;
}

export const jenkins = defineTask({
  type: 'Jenkins',
  title: 'Jenkins',
  summary: `Runs a job and waits for its build, with its log. A job that defines the parameter \`${marker}\` is never started twice.`,
  input,
  output: {
    buildId: 'Number of the build.',
    buildUrl: 'Its address.',
    job: 'The job.',
    jobResults: 'What Jenkins tells of the build: result, duration, artifacts.',
    tests: '`passed`, `failed` and `skipped`, where the job publishes tests.',
  },
  endpoints: { jenkinsServer: { types: ['jenkins'], required: true, description: 'The server.' } },
  examples: [
    {
      title: 'Run a job',
      yaml: 'type: Jenkins\nendpoints: {jenkinsServer: build server}\ninput:\n  job: tito\n  jobFolder: /job/team\n  parameters: {BRANCH: main}\n',
    },
  ],
  /** Whether a build was begun is found out by the marker; where a job has none, people are asked. */
  looksBack: true,
  isRepeatable: () => true,

  async start(given, context) {
    const server = context.endpoint('jenkinsServer')!;
    const job = jobPath(server.properties.folderPath, given.jobFolder, given.job);
    const about = await askEndpoint(server, context.http, {
      method: 'GET',
      path: `${job}/api/json?tree=buildable,property[parameterDefinitions[name]]`,
    });
    if (about.buildable === false) return { failed: `The job ${given.job} is disabled, or is a folder.` };
    const defined = parametersIn(about);
    const isMarked = defined.includes(marker);
    if (context.isRepeat) {
      const build = isMarked ? await findBuild(server, context, job) : undefined;
      if (build !== undefined) return watch({ ...fresh(job), build }, context);
      const queue = isMarked ? await findWaiting(server, context) : undefined;
      if (queue !== undefined) return watch({ ...fresh(job), queue }, context);
      if (!isMarked) return { uncertain: true };
    }
    const parameters = { ...given.parameters, ...(isMarked ? { [marker]: context.key } : {}) };
    const isParametrised = defined.length > 0;
    const call = {
      method: 'POST',
      path: `${job}/${isParametrised ? 'buildWithParameters' : 'build'}?delay=0sec`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: isParametrised ? new URLSearchParams(parameters).toString() : '',
    } as const;
    const answer = await callWithCrumb(server, context.http, call);
    if (answer.status >= 300) throw refusal(server, call, answer);
    const queue = /\/queue\/item\/(\d+)/.exec(answer.headers.location ?? '')?.[1];
    if (queue === undefined)
      return { failed: `Jenkins took the request for ${given.job} and did not say where it waits.` };
    const ignored = Object.keys(given.parameters).filter((name) => !defined.includes(name));
    if (ignored.length > 0) await tell(context, `The job does not define ${ignored.join(', ')}; Jenkins ignores it.`);
    return watch({ ...fresh(job), queue: Number(queue) }, context);
  },

  async poll(ticket, given, context) {
    const watched = ticket as unknown as Ticket;
    return watched.build === null ? lookAtQueue(watched, given, context) : lookAtBuild(watched, given, context);
  },

  async cancel(ticket, _, { endpoint, http }) {
    const { job, queue, build } = ticket as unknown as Ticket;
    const path = build === null ? `/queue/cancelItem?id=${queue}` : `${job}/${build}/stop`;
    await callWithCrumb(endpoint('jenkinsServer')!, http, { method: 'POST', path });
  },
});

const fresh = (job: string): Ticket => ({ job, queue: null, build: null, looks: 0, logged: 0, local: 0 });

const watch = (ticket: Ticket, { endpoint }: TaskContext): Outcome => ({
  wait: { ...ticket, looks: ticket.looks + 1 } as unknown as Json,
  seconds: pauseBeforeLook(endpoint('jenkinsServer')!, ticket.looks),
});

async function lookAtQueue(ticket: Ticket, given: Input, context: TaskContext): Promise<Outcome> {
  const server = context.endpoint('jenkinsServer')!;
  const call = {
    method: 'GET',
    path: `/queue/item/${ticket.queue}/api/json?tree=cancelled,why,executable[number]`,
  } as const;
  const answer = await callEndpoint(server, context.http, call);
  // What has left the queue is forgotten there after some minutes.
  if (answer.status === 404) {
    const build = await findBuild(server, context, ticket.job);
    if (build !== undefined) return watch({ ...ticket, build, looks: 0 }, context);
    return { failed: `Jenkins no longer knows what became of its request ${ticket.queue} for ${given.job}.` };
  }
  if (answer.status >= 400) throw refusal(server, call, answer);
  const { cancelled, executable } = JSON.parse(answer.body) as JsonObject;
  if (cancelled === true) return { failed: `The build of ${given.job} was cancelled while it waited.` };
  if (!isObject(executable)) return watch(ticket, context);
  return watch({ ...ticket, build: Number(executable.number), looks: 0 }, context);
}

async function lookAtBuild(ticket: Ticket, given: Input, context: TaskContext): Promise<Outcome> {
  const server = context.endpoint('jenkinsServer')!;
  const build = `${ticket.job}/${ticket.build}`;
  const tree = 'building,result,number,duration,estimatedDuration,timestamp,artifacts[fileName,relativePath]';
  const state = await askEndpoint(server, context.http, { method: 'GET', path: `${build}/api/json?tree=${tree}` });
  const { hasMore, ...logged } = await takeLog(ticket, build, context);
  const next = { ...ticket, ...logged };
  if (state.building === true || state.result === null || hasMore) return watch(next, context);
  // Jenkins tells the address that it is configured with, which may not be the one it is reached at.
  const buildUrl = `${(server.properties.url ?? '').replace(/\/+$/, '')}${build}/`;
  const tests = await testsOf(server, context.http, build);
  const output: JsonObject = { buildId: ticket.build, buildUrl, job: given.job, jobResults: state, tests };
  if (state.result === 'SUCCESS') return { done: output };
  return { failed: `Build #${ticket.build} of ${given.job} ended as ${String(state.result)}.`, output };
}

/** One piece of the log. The local place goes along, so that what was taken twice is kept once. */
async function takeLog(
  { logged, local }: Ticket,
  build: string,
  { endpoint, http, log }: TaskContext,
): Promise<{ logged: number; local: number; hasMore: boolean }> {
  const server = endpoint('jenkinsServer')!;
  const call = { method: 'GET', path: `${build}/logText/progressiveText?start=${logged}` } as const;
  const answer = await callEndpoint(server, http, call);
  if (answer.status >= 400) return { logged, local, hasMore: false };
  const from = local || (await log.offset());
  if (answer.body) await log.append(from, answer.body);
  return {
    logged: Number(answer.headers['x-text-size'] ?? logged),
    local: from + Buffer.byteLength(answer.body),
    hasMore: answer.headers['x-more-data'] === 'true' && answer.body !== '',
  };
}

async function testsOf(server: Endpoint, http: Http, build: string): Promise<JsonObject> {
  const answer = await callEndpoint(server, http, {
    method: 'GET',
    path: `${build}/testReport/api/json?tree=passCount,failCount,skipCount`,
  });
  if (answer.status >= 400) return {};
  const { passCount = 0, failCount = 0, skipCount = 0 } = JSON.parse(answer.body) as JsonObject;
  return { passed: passCount!, failed: failCount!, skipped: skipCount! };
}

/** The build that carries our key. */
async function findBuild(server: Endpoint, { http, key }: TaskContext, job: string): Promise<number | undefined> {
  const { builds } = await askEndpoint(server, http, {
    method: 'GET',
    path: `${job}/api/json?tree=builds[number,actions[parameters[name,value]]]{0,50}`,
  });
  const found = objectsIn(builds).find((build) => carries(build, key));
  return found && Number(found.number);
}

async function findWaiting(server: Endpoint, { http, key }: TaskContext): Promise<number | undefined> {
  const path = '/queue/api/json?tree=items[id,actions[parameters[name,value]]]';
  const { items } = await askEndpoint(server, http, { method: 'GET', path });
  const found = objectsIn(items).find((item) => carries(item, key));
  return found && Number(found.id);
}

const carries = ({ actions }: JsonObject, key: string): boolean =>
  objectsIn(actions).some(({ parameters }) =>
    objectsIn(parameters).some(({ name, value }) => name === marker && value === key),
  );

const parametersIn = ({ property }: JsonObject): string[] =>
  objectsIn(property).flatMap(({ parameterDefinitions }) =>
    objectsIn(parameterDefinitions).map(({ name }) => String(name)),
  );

/** A password, other than a token, needs a crumb, sent in the session that it was given in. */
async function callWithCrumb(
  server: Endpoint,
  http: Http,
  call: Parameters<typeof callEndpoint>[2],
): Promise<HttpAnswer> {
  const first = await callEndpoint(server, http, call);
  if (first.status !== 403 || !/crumb/i.test(first.body)) return first;
  const issued = await callEndpoint(server, http, { method: 'GET', path: '/crumbIssuer/api/json' });
  if (issued.status >= 400) return first;
  const { crumbRequestField, crumb } = JSON.parse(issued.body) as JsonObject;
  const cookie = (issued.headers['set-cookie'] ?? '').split(';')[0]!;
  return callEndpoint(server, http, {
    ...call,
    headers: { ...call.headers, [String(crumbRequestField)]: String(crumb), ...(cookie ? { cookie } : {}) },
  });
}

/** `folder/sub/job` is at `/job/folder/job/sub/job/job`; people write either. */
export function jobPath(...parts: (string | undefined)[]): string {
  // A `job` before each name is Jenkins' own word.
  const plain = parts.flatMap((part) => {
    const words = (part ?? '').split('/').filter(Boolean);
    const isWritten =
      words.length > 1 && words.length % 2 === 0 && words.every((word, at) => at % 2 === 1 || word === 'job');
    return isWritten ? words.filter((_, at) => at % 2 === 1) : words;
  });
  if (plain.length === 0) throw new MillraceError('request.invalid', { message: 'The job has no name.' });
  return plain.map((name) => `/job/${encodeURIComponent(name)}`).join('');
}
