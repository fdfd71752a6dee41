import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Bell } from './bell.ts';

/** What remembers its events: an `execution`, a `deployment`, the `queue` of a pipeline, a `function-run`. */
/** `ground`: what all plans that take room have in common; each that is accepted raises its version. */
export type AggregateKind = 'execution' | 'deployment' | 'queue' | 'function-run' | 'ground';

/** A process that performs commands. `host` is the machine whose jobs, directories and local addresses it can reach. */
export interface Node {
  name: string;
  host: string;
}

/** A node as the others know it. */
export interface KnownNode extends Node {
  since: Instant;
}

/** Work that was decided and is owed. The row is the truth; delivery only wakes somebody up. */
export interface Command {
  id: number;
  /** Unique while the row lives, and stable over repetitions: the same command asked for twice is one row. */
  key: string;
  kind: AggregateKind;
  aggregate: string;
  /** Commands of one lane run one after the other, in the order in which they were asked for; empty: no lane. */
  lane: string;
  /** Whose work it is; empty: the server's own. */
  project: string;
  /** The only machine on which it can be performed; empty: any. */
  host: string;
  body: JsonObject;
  due: Instant;
  /** Raised with each claim and never lowered: a result with an older one is refused. */
  fence: number;
  /** Claims since it was asked for or last put off. Above 1: an earlier try may have had effects. */
  tries: number;
}

export type NewCommand = Omit<Command, 'id' | 'fence' | 'tries'>;

export interface StoredEvent {
  /** Counts over all aggregates: the cursor of live events. */
  sequence: number;
  kind: AggregateKind;
  aggregate: string;
  body: JsonObject;
}

/** Everything one message changes, written together or not at all. */
export interface Transition {
  /** The command whose result this is: refused unless its fence still holds. `again` keeps the row, due later, with a new body. */
  settles?: {
    command: number;
    fence: number;
    again?: { due: Instant; body: JsonObject; keepTries?: boolean };
  };
  /** More commands whose result this is, under the same condition: one change may be the end of several. */
  alsoSettles?: { command: number; fence: number }[];
  /** Refused when the aggregate has moved on from `version` (0: it must not exist yet). */
  aggregates: {
    kind: AggregateKind;
    id: string;
    version: number;
    /** Read back as part of the state; given when the aggregate is created, and never written again. */
    fixed?: JsonObject;
    state: Json;
    summary: JsonObject;
    events: JsonObject[];
  }[];
  commands: NewCommand[];
  documents?: Document[];
  log?: { stream: string; offset: number; text: string }[];
  /** Documents that whoever performs its commands will want: a store to which each question is a trip answers them on this one. */
  wants?: Wanted;
}

/** As `list` is asked. */
export interface Wanted {
  kind: string;
  project: string;
}

/**
 * `fenced`: somebody else has taken over. `conflict`: decide again on the present state. `listed`: what the transition wants, as it was
 * when that was sent, or later; absent where it is to be asked for.
 */
export type Applied =
  | { result: 'applied'; claimed: Command[]; listed?: Document[] }
  | { result: 'fenced' }
  | { result: 'conflict' };

/** Definitions, users, records: whatever is kept by kind and id, and found by project and name. */
export interface Document {
  kind: string;
  id: string;
  project: string;
  name: string;
  body: JsonObject;
  createdAt: Instant;
  updatedAt: Instant;
}

/** Part of a list. */
export interface Page {
  skip: number;
  limit: number;
}

export interface Loaded {
  state: Json;
  version: number;
}

/**
 * What Millrace remembers. Every promise resolves only when the data is safe on disk. One interface, one conformance suite,
 * and an adapter for each database.
 */
export interface Store {
  /** Whether other processes write to it as well. */
  readonly isShared: boolean;
  readonly bell: Bell;
  /** The clock that all who share this store go by. */
  now(): Instant;
  apply(transition: Transition): Promise<Applied>;
  load(kind: AggregateKind, id: string): Promise<Loaded | undefined>;
  /** Summaries of a kind, newest first: all of them, or a page. */
  summaries(kind: AggregateKind, page?: Page): Promise<JsonObject[]>;
  count(kind: AggregateKind): Promise<number>;
  /** Forgets an aggregate with its events and the logs whose stream begins with its id. False where it still owes commands. */
  erase(kind: AggregateKind, id: string): Promise<boolean>;
  /**
   * Takes due commands that this node (which has opened the store) can perform, raising their fence: the oldest of each project before the second oldest of any, at most
   * `perProject` of one, and none of those that are `crowded`. `next`: when more falls due for it.
   */
  claim(
    now: Instant,
    limit: number,
    fairly?: { perProject: number; crowded: string[] },
  ): Promise<{ commands: Command[]; next: Instant | undefined }>;
  /**
   * Called right before an effect that no key makes harmless. Where others may be doing this node's work by now, because it hung or
   * could not say that it lives, it ends this process; where the node has left, it throws.
   */
  confirmTenure(): void;
  /** The nodes that share this store, the oldest first. One that has died is among them until others have found out. */
  nodes(): Promise<KnownNode[]>;
  /** Gives back what a dead node held. */
  release(node: string): Promise<void>;
  /** Makes the commands of an aggregate due now whose keys start so. */
  hasten(keyPrefix: string, now: Instant): Promise<void>;
  events(after: number, limit: number, aggregate?: string): Promise<StoredEvent[]>;
  lastSequence(): Promise<number>;

  put(document: Document): Promise<void>;
  /** False where kind, project and name are taken. */
  insert(document: Document): Promise<boolean>;
  get(kind: string, id: string): Promise<Document | undefined>;
  find(kind: string, project: string, name: string): Promise<Document | undefined>;
  /** Those of one project, or of all. */
  list(kind: string, project?: string): Promise<Document[]>;
  /** The names that a project may use of each of some kinds, in order: of its own, and of those whose body says `global: true`. */
  names<Kind extends string>(kinds: Kind[], project: string): Promise<Record<Kind, string[]>>;
  remove(kind: string, id: string): Promise<void>;
  /** 1, 2, 3 ... for each name; a number that is used by what was written afterwards is never given twice. */
  next(counter: string): Promise<number>;

  /** Appends at a byte offset; what is there already is not written again. */
  appendLog(stream: string, offset: number, text: string): Promise<void>;
  readLog(stream: string, from: number): Promise<{ text: string; size: number }>;
  logSize(stream: string): Promise<number>;
  close(): Promise<void>;
}
