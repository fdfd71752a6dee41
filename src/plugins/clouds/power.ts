import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { type CloudOutcome, defineAction, type ResourceAction, type ResourceContext } from '../../sdk/cloud.ts';
import { filledText } from '../../sdk/fields.ts';

type Step = (before: JsonObject, context: ResourceContext) => Promise<CloudOutcome>;

const nothing = z.object({});
const isOff = ({ powerState }: JsonObject): string | undefined =>
  powerState === 'OFF' ? 'it is switched off.' : undefined;
const isOn = ({ powerState }: JsonObject): string | undefined =>
  powerState === 'OFF' ? undefined : 'it is switched on.';

/** What can be done to a machine of every cloud that can switch it on and off. */
export const powerActions = (power: { on: Step; off: Step; reboot: Step }): Record<string, ResourceAction> => ({
  PowerOn: defineAction({
    title: 'Power on',
    summary: 'Switches the machine on, and waits until it is ready.',
    input: nothing,
    refusal: isOn,
    run: (_, before, context) => power.on(before, context),
  }),
  PowerOff: defineAction({
    title: 'Power off',
    summary: 'Switches the machine off; what it has written stays.',
    input: nothing,
    refusal: isOff,
    run: (_, before, context) => power.off(before, context),
  }),
  Reboot: defineAction({
    title: 'Reboot',
    summary: 'Switches the machine off and on, and waits until it is ready.',
    input: nothing,
    refusal: isOff,
    run: (_, before, context) => power.reboot(before, context),
  }),
});

/** What placement, the cloud or an action of its own says. */
const meaningful = new Set([
  ...['image', 'imageRef', 'flavor', 'cloudConfig', 'remoteAccess', 'networks', 'attachedDisks', 'addedDisks', 'count'],
  ...['constraints', 'storage', 'tags', 'snapshots', 'id', 'address', 'ssh', 'hostname', 'powerState', 'resourceName'],
]);

/** What people write on a machine: nothing of it is done anew. */
export const labelAction: Record<string, ResourceAction> = {
  'Update.Tags': defineAction({
    title: 'Update tags',
    summary: 'Writes other tags on the machine, what it is for, and custom properties.',
    input: z.object({
      tags: z
        .array(z.looseObject({ key: z.string().min(1), value: z.string().default('') }))
        .describe('All its tags: `{key, value}`.')
        .optional(),
      description: z.string().describe('What it is for.').optional(),
      customProperties: z.record(z.string(), z.string()).describe('Properties beside the known ones.').optional(),
    }),
    refusalOf: ({ customProperties = {} }) => {
      const taken = Object.keys(customProperties).find((key) => meaningful.has(key));
      return taken && `\`${taken}\` means something to it, and is no custom property.`;
    },
    sets: ({ customProperties, ...rest }) => ({ ...customProperties, ...rest }) as JsonObject,
    run: async () => ({ done: {} }),
  }),
};

/** Gives a machine another flavor, which stays until the blueprint asks for another one than it did. */
export const resizeAction = (resize: Step): Record<string, ResourceAction> => ({
  Resize: defineAction({
    title: 'Resize',
    summary: 'Gives the machine another flavor. It starts anew where it is on.',
    input: z.object({ flavor: filledText('Name of a flavor mapping of its zone.') }),
    sets: ({ flavor }) => ({ flavor }),
    run: ({ flavor }, before, context) =>
      context.flavor
        ? resize(before, context)
        : Promise.resolve({ failed: `Zone ${context.zone} has no flavor ${flavor}.` }),
  }),
});
