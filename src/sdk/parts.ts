import type { z } from 'zod';
import type { JsonObject } from '../core/json.ts';
import type { Endpoint, Http, Metric } from './powers.ts';

/** A kind of far side that tasks, notifiers and metrics speak to. */
export interface EndpointDefinition<P extends z.ZodObject = z.ZodObject> {
  type: string;
  title: string;
  summary: string;
  properties: P;
}
export const defineEndpoint = <P extends z.ZodObject>(definition: EndpointDefinition<P>): EndpointDefinition<P> =>
  definition;

/** What a trigger makes of an event: a run with inputs, or the reason why there is none. Both are recorded. */
export type TriggerVerdict =
  | { fire: { input: Record<string, string>; author: string; tags: string[] } }
  | { ignore: string };

export interface TriggerDefinition<C extends z.ZodObject = z.ZodObject> {
  type: string;
  title: string;
  summary: string;
  config: C;
  /** Whether the request comes from who knows the secret. Pure: headers in lower case, body as received. */
  isGenuine(headers: Record<string, string>, body: Buffer, secret: string): boolean;
  /** @throws MillraceError webhook.malformed where the body is no event of this kind. */
  read(headers: Record<string, string>, body: Buffer): TriggerEvent;
  match(event: TriggerEvent, config: z.infer<C>): TriggerVerdict;
}
export const defineTrigger = <C extends z.ZodObject>(definition: TriggerDefinition<C>): TriggerDefinition<C> =>
  definition;

export interface TriggerEvent {
  kind: string;
  branch: string;
  commitId: string;
  subject: string;
  owner: string;
  repo: string;
  httpUrl: string;
  sshUrl: string;
  serverUrl: string;
  /** Microseconds. */
  timestamp: number;
  changedFiles: string[];
  /** The far side's own id of this delivery, to know a repeated one. */
  delivery: string;
}

/** One thing to tell, with what is needed to say it well. */
export interface NoticeMessage {
  key: string;
  kind: 'started' | 'task' | 'waiting' | 'ended';
  title: string;
  text: string;
  status: string;
  link: string;
  /** What an earlier notice of the same run left behind; null for the first. */
  thread: JsonObject | null;
  /** Whether an earlier try may have been sent already. */
  isRepeat: boolean;
}

export interface NotifierDefinition {
  type: string;
  title: string;
  summary: string;
  endpointType: string;
  config: z.ZodObject;
  /** Sends once per key; answers what later notices of the run need. */
  send(message: NoticeMessage, config: JsonObject, endpoint: Endpoint, http: Http): Promise<JsonObject>;
}
export const defineNotifier = (definition: NotifierDefinition): NotifierDefinition => definition;

export interface MetricSinkDefinition {
  type: string;
  title: string;
  summary: string;
  endpointType: string;
  /** Sending the same points twice is harmless: name, source, tags and time identify a point. */
  send(points: Metric[], endpoint: Endpoint, http: Http): Promise<void>;
}
export const defineMetricSink = (definition: MetricSinkDefinition): MetricSinkDefinition => definition;
