import { z } from 'zod';
import { isObject, type Json, type JsonObject, objectsIn } from '../../../core/json.ts';
import { text, textMap } from '../../../sdk/fields.ts';
import type { Endpoint } from '../../../sdk/powers.ts';
import { defineTask, type TaskContext } from '../../../sdk/task.ts';
import { askEndpoint, callEndpoint, pauseBeforeLook } from '../../far-side.ts';

/** The variable by which a build is known as ours. */
export const marker = 'millrace_run';

const api = '/rest/api/latest';

/** No file of the original with this task was ever seen; all of the names that were thought of are taken. */
const input = z.object({
  project: text('Key of the project; not needed where `planKey` is whole.').default(''),
  plan: text('Key of the plan, or the whole `PROJECT-PLAN`.').default(''),
  planKey: text('The same.').default(''),
  variables: textMap('Variables of the build.').default({}),
  parameters: textMap('The same.').default({}),
});
type Input = z.infer<typeof input>;

interface Ticket {
  result: string;
  looks: number;
}

export const bamboo = defineTask({
  type: 'Bamboo',
  title: 'Bamboo',
  summary: 'Runs a plan and waits for its end; the logs of its jobs come when they have ended.',
  input,
  output: {
    buildResultKey: 'Key of the result, such as `TITO-MAIN-12`.',
    buildUrl: 'Its address.',
    state: '`Successful` or `Failed`.',
    tests: '`passed`, `failed` and `skipped`.',
  },
  endpoints: { bambooServer: { types: ['bamboo'], required: true, description: 'The server.' } },
  examples: [
    {
      title: 'Run a plan',
      yaml: 'type: Bamboo\nendpoints: {bambooServer: builds}\ninput: {project: TITO, plan: MAIN, variables: {branch: main}}\n',
    },
  ],
  /** A build carries the key of its task as a variable, and is found by that. */
  looksBack: true,
  isRepeatable: () => true,

  async start(given, { endpoint, http, key, isRepeat }) {
    const server = endpoint('bambooServer')!;
    const plan = keyOf(given);
    if (!plan) return { failed: 'The task names no plan: give `project` and `plan`, or `planKey: PROJECT-PLAN`.' };
    const known = isRepeat ? await findBuild(server, http, plan, key) : undefined;
    if (known) return { wait: { result: known, looks: 0 }, seconds: 0 };
    const variables = { ...given.parameters, ...given.variables, [marker]: key };
    const query = new URLSearchParams({ executeAllStages: 'true' });
    for (const [name, value] of Object.entries(variables)) query.set(`bamboo.variable.${name}`, value);
    const { buildResultKey } = await askEndpoint(server, http, {
      method: 'POST',
      path: `${api}/queue/${encodeURIComponent(plan)}?${query}`,
      headers: { 'x-atlassian-token': 'no-check' },
    });
    return { wait: { result: String(buildResultKey), looks: 0 }, seconds: pauseBeforeLook(server, 0) };
  },

  async poll(ticket, _, context) {
    const { result, looks } = ticket as unknown as Ticket;
    const server = context.endpoint('bambooServer')!;
    const state = await askEndpoint(server, context.http, {
      method: 'GET',
      path: `${api}/result/${result}?expand=stages.stage.results.result`,
    });
    if (state.lifeCycleState !== 'Finished' && state.lifeCycleState !== 'NotBuilt')
      return { wait: { result, looks: looks + 1 } as Json, seconds: pauseBeforeLook(server, looks) };
    await takeLogs(state, server, context);
    const output: JsonObject = {
      buildResultKey: result,
      buildUrl: `${(server.properties.url ?? '').replace(/\/+$/, '')}/browse/${result}`,
      state: state.buildState ?? state.state ?? '',
      tests: {
        passed: Number(state.successfulTestCount ?? 0),
        failed: Number(state.failedTestCount ?? 0),
        skipped: Number(state.skippedTestCount ?? 0),
      },
    };
    if (state.lifeCycleState === 'NotBuilt')
      return { failed: `Build ${result} was stopped before it was built.`, output };
    if (output.state === 'Successful') return { done: output };
    return { failed: `Build ${result} ended as ${String(output.state)}.`, output };
  },

  /** Bamboo lets go what waits; what has begun can only be stopped on its pages. */
  async cancel(ticket, _, { endpoint, http }) {
    const { result } = ticket as unknown as Ticket;
    await callEndpoint(endpoint('bambooServer')!, http, { method: 'DELETE', path: `${api}/queue/${result}` });
  },
});

function keyOf({ project, plan, planKey }: Input): string {
  const named = planKey || plan;
  return named.includes('-') || !project ? named : `${project}-${named}`;
}

async function findBuild(
  server: Endpoint,
  http: TaskContext['http'],
  plan: string,
  key: string,
): Promise<string | undefined> {
  const { results } = await askEndpoint(server, http, {
    method: 'GET',
    path: `${api}/result/${encodeURIComponent(plan)}?includeAllStates=true&max-results=25&expand=results.result.variables`,
  });
  const found = listIn(results, 'result').find(({ variables }) =>
    listIn(variables, 'variable').some(({ name, value }) => name === marker && value === key),
  );
  return found && String(found.buildResultKey ?? found.key);
}

/** Logs belong to jobs. One that cannot be read keeps nobody from the result. */
async function takeLogs({ stages }: JsonObject, server: Endpoint, { http, log }: TaskContext): Promise<void> {
  const jobs = listIn(stages, 'stage').flatMap(({ results }) => listIn(results, 'result'));
  let offset = await log.offset();
  for (const { key, buildResultKey } of jobs) {
    const job = String(buildResultKey ?? key ?? '');
    const path = `/download/${job.replace(/-\d+$/, '')}/build_logs/${job}.log`;
    const { status, body } = await callEndpoint(server, http, {
      method: 'GET',
      path,
      headers: { accept: 'text/plain' },
    });
    if (status >= 400 || !body) continue;
    await log.append(offset, body);
    offset += Buffer.byteLength(body);
  }
}

/** Bamboo's lists are maps with the word for one of them. */
function listIn(value: Json | undefined, word: string): JsonObject[] {
  return objectsIn(isObject(value) ? value[word] : undefined);
}
