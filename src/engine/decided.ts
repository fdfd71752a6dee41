import type { DeploymentEvent } from '../blueprint/deployment.ts';
import type { JsonObject } from '../core/json.ts';
import type { ExecutionEvent } from '../pipeline/execution.ts';
import type { ExecutionCommand } from '../pipeline/messages.ts';
import type { Queue, QueueDecision, QueueMessage } from '../pipeline/queue.ts';
import type { AggregateKind, Document, NewCommand, Transition } from '../store/store.ts';
import { withoutPlan } from './stored-plan.ts';

type Aggregate = Transition['aggregates'][number];

/** What a message may bring along into the same transaction. */
export interface Along {
  settles?: Transition['settles'];
  alsoSettles?: Transition['alsoSettles'];
  commands?: NewCommand[];
  documents?: Document[];
  log?: Transition['log'];
}

/** A run gives up its turn in the queue of a pipeline, of which so many run at once; as a command where that cannot be done at once. */
export interface Leaving {
  pipeline: string;
  limit: number;
  command: string;
}

/** What a message to an aggregate leads to, in the words of the store. */
export interface Decided<S> {
  state: S;
  events: (ExecutionEvent | DeploymentEvent | JsonObject)[];
  summary: JsonObject;
  commands: NewCommand[];
  documents: Document[];
  leaves?: Leaving;
  /** Told when it has been written. */
  observe?: () => void;
  /** What was to be created is there: nothing is written, nor what came along. */
  cameTooLate?: boolean;
}

/** What is to become of a state that was read at this version. */
export interface Change {
  kind: AggregateKind;
  id: string;
  version: number;
  decided: Decided<unknown>;
}

/** A queue and the ground tell of nothing: to them every decision is a change. */
export const isChange = ({ kind, decided }: Pick<Change, 'kind' | 'decided'>): boolean =>
  decided.events.length > 0 || kind === 'queue' || kind === 'ground';

export const aggregateOf = ({ kind, id, version, decided }: Change): Aggregate => ({
  kind,
  id,
  version,
  ...withoutPlan(kind, version, decided.state as JsonObject, decided.events as JsonObject[]),
  summary: decided.summary,
});

export const nothingElse = { events: [], summary: {}, commands: [], documents: [] };

/** What touches the machine that a run lives on; all else can be done anywhere. */
export const isTaskWork = ({ do: what }: Untold<ExecutionCommand>): boolean =>
  what === 'start-task' || what === 'poll-task' || what === 'cancel-task' || what === 'tidy';

/** Who is admitted, and whose place is taken by a newer one, is told by commands. */
export function decidedQueue({ queue, admitted, superseded }: QueueDecision): Decided<Queue> {
  const tell = (execution: string, key: string, body: JsonObject): NewCommand => ({
    ...{ key: `${execution}/${key}`, due: 0, kind: 'execution', aggregate: execution, lane: '', project: '', host: '' },
    body,
  });
  const recalls = superseded.map(({ execution, by }) =>
    tell(execution, 'superseded', { do: 'supersede', by: by.index }),
  );
  const commands = [...recalls, ...admitted.map((execution) => tell(execution, 'admit', { do: 'admit' }))];
  return { ...nothingElse, state: queue, commands };
}

/** A command without what says when and how often. */
type Untold<C> = C extends unknown ? Omit<C, 'key' | 'due'> : never;

export const queueMessage = (execution: string, command: Untold<ExecutionCommand>): QueueMessage =>
  command.do === 'enter-queue' ? { type: 'enter', entry: command.entry } : { type: 'leave', execution };
