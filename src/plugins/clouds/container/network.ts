import { z } from 'zod';
import { defineCloudResource } from '../../../sdk/cloud.ts';

export const containerNetwork = () =>
  defineCloudResource({
    type: 'Cloud.Network',
    accountType: 'container',
    title: 'Network (container profile)',
    summary: 'The network of the container engine that every machine is on.',
    properties: z.looseObject({
      networkType: z.enum(['existing', 'public']).describe('Nothing is made: the network exists.').default('existing'),
    }),
    attributes: { id: 'Identity.', name: 'Its name.' },
    create: async (_, { identity }) => ({ done: { id: `/resources/network/${identity}`, name: 'bridge' } }),
    update: async (_, before) => ({ done: before }),
    destroy: async () => ({ done: {} }),
  });
