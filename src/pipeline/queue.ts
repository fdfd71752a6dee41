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
  if (message.type === 'leave') return decideLeaves(queue, [message.execution], limit);
  return { ...admit(withEntry(queue, message.entry), limit), superseded: supersededIn(queue, message.entry) };
}

/** Those that leave together, and who is admitted in their places: as if each left alone. */
export function decideLeaves(queue: Queue, executions: string[], limit: number): QueueDecision {
  const gone = new Set(executions);
  const others = (entries: Turnholder[]) => entries.filter(({ execution }) => !gone.has(execution));
  return { ...admit({ running: others(queue.running), waiting: others(queue.waiting) }, limit), superseded: [] };
}

function admit({ running, waiting }: Queue, limit: number): Omit<QueueDecision, 'superseded'> {
  const admitted = waiting.slice(0, Math.max(0, limit - running.length));
  return {
    queue: { running: [...running, ...admitted], waiting: waiting.slice(admitted.length) },
    admitted: admitted.map(({ execution }) => execution),
  };
}

/** What becomes of those who come together: each runs or waits, or (`undefined`) is there already or concerns others by its coming. */
export interface Entries {
  queue: Queue;
  places: ('runs' | 'waits' | undefined)[];
}

/** One after the other, as if each came alone; a thousand that wait are not copied for each of a hundred that come. */
export function decideEntries(before: Queue, comers: { entry: Turnholder; limit: number }[]): Entries {
  const queue: Queue = { running: [...before.running], waiting: [...before.waiting] };
  const known = new Set([...queue.running, ...queue.waiting].map(({ execution }) => execution));
  const places = comers.map(({ entry, limit }) => {
    const [room, place] = [limit - queue.running.length, placeOf(entry, queue.waiting)];
    const isNext = queue.waiting.length === 0 || (room === 1 && place === 0);
    const concernsOthers = (room > 0 && !isNext) || supersededIn(queue, entry).length > 0;
    if (known.has(entry.execution) || concernsOthers) return undefined;
    known.add(entry.execution);
    if (room > 0) queue.running.push(entry);
    else queue.waiting.splice(place, 0, entry);
    return room > 0 ? 'runs' : 'waits';
  });
  return { queue, places };
}

function withEntry(queue: Queue, entry: Turnholder): Queue {
  const isKnown = [...queue.running, ...queue.waiting].some(({ execution }) => execution === entry.execution);
  return isKnown ? queue : { ...queue, waiting: queue.waiting.toSpliced(placeOf(entry, queue.waiting), 0, entry) };
}

/** Behind all that are as urgent, before all that are less so: the most urgent stand first. */
const placeOf = ({ priority }: Turnholder, waiting: Turnholder[]): number =>
  waiting.findLastIndex((other) => other.priority >= priority) + 1;

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
