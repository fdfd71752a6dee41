import type { Client } from '../api/client.ts';
import { lineFor } from '../cli/follow.ts';
import { paints } from '../cli/output.ts';
import { messageOf } from '../core/error.ts';
import { metricLines } from '../lang/metric-line.ts';
import { evolve } from '../pipeline/evolve.ts';
import type { Execution, ExecutionEvent } from '../pipeline/execution.ts';
import { patiently } from './patiently.ts';
import type { Terminal } from './terminal.ts';

export interface Following {
  client: Client;
  say(text: string): void;
  onEvent(event: ExecutionEvent): void;
  /** Who answers questions; without one, the demo says yes. */
  terminal: Terminal | undefined;
}

/** Tells of a run while it runs, answers its questions, and answers what it came to. */
export async function followRun(id: string, { client, say, onEvent, terminal }: Following): Promise<Execution> {
  const stop = new AbortController();
  let state: Execution | null = null;
  for await (const { data } of client.events(
    `/api/events?${new URLSearchParams({ execution: id })}`,
    '0',
    stop.signal,
  )) {
    const event = data as unknown as ExecutionEvent;
    const before: Execution | null = state;
    state = evolve(state, event);
    const line = lineFor(before, state, event);
    if (line) say(line);
    onEvent(event);
    if (event.type === 'task-ended' && (event.status === 'FAILED' || event.status === 'FAILED_CONTINUE'))
      say(await lastOfLog(client, id, `${event.stage}.${event.task}`));
    if (event.type === 'task-waiting') void answer(client, event.question.id, event.question.summary, terminal, say);
    if (event.type === 'execution-ended') break;
  }
  stop.abort();
  return state!;
}

/** What a failed task said last. */
async function lastOfLog(client: Client, id: string, task: string): Promise<string> {
  const { text } = await patiently(() =>
    client.json('GET', `/api/executions/${id}/logs?${new URLSearchParams({ task })}`),
  );
  const lines = String(text ?? '')
    .trim()
    .split('\n')
    .filter((line) => metricLines(line, 0).length === 0)
    .slice(-6);
  return paints.dim(lines.map((line) => `        ${line}`).join('\n'));
}

/** Says yes for the user, unless the user wants to say it. */
async function answer(
  client: Client,
  question: string,
  summary: string,
  terminal: Terminal | undefined,
  say: (text: string) => void,
): Promise<void> {
  const approved = terminal ? await terminal.agrees(summary) : true;
  const body = {
    status: approved ? 'APPROVED' : 'REJECTED',
    responseMessage: terminal ? 'Answered in the terminal.' : 'Answered by the demo.',
  };
  await patiently(async () => {
    const state = await client.json('GET', `/codestream/api/user-operations/${question}`);
    if (state.status === 'ACTIVE') await client.json('PATCH', `/codestream/api/user-operations/${question}`, body);
  }).catch((thrown) => say(messageOf(thrown)));
}
