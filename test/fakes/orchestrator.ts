import type { TestContext } from 'node:test';
import { z } from 'zod';
import { basic, type FakeAnswer, type FakeRequest, fakeServer } from './server.ts';

const Value = z.union([
  z.strictObject({ string: z.strictObject({ value: z.string() }) }),
  z.strictObject({ number: z.strictObject({ value: z.number() }) }),
  z.strictObject({ boolean: z.strictObject({ value: z.boolean() }) }),
  z.strictObject({ 'secure-string': z.strictObject({ value: z.string() }) }),
  z.strictObject({ 'sdk-object': z.strictObject({ type: z.string(), id: z.string() }) }),
  z.strictObject({ properties: z.strictObject({ property: z.array(z.unknown()) }) }),
  z.strictObject({ array: z.strictObject({ elements: z.array(z.unknown()) }) }),
]);
const Start = z.strictObject({
  parameters: z.array(z.strictObject({ name: z.string(), type: z.string(), scope: z.literal('local'), value: Value })),
});

export interface FakeWorkflow {
  id: string;
  name: string;
  inputs: Record<string, string>;
  /** What it gives, wrapped as the server does, or why it fails. */
  run(
    inputs: Record<string, unknown>,
  ): { outputs: { name: string; type: string; value: unknown }[] } | { exception: string };
}

/** vRealize Orchestrator, stricter than the original: each value must be wrapped in the type that the workflow declares. */
export async function orchestrator(t: Pick<TestContext, 'after'>, workflows: FakeWorkflow[]) {
  const runs: {
    id: string;
    workflow: FakeWorkflow;
    inputs: Record<string, unknown>;
    looks: number;
    cancelled: boolean;
  }[] = [];
  const fake = await fakeServer(t, answer);
  return { ...fake, runs };

  function answer({ method, path, query, headers, body }: FakeRequest): FakeAnswer {
    if (path === '/vco/api/about') return { body: { version: '8.18.1' } };
    if (headers.authorization !== basic('ci', 'secret')) return { status: 401, body: '' };
    if (path === '/vco/api/workflows') {
      const name = /^name=(.*)$/.exec(query.get('conditions') ?? '')?.[1];
      // A condition finds parts of names as well.
      const found = workflows.filter((one) => name === undefined || one.name.includes(name));
      return {
        body: {
          total: found.length,
          link: found.map((one) => ({
            rel: 'down',
            attributes: [
              { name: 'id', value: one.id },
              { name: 'name', value: one.name },
            ],
          })),
        },
      };
    }
    const [, id, rest = ''] = /^\/vco\/api\/workflows\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    const workflow = workflows.find((one) => one.id === id);
    if (!workflow) return { status: 404, body: { message: 'Can not find workflow.' } };
    if (rest === '')
      return {
        body: {
          id,
          name: workflow.name,
          'input-parameters': Object.entries(workflow.inputs).map(([name, type]) => ({ name, type })),
        },
      };
    if (rest === '/executions' && method === 'POST') return begin(workflow, body);
    const [, run, what = ''] = /^\/executions\/([^/]+)(\/.*)?$/.exec(rest) ?? [];
    const found = runs.find((one) => one.id === run);
    if (!found) return { status: 404, body: { message: 'Can not find workflow run.' } };
    if (what === '/logs') return { body: { logs: [{ entry: { 'short-description': 'it ran' } }] } };
    if (what === '/state' && method === 'DELETE') {
      found.cancelled = true;
      return { status: 200 };
    }
    if (found.cancelled) return { body: { state: 'canceled' } };
    if (++found.looks < 3) return { body: { state: 'running' } };
    const result = workflow.run(found.inputs);
    if ('exception' in result) return { body: { state: 'failed', 'content-exception': result.exception } };
    return { body: { state: 'completed', 'output-parameters': result.outputs } };
  }

  function begin(workflow: FakeWorkflow, body: string): FakeAnswer {
    const asked = Start.safeParse(JSON.parse(body));
    if (!asked.success) return { status: 400, body: { message: z.prettifyError(asked.error) } };
    const wrong = asked.data.parameters.find(({ name, type }) => workflow.inputs[name] !== type);
    if (wrong) return { status: 400, body: { message: `${wrong.name} has the type ${workflow.inputs[wrong.name]}` } };
    const id = `run-${runs.length + 1}`;
    const inputs = Object.fromEntries(asked.data.parameters.map(({ name, value }) => [name, value]));
    runs.push({ id, workflow, inputs, looks: 0, cancelled: false });
    return {
      status: 202,
      headers: { location: `https://vro.invalid/vco/api/workflows/${workflow.id}/executions/${id}/` },
    };
  }
}
