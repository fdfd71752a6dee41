import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { parseJson } from '../../core/json.ts';
import { filledText, text, textMap } from '../../sdk/fields.ts';
import type { HttpAnswer } from '../../sdk/powers.ts';
import { defineTask } from '../../sdk/task.ts';

export const rest = defineTask({
  type: 'REST',
  title: 'REST',
  summary: 'Calls an HTTP address once. A status from 400 fails the task; the answer stays readable.',
  input: z.object({
    action: z
      .preprocess((value) => String(value).toLowerCase(), z.enum(['get', 'post', 'put', 'patch', 'delete', 'head']))
      .describe('HTTP method, in lower case.'),
    url: filledText('Address.'),
    headers: textMap('Header to value.').default({}),
    payload: text('Body; empty for get.').default(''),
    fingerprint: text('Accepted certificate.').optional(),
    allowRedirects: z.unknown().describe('Ignored; kept for old files.').optional(),
  }),
  output: {
    responseCode: 'HTTP status.',
    responseHeaders: 'Headers of the answer.',
    responseBody: 'The answer: a tree where it is JSON, else text.',
    responseJson: 'The same tree; null where it is no JSON.',
  },
  endpoints: {
    agent: {
      types: ['agent'],
      required: false,
      description: 'Remote agent; calls are made from this server when none is given.',
    },
  },
  examples: [
    {
      title: 'Ask a service',
      yaml: 'type: REST\ninput:\n  action: get\n  url: https://service.example/health\n  headers: {Accept: application/json}\n',
    },
  ],
  /** HTTP promises that these may be repeated; POST and PATCH may not. The key goes along for far sides that honour it. */
  isRepeatable: ({ action }) => action !== 'post' && action !== 'patch',
  async start({ action, url, headers, payload }, { http, key, signal }) {
    const answer = await http({
      method: action.toUpperCase(),
      url,
      headers: { 'idempotency-key': key, ...headers },
      body: payload,
      signal,
    });
    const output = { ...answerOutput(answer), responseCode: answer.status };
    if (answer.status >= 400) return { failed: `Request failed with status code : ${answer.status}`, output };
    return { done: output };
  },
});

/** The answer of an HTTP call as tasks put it out. `Authorization` keeps its usual spelling: many pipelines read it. */
export function answerOutput({ headers, body }: HttpAnswer): JsonObject {
  const json = parseJson(body) ?? null;
  const named = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
      value,
    ]),
  );
  return { responseHeaders: named, responseBody: json ?? body, responseJson: json };
}
