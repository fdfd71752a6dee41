import { z } from 'zod';
import { isObject, type Json, type JsonObject, objectsIn } from '../../../core/json.ts';
import { text } from '../../../sdk/fields.ts';
import type { Endpoint } from '../../../sdk/powers.ts';
import { defineTask, type TaskContext } from '../../../sdk/task.ts';
import { vcoPath } from '../../endpoints/build-servers.ts';
import { askEndpoint, callEndpoint, pauseBeforeLook, refusal } from '../../far-side.ts';

const input = z.object({
  workflowName: text('Name of the workflow.').default(''),
  workflowID: text('Its id, which goes before its name.').default(''),
  parameters: z.record(z.string(), z.json()).describe('Inputs of the workflow.').default({}),
});

interface Ticket {
  path: string;
  looks: number;
}

export const vro = defineTask({
  type: 'vRO',
  title: 'Orchestrator workflow',
  summary: 'Runs a workflow of vRealize Orchestrator and waits for its end.',
  input,
  output: { properties: 'The outputs of the workflow, by their name.' },
  endpoints: {
    vroServer: { types: ['vro'], required: false, description: 'The server.' },
    vcoServer: { types: ['vro'], required: false, description: 'The same, as files of 2019 have it.' },
  },
  examples: [
    {
      title: 'Run a workflow',
      yaml: 'type: vRO\nendpoints: {vroServer: orchestrator}\ninput:\n  workflowName: Create VLAN\n  parameters: {vlan: 7}\n',
    },
  ],
  /** A run carries nothing that it could be found by, so people are asked. */
  isRepeatable: () => false,

  async start(given, context) {
    const server = serverOf(context);
    if (!server) return { failed: 'The task names no endpoint for `vroServer`.' };
    const base = `${vcoPath(server)}/api/workflows`;
    const id = given.workflowID || (await findWorkflow(server, context, base, given.workflowName));
    if (!id) return { failed: `The server has no workflow ${given.workflowName || '(none is named)'}.` };
    const path = `${base}/${encodeURIComponent(id)}`;
    const types = inputTypes(await askEndpoint(server, context.http, { method: 'GET', path }));
    const unknown = Object.keys(given.parameters).filter((name) => types[name] === undefined);
    if (unknown.length > 0)
      return {
        failed: `The workflow has no input ${unknown.join(', ')}; it has ${Object.keys(types).join(', ') || 'none'}.`,
      };
    const call = {
      method: 'POST',
      path: `${path}/executions`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        parameters: Object.entries(given.parameters).map(([name, value]) => ({
          ...{ name, type: types[name]!, scope: 'local', value: toValue(types[name]!, value) },
        })),
      }),
    } as const;
    const answer = await callEndpoint(server, context.http, call);
    if (answer.status >= 300) throw refusal(server, call, answer);
    const run = /\/executions\/([^/?]+)\/?$/.exec(answer.headers.location ?? '')?.[1];
    if (!run) return { failed: 'The server took the request and did not say which run it is.' };
    return { wait: { path: `${path}/executions/${run}`, looks: 0 }, seconds: pauseBeforeLook(server, 0) };
  },

  async poll(ticket, _, context) {
    const { path, looks } = ticket as unknown as Ticket;
    const server = serverOf(context)!;
    const run = await askEndpoint(server, context.http, { method: 'GET', path });
    const state = String(run.state ?? '').toLowerCase();
    if (!['completed', 'failed', 'canceled'].includes(state))
      return { wait: { path, looks: looks + 1 } as Json, seconds: pauseBeforeLook(server, looks) };
    await takeLog(path, server, context);
    const properties = Object.fromEntries(
      objectsIn(run['output-parameters'] ?? run.outputParameters).map(({ name, value }) => [
        String(name),
        fromValue(value ?? null),
      ]),
    );
    if (state === 'completed') return { done: { properties } };
    const reason = String(run['content-exception'] ?? run.contentException ?? '').trim();
    return {
      failed:
        state === 'canceled' ? 'The workflow was canceled.' : `The workflow failed${reason ? `: ${reason}` : ''}.`,
      output: { properties },
    };
  },

  async cancel(ticket, _, context) {
    const { path } = ticket as unknown as Ticket;
    await callEndpoint(serverOf(context)!, context.http, { method: 'DELETE', path: `${path}/state` });
  },
});

const serverOf = ({ endpoint }: TaskContext): Endpoint | undefined => endpoint('vroServer') ?? endpoint('vcoServer');

/** Its id, by its whole name. Links of a list hold attributes as pairs of name and value. */
async function findWorkflow(
  server: Endpoint,
  { http }: TaskContext,
  base: string,
  name: string,
): Promise<string | undefined> {
  if (!name) return undefined;
  const { link } = await askEndpoint(server, http, {
    method: 'GET',
    path: `${base}?conditions=${encodeURIComponent(`name=${name}`)}`,
  });
  for (const { attributes } of objectsIn(link)) {
    const known = Object.fromEntries(objectsIn(attributes).map((one) => [String(one.name), String(one.value)]));
    if (known.name === name && known.id) return known.id;
  }
  return undefined;
}

const inputTypes = (workflow: JsonObject): Record<string, string> =>
  Object.fromEntries(
    objectsIn(workflow['input-parameters'] ?? workflow.inputParameters).map(({ name, type }) => [
      String(name),
      String(type),
    ]),
  );

/** The server wraps each value in the name of its type. */
function toValue(type: string, value: Json): JsonObject {
  if (type.startsWith('Array/')) {
    const items = Array.isArray(value) ? value : String(value).split(',');
    return { array: { elements: items.map((item) => toValue(type.slice('Array/'.length), item)) } };
  }
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  switch (type) {
    case 'number':
      return { number: { value: Number(value) } };
    case 'boolean':
      return { boolean: { value: value === true || value === 'true' } };
    case 'SecureString':
      return { 'secure-string': { value: plain } };
    case 'Properties':
      return {
        properties: {
          property: Object.entries(isObject(value) ? value : {}).map(([key, one]) => ({
            key,
            value: { string: { value: typeof one === 'string' ? one : JSON.stringify(one) } },
          })),
        },
      };
    case 'string':
      return { string: { value: plain } };
    default:
      // Anything of an inventory is given by the type and the id of the object.
      return { 'sdk-object': { type, id: plain } };
  }
}

function fromValue(value: Json): Json {
  if (!isObject(value)) return value;
  const [[type, inner] = []] = Object.entries(value);
  if (!isObject(inner)) return value;
  if (type === 'array') return objectsIn(inner.elements).map(fromValue);
  if (type === 'properties')
    return Object.fromEntries(objectsIn(inner.property).map((one) => [String(one.key), fromValue(one.value ?? null)]));
  return inner.value === undefined ? inner : inner.value;
}

async function takeLog(path: string, server: Endpoint, { http, log }: TaskContext): Promise<void> {
  const { status, body } = await callEndpoint(server, http, { method: 'GET', path: `${path}/logs` });
  if (status >= 400) return;
  const lines = objectsIn((JSON.parse(body || '{}') as JsonObject).logs).flatMap(({ entry }) =>
    isObject(entry) ? [String(entry['long-description'] ?? entry['short-description'] ?? '')] : [],
  );
  if (lines.length > 0) await log.append(await log.offset(), `${lines.join('\n')}\n`);
}
