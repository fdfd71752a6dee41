import { isObject, type Json } from '../../core/json.ts';
import type { JobSpec } from '../../sdk/powers.ts';
import type { Outcome, TaskContext } from '../../sdk/task.ts';

/** Looks come quickly at first, since most jobs are short, and then less and less often. */
const firstLook = 0.005;
const mostBetweenLooks = 0.2;

/** Most steps end sooner than this: then their start and their end are one change. In milliseconds. */
const patience = 100;

/** Puts a line of our own behind what the log of the task has. */
export async function tell({ log }: Pick<TaskContext, 'log'>, line: string): Promise<void> {
  await log.append(await log.offset(), `${line}\n`);
}

/** Starts a job under the key of the task. One that has ended at once is to be looked at at once. */
export async function startJob({ jobs, key }: Pick<TaskContext, 'jobs' | 'key'>, spec: JobSpec): Promise<Outcome> {
  const { hasEnded } = await jobs.start(key, spec, patience);
  return { wait: { looks: 0 }, seconds: hasEnded ? 0 : firstLook };
}

/** One look at a job: new output goes to the log, and the end to whoever knows what it means. */
export async function pollJob(
  ticket: Json,
  { jobs, key, log }: TaskContext,
  ended: (exitCode: number) => Promise<Outcome>,
): Promise<Outcome> {
  const from = await log.offset();
  const { status, exitCode, output, hasMore, stopped } = await jobs.state(key, from);
  const text = status === 'running' ? output.slice(0, output.lastIndexOf('\n') + 1) : output;
  if (text) await log.append(from, text);
  if (status === 'running') {
    const looks = (isObject(ticket) ? Number(ticket.looks ?? 0) : 0) + 1;
    return { wait: { looks }, seconds: Math.min(mostBetweenLooks, firstLook * 2 ** looks) };
  }
  if (hasMore) return { wait: isObject(ticket) ? ticket : {}, seconds: 0 };
  if (status === 'lost') return { failed: 'The process was lost: it ended while nobody could see how.' };
  if (stopped) return { failed: stopped };
  return ended(exitCode ?? 255);
}
