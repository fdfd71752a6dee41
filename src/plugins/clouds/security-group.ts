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

export interface Enforcement {
  summary: string;
  /** Sees to it that the machines of a group keep to its rules from now on, and answers whether they do. @throws Error where a rule cannot be read */
  enforce(id: string, rules: readonly JsonObject[], context: ResourceContext): Promise<boolean>;
  forget(id: string): void;
}

/** The rules of machines. Where nothing can stand between two of them, it is kept all the same, so that blueprints of clouds can be tried. */
export const securityGroup = (accountType: string, { summary, enforce, forget }: Enforcement) => {
  const idOf = ({ identity }: ResourceContext): string => `/resources/security-groups/${identity}`;
  const apply = async (rules: readonly JsonObject[], context: ResourceContext): Promise<CloudOutcome> => {
    const id = idOf(context);
    return { done: { id, enforced: await enforce(id, rules, context) } };
  };
  return defineCloudResource({
    type: 'Cloud.SecurityGroup',
    accountType,
    title: 'Security group (local)',
    summary,
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
    async destroy(_, context) {
      forget(idOf(context));
      return { done: {} };
    },
  });
};
