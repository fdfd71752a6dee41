import type { z } from 'zod';
import type { Json, JsonObject } from '../core/json.ts';

/** How far a cloud came with one resource. */
export type CloudOutcome = { done: JsonObject } | { failed: string } | { wait: Json; seconds: number };

export interface ResourceContext {
  /** The same over repetitions of one step of one request. */
  key: string;
  /** Names the real thing: deployment, instance and generation. A create called twice must find the first one's work by it. */
  identity: string;
  deploymentName: string;
  instance: string;
  zone: string;
  image: JsonObject | null;
  flavor: JsonObject | null;
}

/**
 * A kind of resource on one kind of cloud account. `create` and `update` are idempotent by identity; `destroy` of what is not
 * there is done. Each may hand back a ticket instead of waiting.
 */
export interface CloudResourceDefinition<P extends z.ZodObject = z.ZodObject> {
  type: string;
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
}

export const defineCloudResource = <P extends z.ZodObject>(
  definition: CloudResourceDefinition<P>,
): CloudResourceDefinition<P> => definition;
