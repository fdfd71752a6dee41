import { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { type CloudOutcome, defineCloudResource, type ResourceContext } from '../../sdk/cloud.ts';
import { filledText } from '../../sdk/fields.ts';

const pollSeconds = 0.2;

/**
 * Types that users make: functions create, change and remove the thing, and what they answer are its properties. Each run has the key
 * of its step, so a step that is repeated finds it.
 */
export const customResource = defineCloudResource({
  type: 'Custom.*',
  accountType: 'any',
  title: 'Custom resource',
  summary: 'Whatever functions make of it: `POST /form-service/api/custom/resource-types` says which.',
  properties: z.looseObject({}),
  attributes: { resourceName: 'Its name.' },
  keepsSeals: true,
  create: (properties, context) => run('create', properties as JsonObject, context),
  async update(properties, before, context) {
    const { update } = (await context.powers.customType(context.type)) ?? {};
    if (update) return run('update', { ...before, ...(properties as JsonObject) }, context);
    return {
      failed: `${context.instance}: ${context.type} has no function that changes what stands. Name the properties in \`recreatePropertiesOnUpdate\`, or give it one.`,
    };
  },
  destroy: (before, context) => run('delete', before, context),
  poll: (ticket, context) => finished(ticket, context, (outputs) => (isObject(outputs) ? outputs : {})),
  cancel: stop,
});

/** A function as a resource: it is called once when the deployment is made. */
export const functionResource = defineCloudResource({
  type: 'abx.action',
  accountType: 'any',
  title: 'Function',
  summary: 'Calls a function when it is made, and again when its inputs change.',
  properties: z.looseObject({
    actionId: filledText('Id or name of the function.'),
    inputs: z.record(z.string(), z.json()).describe('What it is called with.').default({}),
  }),
  attributes: { outputs: 'What it answered.' },
  keepsSeals: true,
  create: ({ actionId, inputs }, context) => call(actionId, inputs, context),
  update: ({ actionId, inputs }, _, context) => call(actionId, inputs, context),
  destroy: async () => ({ done: {} }),
  poll: (ticket, context) => finished(ticket, context, (outputs) => ({ outputs })),
  cancel: stop,
});

async function run(
  what: 'create' | 'update' | 'delete',
  properties: JsonObject,
  context: ResourceContext,
): Promise<CloudOutcome> {
  const { type, instance, powers } = context;
  const actions = await powers.customType(type);
  if (!actions)
    return {
      failed: `${instance}: nobody has said what makes ${type}. POST /form-service/api/custom/resource-types does.`,
    };
  const action = actions[what];
  // What has no function to remove it is left to whoever it belongs to.
  if (!action) return { done: {} };
  return call(action, { resourceName: instance, ...properties }, context);
}

async function call(action: string, inputs: JsonObject, { key, powers }: ResourceContext): Promise<CloudOutcome> {
  return { wait: await powers.startFunction(key, action, inputs), seconds: pollSeconds };
}

function stop(ticket: Json, { powers }: ResourceContext): Promise<void> {
  return powers.cancelFunction(String(ticket));
}

async function finished(
  ticket: Json,
  { instance, powers }: ResourceContext,
  propertiesOf: (outputs: Json) => JsonObject,
): Promise<CloudOutcome> {
  const report = await powers.functionReport(String(ticket));
  if (!report.isOver) return { wait: ticket, seconds: pollSeconds };
  return report.failed === undefined
    ? { done: propertiesOf(report.outputs) }
    : { failed: `${instance}: function ${report.name} failed: ${report.failed}` };
}
