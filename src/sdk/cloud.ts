import type { z } from 'zod';
import type { Json, JsonObject } from '../core/json.ts';
import type { Endpoint, Jobs, Ssh } from './powers.ts';

/** How far a cloud came with one resource. */
export type CloudOutcome =
  | { done: JsonObject }
  /** `known`: properties of what it left behind all the same. */
  | { failed: string; known?: JsonObject }
  | { wait: Json; seconds: number };

/** What resources are made with that belong to no cloud. */
export interface ResourcePowers {
  jobs: Jobs;
  ssh: Ssh;
  /** An endpoint of the project, of the type that is needed; the repository of a content source by its id. @throws MillraceError not.found, request.invalid */
  endpoint(name: string, type: string): Promise<Endpoint>;
  /** Runs a function of the project, named by id or name; the same key twice is one run, whose id is answered. */
  startFunction(key: string, action: string, inputs: JsonObject): Promise<string>;
  functionReport(run: string): Promise<FunctionReport>;
  /** Stops a run that has not ended. */
  cancelFunction(run: string): Promise<void>;
  /** The functions that make a custom type, by id; undefined where there is no such type. */
  customType(type: string): Promise<{ create?: string; update?: string; delete?: string } | undefined>;
  /** A text that is kept and shown to nobody; it is opened where the resource is changed or removed. */
  seal(secret: string): string;
  open(sealed: string): string;
}

export type FunctionReport = { isOver: boolean; name: string; outputs: Json; failed?: string };

export interface ResourceContext {
  /** The same over repetitions of one step of one request. */
  key: string;
  /** Names the real thing: deployment, instance and generation. A create called twice must find the first one's work by it. */
  identity: string;
  deploymentId: string;
  deploymentName: string;
  project: string;
  instance: string;
  /** What it shall be called; undefined: as the cloud likes. */
  name: string | undefined;
  type: string;
  zone: string;
  image: JsonObject | null;
  flavor: JsonObject | null;
  /** The other resources of the deployment that stand, with all that is known of them. */
  neighbours: JsonObject[];
  powers: ResourcePowers;
}

/** Something that people may do to what stands ("day 2"). Idempotent by key, like all that is done to resources. */
export interface ResourceAction<I extends z.ZodObject = z.ZodObject> {
  title: string;
  summary: string;
  input: I;
  /** Why it cannot be done to one in this state; undefined: it can. */
  refusal?(properties: JsonObject): string | undefined;
  /** Why it cannot be done to one in this state with these inputs; undefined: it can. */
  refusalOf?(input: z.infer<I>, properties: JsonObject): string | undefined;
  /** Properties that it sets: they stay so until the blueprint changes its mind about them. */
  sets?(input: z.infer<I>, before: JsonObject): JsonObject;
  run(input: z.infer<I>, before: JsonObject, context: ResourceContext): Promise<CloudOutcome>;
}

export const defineAction = <I extends z.ZodObject>(action: ResourceAction<I>): ResourceAction =>
  action as unknown as ResourceAction;

/**
 * A kind of resource on one kind of cloud account. `create` and `update` are idempotent by identity; `destroy` of what is not
 * there is done. Each may hand back a ticket instead of waiting. Where the cloud does not answer, or asks to wait, a MillraceError
 * `endpoint.unreachable` or `endpoint.throttled` is thrown: then the step is taken again.
 */
export interface CloudResourceDefinition<P extends z.ZodObject = z.ZodObject> {
  /** `Custom.*` stands for all types that begin so. */
  type: string;
  /** `any`: it is made the same way everywhere. */
  accountType: string;
  title: string;
  summary: string;
  properties: P;
  /** What expressions may read once it stands. */
  attributes: Record<string, string>;
  create(properties: z.infer<P>, context: ResourceContext): Promise<CloudOutcome>;
  update(properties: z.infer<P>, before: JsonObject, context: ResourceContext): Promise<CloudOutcome>;
  destroy(before: JsonObject, context: ResourceContext): Promise<CloudOutcome>;
  poll?(ticket: Json, context: ResourceContext): Promise<CloudOutcome>;
  /** Stops what a ticket stands for; `poll` tells afterwards how it ended. Idempotent. Where it is absent, a step that is called off is left alone. */
  cancel?(ticket: Json, context: ResourceContext): Promise<void>;
  /** Secrets reach it sealed, since it only hands them on to a function, which opens them. */
  keepsSeals?: true;
  /** What it makes lives on the machine of the server that made it: only from there can it be seen. */
  worksHere?: true;
  /** How it is now, in some of its properties, or that it is gone. Where it is absent, nobody can say. */
  read?(before: JsonObject, context: ResourceContext, signal: AbortSignal): Promise<JsonObject | 'gone'>;
  /** By the last part of their ids: `PowerOff`. */
  actions?: Record<string, ResourceAction>;
}

export const defineCloudResource = <P extends z.ZodObject>(
  definition: CloudResourceDefinition<P>,
): CloudResourceDefinition<P> => definition;
