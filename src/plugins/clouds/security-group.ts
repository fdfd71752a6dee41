import { z } from 'zod';
import { defineCloudResource } from '../../sdk/cloud.ts';

const rule = z.looseObject({
  name: z.string().describe('Name of the rule.').optional(),
  direction: z.enum(['inbound', 'outbound']).describe('Which way.').default('inbound'),
  access: z.enum(['Allow', 'Deny', 'Drop']).describe('What becomes of it.').default('Allow'),
  protocol: z.string().describe('`TCP`, `UDP`, `ICMP`, `ANY`.').optional(),
  ports: z.union([z.string(), z.number()]).describe('A port, or a range.').optional(),
  source: z.string().describe('From where.').optional(),
  destination: z.string().describe('To where.').optional(),
});

/** Kept with its rules, so that blueprints of clouds can be tried here; nothing on this machine stands between two of its machines. */
export const securityGroup = (accountType: string) =>
  defineCloudResource({
    type: 'Cloud.SecurityGroup',
    accountType,
    title: 'Security group (local)',
    summary: 'Its rules are kept and shown, and not enforced: all machines of this machine reach each other.',
    properties: z.looseObject({
      securityGroupType: z
        .enum(['new', 'existing'])
        .describe('`existing` names one that there is: none here.')
        .default('new'),
      rules: z.array(rule).describe('Rules.').default([]),
    }),
    attributes: { id: 'Identity.', enforced: 'Always false.' },
    create: async ({ securityGroupType }, { identity, instance }) =>
      securityGroupType === 'existing'
        ? { failed: `${instance}: there are no security groups here to choose from; write \`securityGroupType: new\`.` }
        : { done: { id: `/resources/security-groups/${identity}`, enforced: false } },
    update: async (_, before) => ({ done: before }),
    destroy: async () => ({ done: {} }),
  });
