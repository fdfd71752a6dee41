import type { TestContext } from 'node:test';
import { z } from 'zod';
import { basic, type FakeAnswer, type FakeRequest, fakeServer } from './server.ts';

const Queue = z.strictObject({
  definition: z.strictObject({ id: z.number().int() }),
  parameters: z.string(),
  sourceBranch: z.string().startsWith('refs/').optional(),
});

/** Team Foundation Server, stricter than the original: every call names its version, and a body has no key that it does not know. */
export async function tfsServer(
  t: Pick<TestContext, 'after'>,
  definitions: Record<number, { name: string; ends?: string }>,
) {
  const builds: { id: number; definition: number; parameters: string; looks: number; cancelled: boolean }[] = [];
  const fake = await fakeServer(t, answer);
  return { ...fake, builds };

  function answer({ method, path, query, headers, body }: FakeRequest): FakeAnswer {
    if (headers.authorization !== basic('ci', 'secret')) return { status: 401, body: '' };
    if (query.get('api-version') !== '2.0') return { status: 400, body: { message: 'No api-version was supplied.' } };
    if (path === '/_apis/projects') return { body: { count: 1, value: [{ name: 'Tito' }] } };
    const what = /^\/Tito\/_apis\/build\/(.*)$/.exec(path)?.[1];
    if (what === undefined) return { status: 404, body: { message: `The project in ${path} does not exist.` } };
    if (what === 'definitions') {
      const value = Object.entries(definitions).filter(([, { name }]) => name === query.get('name'));
      return { body: { count: value.length, value: value.map(([id, { name }]) => ({ id: Number(id), name })) } };
    }
    if (what === 'builds' && method === 'POST') {
      const asked = Queue.safeParse(JSON.parse(body));
      if (!asked.success) return { status: 400, body: { message: z.prettifyError(asked.error) } };
      const { definition, parameters } = asked.data;
      if (!definitions[definition.id])
        return { status: 400, body: { message: `Definition ${definition.id} does not exist.` } };
      builds.push({ id: builds.length + 100, definition: definition.id, parameters, looks: 0, cancelled: false });
      return { body: { id: builds.at(-1)!.id, status: 'notStarted' } };
    }
    if (what === 'builds') {
      const value = builds.filter(({ definition }) => String(definition) === query.get('definitions'));
      return { body: { count: value.length, value: value.map(({ id, parameters }) => ({ id, parameters })) } };
    }
    const [, id, rest = ''] = /^builds\/(\d+)(\/.*)?$/.exec(what) ?? [];
    const build = builds.find((one) => String(one.id) === id);
    if (!build) return { status: 404, body: { message: `Build ${id} does not exist.` } };
    if (rest === '/logs') return { body: { count: 1, value: [{ id: 1 }] } };
    if (rest === '/logs/1') return { body: 'compiled\n' };
    if (method === 'PATCH') {
      build.cancelled = JSON.parse(body).status === 'cancelling';
      return { body: { id: build.id, status: 'cancelling' } };
    }
    if (++build.looks < 3) return { body: { id: build.id, status: 'inProgress' } };
    const result = build.cancelled ? 'canceled' : (definitions[build.definition]!.ends ?? 'succeeded');
    return {
      body: {
        id: build.id,
        buildNumber: `b.${build.id}`,
        status: 'completed',
        result,
        _links: { web: { href: 'https://tfs.invalid/7' } },
      },
    };
  }
}
