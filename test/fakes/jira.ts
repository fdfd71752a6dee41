import type { TestContext } from 'node:test';
import { z } from 'zod';
import { basic, type FakeAnswer, type FakeRequest, fakeServer } from './server.ts';

const Issue = z.strictObject({
  fields: z.strictObject({
    project: z.strictObject({ key: z.literal('TITO') }),
    issuetype: z.strictObject({ name: z.enum(['Bug', 'Task']) }),
    summary: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^\n]*$/),
    description: z.string(),
    labels: z.array(z.string().regex(/^\S+$/)),
    assignee: z.strictObject({ name: z.string() }).optional(),
  }),
});

/** Jira, stricter than the original: a field that it does not know is refused, and so is a label with a blank. */
export async function jiraServer(t: Pick<TestContext, 'after'>) {
  const issues: z.infer<typeof Issue>['fields'][] = [];
  const fake = await fakeServer(t, answer);
  return { ...fake, issues };

  function answer({ method, path, query, headers, body }: FakeRequest): FakeAnswer {
    if (headers.authorization !== basic('ci', 'secret')) return { status: 401, body: 'Unauthorized' };
    if (path === '/rest/api/2/search') {
      const label = /^labels = "([^"]+)"$/.exec(query.get('jql') ?? '')?.[1];
      const found = issues.flatMap(({ labels }, at) =>
        labels.includes(label ?? '') ? [{ key: `TITO-${at + 1}` }] : [],
      );
      return { body: { total: found.length, issues: found } };
    }
    if (method !== 'POST' || path !== '/rest/api/2/issue') return { status: 404, body: {} };
    const asked = Issue.safeParse(JSON.parse(body));
    if (!asked.success) return { status: 400, body: { errorMessages: [z.prettifyError(asked.error)] } };
    issues.push(asked.data.fields);
    return { status: 201, body: { id: '1', key: `TITO-${issues.length}` } };
  }
}
