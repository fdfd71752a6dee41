/** One execution's place in the queue of its pipeline. */
export interface Turnholder {
  execution: string;
  /** Number of the execution in its pipeline: a higher one is newer. */
  index: number;
  /** Higher ones come first. */
  priority: number;
  /** Newer executions of the same group take the place of older ones; null: of none. */
  group: string | null;
}

/** Which executions of one pipeline run, and which wait for their turn: by priority, then in the order in which they came. */
export interface Queue {
  running: Turnholder[];
  waiting: Turnholder[];
}

export type QueueMessage = { type: 'enter'; entry: Turnholder } | { type: 'leave'; execution: string };

/** `superseded`: executions that a newer one of their group takes the place of, and that newer one. */
export interface QueueDecision {
  queue: Queue;
  admitted: string[];
  superseded: { execution: string; by: Turnholder }[];
}

export const emptyQueue: Queue = { running: [], waiting: [] };

/**
 * At most `limit` executions of a pipeline run at once. Entering twice, or leaving without having entered, changes nothing, so
 * that a repeated message does no harm.
 */
export function decideQueue(queue: Queue, message: QueueMessage, limit: number): QueueDecision {
  const next = message.type === 'leave' ? without(queue, message.execution) : withEntry(queue, message.entry);
  const admitted = next.waiting.slice(0, Math.max(0, limit - next.running.length));
  return {
    queue: { running: [...next.running, ...admitted], waiting: next.waiting.slice(admitted.length) },
    admitted: admitted.map(({ execution }) => execution),
    superseded: message.type === 'enter' ? supersededIn(queue, message.entry) : [],
  };
}

/** What becomes of those who come together: each runs or waits, or (`undefined`) is not let in, since others are concerned by that. */
export interface Entries {
  queue: Queue;
  places: ('runs' | 'waits' | undefined)[];
}

/** One after the other, as if each came alone. */
export function decideEntries(queue: Queue, comers: { entry: Turnholder; limit: number }[]): Entries {
  const places: Entries['places'] = [];
  let next = queue;
  for (const { entry, limit } of comers) {
    const { queue: after, admitted, superseded } = decideQueue(next, { type: 'enter', entry }, limit);
    const isAlone = superseded.length === 0 && admitted.every((execution) => execution === entry.execution);
    places.push(isAlone ? (admitted.length > 0 ? 'runs' : 'waits') : undefined);
    if (isAlone) next = after;
  }
  return { queue: next, places };
}

const without = ({ running, waiting }: Queue, gone: string): Queue => ({
  running: running.filter(({ execution }) => execution !== gone),
  waiting: waiting.filter(({ execution }) => execution !== gone),
});

/** Behind all that are as urgent, before all that are less so. */
function withEntry(queue: Queue, entry: Turnholder): Queue {
  const isKnown = [...queue.running, ...queue.waiting].some(({ execution }) => execution === entry.execution);
  if (isKnown) return queue;
  const place = queue.waiting.findIndex(({ priority }) => priority < entry.priority);
  return { ...queue, waiting: queue.waiting.toSpliced(place < 0 ? queue.waiting.length : place, 0, entry) };
}

/** An old execution that comes back, such as one that goes on from a failure, may be the one that has been superseded. */
function supersededIn({ running, waiting }: Queue, entry: Turnholder): QueueDecision['superseded'] {
  if (entry.group === null) return [];
  const others = [...running, ...waiting].filter(
    ({ group, execution }) => group === entry.group && execution !== entry.execution,
  );
  const older = others.filter(({ index }) => index < entry.index);
  const newer = others.find(({ index }) => index > entry.index);
  return newer ? [{ execution: entry.execution, by: newer }] : older.map(({ execution }) => ({ execution, by: entry }));
}
