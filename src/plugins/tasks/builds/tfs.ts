import { z } from 'zod';
import { isObject, type Json, type JsonObject, objectsIn, parseJson } from '../../../core/json.ts';
import { text, textMap } from '../../../sdk/fields.ts';
import type { Endpoint } from '../../../sdk/powers.ts';
import { defineTask, type TaskContext } from '../../../sdk/task.ts';
import { askEndpoint, callEndpoint, pauseBeforeLook } from '../../far-side.ts';

/** The parameter by which a build is known as ours. */
export const marker = 'MILLRACE_RUN';

const version = 'api-version=2.0';

/** No file of the original with this task was ever seen; all of the names that were thought of are taken. */
const input = z.object({
  projectCollection: text('Collection, where the endpoint does not end with it.').default(''),
  teamProject: text('Team project.').default(''),
  project: text('The same.').default(''),
  buildDefinitionId: text('Number of the build definition.').default(''),
  buildDefinition: text('Its name.').default(''),
  sourceBranch: text('Branch; that of the definition when empty.').default(''),
  parameters: textMap('Variables of the build.').default({}),
});

interface Ticket {
  path: string;
  build: number;
  looks: number;
}

export const tfs = defineTask({
  type: 'TFS',
  title: 'Team Foundation Server',
  summary: 'Queues a build of a definition and waits for its end; its logs come when it has ended.',
  input,
  output: {
    buildId: 'Number of the build.',
    buildNumber: 'Its name.',
    buildUrl: 'Its page.',
    result: '`succeeded`, `partiallySucceeded`, `failed` or `canceled`.',
  },
  endpoints: { tfsServer: { types: ['tfs'], required: true, description: 'The server.' } },
  examples: [
    {
      title: 'Build',
      yaml: 'type: TFS\nendpoints: {tfsServer: builds}\ninput: {teamProject: Tito, buildDefinitionId: 7}\n',
    },
  ],
  /** A build carries the key of its task as a parameter, and is found by that. */
  looksBack: true,
  isRepeatable: () => true,

  async start(given, { endpoint, http, key, isRepeat }) {
    const server = endpoint('tfsServer')!;
    const project = given.teamProject || given.project;
    if (!project) return { failed: 'The task names no `teamProject`.' };
    const path = ['', given.projectCollection, project]
      .filter((part, at) => at === 0 || part)
      .map(encodeURIComponent)
      .join('/');
    const definition = await definitionOf(given, server, http, path);
    if (definition === undefined)
      return {
        failed: `${project} has no build definition ${given.buildDefinition || given.buildDefinitionId || '(none is named)'}.`,
      };
    if (isRepeat) {
      const { value } = await askEndpoint(server, http, {
        method: 'GET',
        path: `${path}/_apis/build/builds?definitions=${definition}&$top=50&${version}`,
      });
      const found = objectsIn(value).find(({ parameters }) => {
        const said = parseJson(String(parameters ?? ''));
        return isObject(said) && said[marker] === key;
      });
      if (found) return { wait: { path, build: Number(found.id), looks: 0 }, seconds: 0 };
    }
    const { id } = await askEndpoint(server, http, {
      method: 'POST',
      path: `${path}/_apis/build/builds?${version}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        definition: { id: definition },
        parameters: JSON.stringify({ ...given.parameters, [marker]: key }),
        ...(given.sourceBranch ? { sourceBranch: given.sourceBranch } : {}),
      }),
    });
    return { wait: { path, build: Number(id), looks: 0 }, seconds: pauseBeforeLook(server, 0) };
  },

  async poll(ticket, _, context) {
    const { path, build, looks } = ticket as unknown as Ticket;
    const server = context.endpoint('tfsServer')!;
    const state = await askEndpoint(server, context.http, {
      method: 'GET',
      path: `${path}/_apis/build/builds/${build}?${version}`,
    });
    if (state.status !== 'completed')
      return { wait: { path, build, looks: looks + 1 } as Json, seconds: pauseBeforeLook(server, looks) };
    await takeLogs(`${path}/_apis/build/builds/${build}/logs`, server, context);
    const web = isObject(state._links) && isObject(state._links.web) ? state._links.web.href : undefined;
    const { buildNumber = '', result = '' } = state;
    const output: JsonObject = { buildId: build, buildNumber, buildUrl: web ?? '', result };
    if (result === 'succeeded') return { done: output };
    return { failed: `Build ${String(buildNumber || build)} ended as ${String(result)}.`, output };
  },

  async cancel(ticket, _, { endpoint, http }) {
    const { path, build } = ticket as unknown as Ticket;
    await callEndpoint(endpoint('tfsServer')!, http, {
      method: 'PATCH',
      path: `${path}/_apis/build/builds/${build}?${version}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'cancelling' }),
    });
  },
});

async function definitionOf(
  { buildDefinition, buildDefinitionId }: z.infer<typeof input>,
  server: Endpoint,
  http: TaskContext['http'],
  path: string,
): Promise<number | undefined> {
  if (/^\d+$/.test(buildDefinitionId)) return Number(buildDefinitionId);
  const name = buildDefinition || buildDefinitionId;
  if (!name) return undefined;
  const { value } = await askEndpoint(server, http, {
    method: 'GET',
    path: `${path}/_apis/build/definitions?name=${encodeURIComponent(name)}&${version}`,
  });
  const [found] = objectsIn(value);
  return found && Number(found.id);
}

async function takeLogs(path: string, server: Endpoint, { http, log }: TaskContext): Promise<void> {
  const list = await callEndpoint(server, http, { method: 'GET', path: `${path}?${version}` });
  const told = parseJson(list.body);
  let offset = await log.offset();
  for (const { id } of objectsIn(isObject(told) ? told.value : undefined)) {
    const { status, body } = await callEndpoint(server, http, {
      method: 'GET',
      path: `${path}/${String(id)}?${version}`,
      headers: { accept: 'text/plain' },
    });
    if (status >= 400 || !body) continue;
    await log.append(offset, body);
    offset += Buffer.byteLength(body);
  }
}
