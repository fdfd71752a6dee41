import type { z } from 'zod';
import type { Instant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import type { TriggerEvent } from './parts.ts';
import type { Endpoint } from './powers.ts';

/** What a far side tells over a line that we hold open. */
export interface StreamEvent extends TriggerEvent {
  /** When it happened there. */
  at: Instant;
}

/** What a trigger makes of an event: runs, each of a pipeline of its own, or the reason why there is none. */
export type StreamVerdict =
  | { fire: { pipeline: string; input: Record<string, string>; report: JsonObject }[]; author: string; tags: string[] }
  | { ignore: string };

/** How a run ended, for who asked for it. */
export interface Outcome {
  status: string;
  /** In one line, with its address, and never the same for two runs. */
  summary: string;
  /** Parts of the summary that no other outcome has together, and that do not depend on who tells: by these it is found again. */
  marks: readonly string[];
  /** Whether an earlier try may have been heard already. */
  isRepeat: boolean;
  /** Called at the last moment at which nothing has been said yet: throws where others have taken over. */
  confirm(): void;
}

/** An open line to a far side. */
export interface StreamLine<E extends StreamEvent = StreamEvent> {
  /** What the far side says of itself. */
  about: string;
  /** Hears all that happens from when this resolves, until either side ends it; `ended` then tells why. */
  listen(hear: (event: E) => void): Promise<{ ended: Promise<string> }>;
  /** What happened since, as far as it can still be told; what is told twice has the same `delivery`. */
  missed(since: Instant): Promise<E[]>;
  /** An event with all that is to be known of it. */
  completed(event: E): Promise<E>;
  /** What would have been told of the present state of a thing. @throws MillraceError not.found */
  find(id: string): Promise<E>;
  /** The names of what triggers can be bound to. */
  projects(): Promise<string[]>;
  /** Tells the far side how a run ended that one of its events started; `report` is that of the verdict. */
  answer(report: JsonObject, outcome: Outcome): Promise<void>;
  close(): void;
}

/** A far side that tells what happens over a line that we open, unlike one that posts to a webhook. */
export interface StreamDefinition<C extends z.ZodObject = z.ZodObject, E extends StreamEvent = StreamEvent> {
  type: string;
  title: string;
  summary: string;
  endpointType: string;
  /** How the API and our records call what belongs to it: kinds, and the last parts of addresses. */
  words: {
    listener: string;
    listeners: string;
    kind: string;
    path: string;
    event: string;
    events: string;
    /** The comment of a run that it starts. */
    comment: string;
  };
  /** Of a trigger. */
  config: C;
  /** @throws MillraceError where nobody answers, or we are not let in. */
  open(endpoint: Endpoint): Promise<StreamLine<E>>;
  /** Whether a trigger is about such events at all; what no trigger is about leaves no record. */
  concerns(event: E, config: z.infer<C>): boolean;
  match(event: E, config: z.infer<C>): StreamVerdict;
  /** What people are shown of an event. */
  record(event: E): JsonObject;
}
export const defineStream = <C extends z.ZodObject, E extends StreamEvent>(
  definition: StreamDefinition<C, E>,
): StreamDefinition => definition as unknown as StreamDefinition;
