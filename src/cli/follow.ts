import type { Client } from '../api/client.ts';
import { formatDuration } from '../core/duration.ts';
import type { JsonObject } from '../core/json.ts';
import { evolve } from '../pipeline/evolve.ts';
import { type Execution, type ExecutionEvent, taskKey } from '../pipeline/execution.ts';
import { executionRecord } from '../pipeline/record.ts';
import { type OutputFormat, paints, print, statusSign } from './output.ts';
import type { ExitCode } from './program.ts';

/** Shows a run until its end, folding the same events with the same functions as the server. Ctrl-C detaches. */
export async function follow(client: Client, id: string, output: OutputFormat): Promise<ExitCode> {
  await client.json('GET', `/codestream/api/executions/${id}`);
  const stop = new AbortController();
  const detach = () => {
    process.stderr.write(`\nThe run goes on. Follow it again: millrace follow ${id}\n`);
    stop.abort();
  };
  process.once('SIGINT', detach);
  let state: Execution | null = null;
  for await (const { data } of client.events(
    `/api/events?${new URLSearchParams({ execution: id })}`,
    '0',
    stop.signal,
  )) {
    const before: Execution | null = state;
    state = evolve(state, data as unknown as ExecutionEvent);
    if (output === 'text') say(before, state, data as unknown as ExecutionEvent);
    if (state.endedAt !== null) break;
  }
  process.off('SIGINT', detach);
  stop.abort();
  if (!state) return 3;
  if (output !== 'text') print(output, executionRecord(state, { withStages: true }) as JsonObject, () => '');
  return exitCodeOf(state);
}

/** Cancelled and rejected are a person's decision; failed is what the work said. */
function exitCodeOf({ status, tasks }: Execution): ExitCode {
  const isRejected = Object.values(tasks).some(
    (task) => task.status === 'FAILED' && task.message.startsWith('User Operation request has been rejected'),
  );
  return status === 'CANCELED' || isRejected ? 4 : status === 'COMPLETED' ? 0 : 1;
}

function say(before: Execution | null, after: Execution, event: ExecutionEvent): void {
  const line = lineFor(before, after, event);
  if (line) process.stdout.write(`${line}\n`);
}

/** One line for what people want to know; nothing for the rest. */
export function lineFor(_: Execution | null, after: Execution, event: ExecutionEvent): string | undefined {
  const { plan } = after;
  switch (event.type) {
    case 'execution-created':
      return paints.bold(`${plan.pipeline.name} #${plan.index}`) + paints.dim(` ${plan.comments}`);
    case 'rollback-started':
      return `  ${statusSign('RUNNING')} ${after.message}`;
    case 'rollback-ended':
      return `  ${statusSign(event.ok ? 'COMPLETED' : 'FAILED')} ${plan.pipeline.rollbacks[event.number]?.name ?? ''} ${paints.dim(event.ok ? 'rolled back' : 'failed')} ${event.message}`;
    case 'execution-paused':
      return `  ${statusSign('WAITING')} ${after.message} ${paints.dim(`(millrace resume ${plan.execution})`)}`;
    case 'execution-resumed':
      return paints.dim(`  ${after.message}`);
    case 'stage-started':
      return paints.bold(`  ${event.stage}`);
    case 'task-started':
      return `    ${statusSign('RUNNING')} ${event.task}`;
    case 'task-retrying':
      return `    ${statusSign('FAILED')} ${event.task} ${paints.dim(`attempt ${event.attempt} failed; again in ${formatDuration(event.until - event.at)}:`)} ${event.message}`;
    case 'task-skipped':
      return `    ${statusSign('SKIPPED')} ${event.task} ${paints.dim('skipped')}`;
    case 'task-waiting':
      return `    ${statusSign('WAITING')} ${event.task}: ${event.question.summary} ${paints.dim(`(millrace approve ${event.question.id})`)}`;
    case 'task-approved':
      return `    ${statusSign('WAITING')} ${event.task}: approved by ${event.by}, others are asked`;
    case 'task-ended': {
      const task = after.tasks[taskKey(event.stage, event.task)]!;
      const spent = 'startedAt' in task ? formatDuration(event.at - task.startedAt) : '';
      return `    ${statusSign(event.status)} ${event.task} ${paints.dim(`${event.status === 'FAILED_CONTINUE' ? 'failed, goes on,' : event.status.toLowerCase()} in ${spent}`)}${event.message ? ` ${event.message}` : ''}`;
    }
    case 'execution-ended':
      return `${statusSign(event.status)} ${event.status} ${paints.dim(`in ${formatDuration(event.at - after.requestedAt)}`)} ${event.message}`;
    default:
      return undefined;
  }
}
