import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { type CloudOutcome, defineCloudResource, type ResourceContext } from '../../sdk/cloud.ts';

const rule = z.looseObject({
  name: z.string().describe('Name of the rule.').optional(),
  direction: z.enum(['inbound', 'outbound']).describe('Which way.').default('inbound'),
  access: z.enum(['Allow', 'Deny', 'Drop']).describe('What becomes of it.').default('Allow'),
  protocol: z.string().describe('`TCP`, `UDP`, `ICMP`, `ANY`.').optional(),
  ports: z.union([z.string(), z.number()]).describe('A port, or a range.').optional(),
  source: z.string().describe('From where.').optional(),
  destination: z.string().describe('To where.').optional(),
});

/** Sees to it that the machines of a group keep to its rules from now on. @throws Error where a rule cannot be read */
export type Enforce = (id: string, rules: readonly JsonObject[], context: ResourceContext) => Promise<void>;

/**
 * The rules of machines. Where nothing stands between two machines (processes), it is kept with its rules all the same, so that
 * blueprints of clouds can be tried.
 */
export const securityGroup = (accountType: string, enforce?: Enforce) => {
  const apply = async (rules: readonly JsonObject[], context: ResourceContext): Promise<CloudOutcome> => {
    const id = `/resources/security-groups/${context.identity}`;
    await enforce?.(id, rules, context);
    return { done: { id, enforced: enforce !== undefined } };
  };
  return defineCloudResource({
    type: 'Cloud.SecurityGroup',
    accountType,
    title: 'Security group (local)',
    summary: enforce
      ? 'What no inbound rule lets in is dropped; what goes out is let out, unless a rule speaks of it.'
      : 'Its rules are kept and shown, and not enforced: machines of processes reach each other.',
    properties: z.looseObject({
      securityGroupType: z
        .enum(['new', 'existing'])
        .describe('`existing` names one that there is: none here.')
        .default('new'),
      rules: z.array(rule).describe('Rules.').default([]),
    }),
    attributes: { id: 'Identity.', enforced: 'Whether machines keep to it.' },
    create: async ({ securityGroupType, rules }, context) =>
      securityGroupType === 'existing'
        ? {
            failed: `${context.instance}: there are no security groups here to choose from; write \`securityGroupType: new\`.`,
          }
        : apply(rules as JsonObject[], context),
    update: ({ rules }, _, context) => apply(rules as JsonObject[], context),
    destroy: async () => ({ done: {} }),
  });
};
