import { z } from 'zod';
import { defineCloudResource } from '../../../sdk/cloud.ts';

export const network = () =>
  defineCloudResource({
    type: 'Cloud.Network',
    accountType: 'local',
    title: 'Network (process profile)',
    summary: 'The loopback network that every machine is on.',
    properties: z.looseObject({
      networkType: z
        .enum(['existing', 'public', 'private', 'outbound', 'routed'])
        .describe('Nothing is made, nor kept apart: all machines are on one network, which exists.')
        .default('existing'),
    }),
    attributes: { id: 'Identity.', name: 'Its name.' },
    create: async (_, { identity }) => ({
      done: { id: `/resources/network/${identity}`, name: 'loopback', networkCidr: '127.0.0.0/8' },
    }),
    update: async (_, before) => ({ done: before }),
    destroy: async () => ({ done: {} }),
  });
