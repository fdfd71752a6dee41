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
