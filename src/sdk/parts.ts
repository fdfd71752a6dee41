import type { z } from 'zod';
import type { JsonObject } from '../core/json.ts';
import type { Endpoint, Http, Metric } from './powers.ts';

/** A kind of far side that tasks, notifiers and metrics speak to. */
export interface EndpointDefinition<P extends z.ZodObject = z.ZodObject> {
  type: string;
  title: string;
  summary: string;
  properties: P;
  /**
   * Finds out whether the far side answers and takes our name: what it found, in a sentence. Absent where nothing can be tried.
   * @throws MillraceError saying what is wrong.
   */
  test?(endpoint: Endpoint, http: Http): Promise<string>;
}
export const defineEndpoint = <P extends z.ZodObject>(definition: EndpointDefinition<P>): EndpointDefinition<P> =>
  definition;

/** What a trigger makes of an event: a run with inputs, or the reason why there is none. Both are recorded. */
export type TriggerVerdict =
  | { fire: { input: Record<string, string>; author: string; tags: string[] } }
  | { ignore: string };

/** What a webhook received, read into what all servers of its kind have in common. */
export interface TriggerEvent {
  /** PUSH, PULL_REQUEST, PING ... */
  kind: string;
  /** The far side's own id of this delivery, to know a repeated one. */
  delivery: string;
}

/** The hook that a webhook needs at the far side. */
export interface WantedHook {
  /** Where it posts events. */
  url: string;
  secret: string;
  /** The webhook as people wrote it. */
  config: JsonObject;
  /** What the far side calls it, where it was made before; else empty. */
  known: string;
}

/** Makes hooks at the far side of an endpoint. Each call may be repeated: a hook with the same address is the same hook. */
export interface TriggerHooks {
  /** What the far side calls the hook. @throws MillraceError with what it refused. */
  ensure(wanted: WantedHook, endpoint: Endpoint, http: Http): Promise<string>;
  remove(wanted: WantedHook, endpoint: Endpoint, http: Http): Promise<void>;
}

export interface TriggerDefinition<C extends z.ZodObject = z.ZodObject, E extends TriggerEvent = TriggerEvent> {
  type: string;
  title: string;
  summary: string;
  /** How the API and our records call what belongs to it. */
  words: {
    /** The kind of its definitions, and the last part of their addresses. */
    kind: string;
    path: string;
    listeners: string;
    /** The kind of the records of its events, and the last part of their addresses. */
    event: string;
    events: string;
    /** The comment of a run that it starts. */
    comment: string;
  };
  config: C;
  /** Whether the request comes from who knows the secret. Pure: headers in lower case, body as received. */
  isGenuine(headers: Record<string, string>, body: Buffer, secret: string): boolean;
  /** @throws MillraceError webhook.malformed where the body is no event of this kind. */
  read(headers: Record<string, string>, body: Buffer): E;
  match(event: E, config: z.infer<C>): TriggerVerdict;
  /** Absent where people make them. */
  hooks?: TriggerHooks;
  /** What people are shown of an event, under the original's names. */
  record(event: E): JsonObject;
}
export const defineTrigger = <C extends z.ZodObject, E extends TriggerEvent>(
  definition: TriggerDefinition<C, E>,
): TriggerDefinition => definition as unknown as TriggerDefinition;

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

/** What a notification of the original is handed: its bindings are resolved. */
export interface NotificationContext {
  /** The same over all tries: what an earlier one did is found, or known again by the far side. */
  key: string;
  /** Whether an earlier try may have come through. */
  isRepeat: boolean;
  endpoint: Endpoint | undefined;
  http: Http;
  addressesOf(names: string[], groups: string[]): Promise<string[]>;
}

/** What became of one, for people and for the record of the run. */
export interface NotificationResult {
  responseCode: number;
  responseMessage: string;
  jiraResponse?: { ID: string; link: string };
}

/** A way in which pipelines of the original tell the world: `notifications.<type>`. */
export interface NotificationDefinition<C extends z.ZodObject = z.ZodObject> {
  type: string;
  title: string;
  summary: string;
  /** Undefined: it needs none. */
  endpointType: string | undefined;
  config: C;
  /** @throws MillraceError where it was not taken; it is tried again some times. */
  send(config: z.infer<C>, context: NotificationContext): Promise<NotificationResult>;
}
export const defineNotification = <C extends z.ZodObject>(
  definition: NotificationDefinition<C>,
): NotificationDefinition => definition as unknown as NotificationDefinition;

/** The container that a run works in: made when a task first needs it, removed when the run has ended. */
export interface ContainerSpec {
  /** Which of the kinds of workspace it is. */
  type: string;
  /** The same for all tasks of a run. */
  key: string;
  /** Whose caches are kept from run to run: the pipeline. */
  owner: string;
  endpoint: Endpoint;
  registry: Endpoint | undefined;
  image: string;
  path: string;
  cache: string[];
  environment: Record<string, string>;
  /** Cores, and megabytes. */
  limits: { cpu: number; memory: number };
  /** `customProperties` of the workspace. */
  properties: Record<string, string>;
}

/** The container in which the tasks of one run work. */
export interface OpenWorkspace {
  /** Where tasks begin. */
  path: string;
  /** Makes the container where it is missing, its image pulled first. Answers what it did, for people; nothing where it was there. */
  prepare(): Promise<string>;
  /** A short piece of shell in it, with `input` as its standard input. */
  remote(script: string, input: Buffer): Promise<{ code: number; output: Buffer; errors: string }>;
  /** One that is not there is removed. */
  remove(): Promise<void>;
}

/** A way to make workspaces: `workspace.type` of a pipeline. */
export interface WorkspaceDefinition {
  type: string;
  title: string;
  summary: string;
  endpointType: string;
  /** Finds the container again by the key of its spec, or makes it; nothing is called yet. */
  open(spec: ContainerSpec, http: Http): OpenWorkspace;
}

export interface MetricSinkDefinition {
  type: string;
  title: string;
  summary: string;
  endpointType: string;
  /** Sending the same points twice is harmless: name, source, tags and time identify a point. */
  send(points: Metric[], endpoint: Endpoint, http: Http): Promise<void>;
}
export const defineMetricSink = (definition: MetricSinkDefinition): MetricSinkDefinition => definition;
