import { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import type { CloudOutcome, ResourceContext } from '../sdk/cloud.ts';
import type { Document } from '../store/store.ts';
import type { EngineParts } from './parts.ts';

/** Actions that users made of functions: `<Type>.custom.<name>`, for resources of any type. */
export const customActions = async ({ store }: Pick<EngineParts, 'store'>, type: string): Promise<Document[]> =>
  (await store.list('resource-action')).filter(({ body }) => body.resourceType === type && body.status !== 'DRAFT');

export const customAction = async ({ store }: Pick<EngineParts, 'store'>, id: string): Promise<Document | undefined> =>
  id.includes('.custom.') ? store.get('resource-action', id) : undefined;

/** What it is called with, as a form: the parameters of its function. */
export function customInput({ body }: Document): z.ZodObject {
  const item = isObject(body.runnableItem) ? body.runnableItem : {};
  const parameters = Array.isArray(item.inputParameters) ? item.inputParameters.filter(isObject) : [];
  return z.looseObject(Object.fromEntries(parameters.map(({ name }) => [String(name), z.json().optional()])));
}

const pollSeconds = 0.2;

/** The function gets the inputs, and what is known of the resource. */
export async function runCustomAction(
  { body }: Document,
  inputs: JsonObject,
  known: JsonObject,
  { key, instance, powers }: ResourceContext,
): Promise<CloudOutcome> {
  const item = isObject(body.runnableItem) ? body.runnableItem : {};
  const given = { ...inputs, resourceName: instance, resourceProperties: known };
  return { wait: { run: await powers.startFunction(key, String(item.id), given) }, seconds: pollSeconds };
}

/** Undefined where this is no such action. */
export async function customPoll(
  parts: EngineParts,
  id: string | undefined,
  ticket: Json,
  { instance, powers }: ResourceContext,
): Promise<CloudOutcome | undefined> {
  if (!id || !isObject(ticket) || !(await customAction(parts, id))) return undefined;
  const { isOver, name, failed } = await powers.functionReport(String(ticket.run));
  if (!isOver) return { wait: ticket, seconds: pollSeconds };
  return failed === undefined ? { done: {} } : { failed: `${instance}: function ${name} failed: ${failed}` };
}
