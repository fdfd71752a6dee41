/** Which executions of one pipeline run, and which wait for their turn, oldest first. */
export interface Queue {
  running: string[];
  waiting: string[];
}

export type QueueMessage = { type: 'enter' | 'leave'; execution: string };

export const emptyQueue: Queue = { running: [], waiting: [] };

/**
 * At most `limit` executions of a pipeline run at once. Entering twice, or leaving without having entered, changes nothing, so
 * that a repeated message does no harm.
 */
export function decideQueue(
  queue: Queue,
  { type, execution }: QueueMessage,
  limit: number,
): { queue: Queue; admitted: string[] } {
  const known = queue.running.includes(execution) || queue.waiting.includes(execution);
  const without = (ids: string[]) => ids.filter((id) => id !== execution);
  const next =
    type === 'leave'
      ? { running: without(queue.running), waiting: without(queue.waiting) }
      : { running: queue.running, waiting: known ? queue.waiting : [...queue.waiting, execution] };
  const admitted = next.waiting.slice(0, Math.max(0, limit - next.running.length));
  return {
    queue: { running: [...next.running, ...admitted], waiting: next.waiting.slice(admitted.length) },
    admitted,
  };
}
