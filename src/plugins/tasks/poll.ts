import { z } from 'zod';
import { messageOf } from '../../core/error.ts';
import { isObject, type JsonObject, parseJson } from '../../core/json.ts';
import { filledText, flag, integer, text, textMap } from '../../sdk/fields.ts';
import type { HttpAnswer } from '../../sdk/powers.ts';
import { defineTask, type Outcome, type TaskContext } from '../../sdk/task.ts';
import { answerOutput } from './rest.ts';

const criteria = (description: string) => text(description).default('');

export const poll = defineTask({
  type: 'POLL',
  title: 'POLL',
  summary: 'Asks an HTTP address again and again until the answer meets a criterion.',
  input: z.object({
    url: filledText('Address; asked by GET.'),
    headers: textMap('Header to value.').default({}),
    pollCount: integer('How often to ask at most.', 0).default(10),
    pollIntervalSeconds: z.coerce.number().min(0).describe('Seconds between two calls.').default(5),
    ignoreFailure: flag('Go on asking when a call fails in between.').default(false),
    exitCriteria: z
      .object({
        success: criteria('Over the fields of the answer: true ends well.'),
        failure: criteria('True ends badly.'),
      })
      .describe('When to stop asking.')
      .default({ success: '', failure: '' }),
  }),
  output: {
    responseCode: 'HTTP status of the last answer.',
    responseHeaders: 'Its headers.',
    responseBody: 'Its body: a tree where it is JSON.',
    responseJson: 'The same tree.',
    iterationCount: 'How often was asked.',
    pollCount: 'How often could have been asked.',
    interval: 'Seconds between two calls.',
    processedUrl: 'The address.',
  },
  endpoints: { agent: { types: ['agent'], required: false, description: 'Remote agent.' } },
  conditions: [
    ['exitCriteria', 'success'],
    ['exitCriteria', 'failure'],
  ],
  examples: [
    {
      title: 'Wait for a load balancer',
      yaml: "type: POLL\ninput:\n  url: http://${Build.Deploy.output.deploymentDetails.resources.balancer.address}:8080/health\n  headers: {}\n  pollCount: 30\n  pollIntervalSeconds: 2\n  ignoreFailure: true\n  exitCriteria: {success: '${responseCode} == 200', failure: ''}\n",
    },
  ],
  isRepeatable: () => true,
  start: async (input, context) => ask(input, 0, context),
  poll: async (ticket, input, context) => ask(input, isObject(ticket) ? Number(ticket.asked) : 0, context),
});

interface Input {
  url: string;
  headers: Record<string, string>;
  pollCount: number;
  pollIntervalSeconds: number;
  ignoreFailure: boolean;
  exitCriteria: { success: string; failure: string };
}

/** What an answer says about its own failure, in the fields that services use for that. */
function reasonIn(fields: JsonObject): string {
  const said = ['errorMessage', 'statusMessage', 'message', 'error'].map((name) => fields[name]);
  const reason = said.find((text) => typeof text === 'string' && text !== '');
  return reason === undefined ? '' : `. The answer says: ${String(reason)}`;
}

async function ask(input: Input, asked: number, { http, holds: isMet }: TaskContext): Promise<Outcome> {
  const { url, headers, pollCount, pollIntervalSeconds, ignoreFailure, exitCriteria } = input;
  const count = asked + 1;
  const again: Outcome = { wait: { asked: count }, seconds: pollIntervalSeconds };
  const isLast = count >= pollCount;
  const facts: JsonObject = {
    iterationCount: count,
    pollCount,
    interval: pollIntervalSeconds,
    processedUrl: url,
    inputHeaders: headers,
    expectedResponse: exitCriteria.success,
  };
  let answer: HttpAnswer;
  try {
    answer = await http({ method: 'GET', url, headers, timeout: 30_000 });
  } catch (thrown) {
    if (ignoreFailure && !isLast) return again;
    return {
      failed: isLast ? `After ${count} calls: ${messageOf(thrown)}` : messageOf(thrown),
      output: facts,
    };
  }
  const output: JsonObject = { ...answerOutput(answer), responseCode: answer.status, ...facts };
  const fields = {
    ...(isObject(parseJson(answer.body)) ? (parseJson(answer.body) as JsonObject) : {}),
    responseBody: output.responseBody!,
    responseJson: output.responseJson!,
    responseCode: answer.status,
  };
  if (holds(exitCriteria.success, fields)) return { done: output };
  if (holds(exitCriteria.failure, fields))
    return { failed: `The failure criterion was met: ${exitCriteria.failure.trim()}${reasonIn(fields)}`, output };
  if (answer.status >= 400 && !ignoreFailure)
    return { failed: `Request failed with status code : ${answer.status}`, output };
  if (isLast)
    return {
      failed: `The success criterion was not met in ${count} calls: ${exitCriteria.success.trim() || '(empty)'}; the last answer had status ${answer.status}.`,
      output,
    };
  return again;

  /** An empty criterion is never met. */
  function holds(criterion: string, fields: JsonObject): boolean {
    return criterion.trim() !== '' && isMet(criterion, fields);
  }
}
