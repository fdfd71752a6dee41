import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../../core/json.ts';
import type { CloudResourceDefinition } from '../../../sdk/cloud.ts';
import { securityGroup } from '../security-group.ts';
import { type DiskHolder, volume } from '../volume.ts';
import { containerBalancer } from './balancer.ts';
import { applyGroups, membersOf, rulesetOf } from './firewall.ts';
import { containerMachine } from './machine.ts';
import { containerNetwork } from './network.ts';
import { belongsTo, type ContainerSite, identityIn } from './place.ts';
import { keptOrder } from './remake.ts';

/** The resources of the container profile: what production runs on, in containers of this machine. */
export const containerResources = (site: ContainerSite, bootWithin: number): CloudResourceDefinition[] =>
  [
    containerMachine(site, bootWithin),
    containerBalancer(site),
    containerNetwork(site),
    volume('container', site, holdersOf(site)),
    securityGroup('container', {
      summary: 'What no inbound rule lets in is dropped; what goes out is let out, unless a rule speaks of it.',
      async enforce(id, rules, context) {
        rulesetOf(rules, '');
        const group = { id, rules: rules as JsonObject[] };
        for (const member of membersOf(site, id, context.neighbours))
          await applyGroups(site, member, { ...context, neighbours: [...context.neighbours, group] });
        return true;
      },
      forget: () => undefined,
    }),
  ] as unknown as CloudResourceDefinition[];

/** Machines that bind a directory. */
const holdersOf =
  ({ directory: all }: ContainerSite) =>
  (disk: string): DiskHolder[] =>
    readdirSync(all).flatMap((name) => {
      const { HostConfig, Labels } = keptOrder(join(all, name)) ?? {};
      const { [belongsTo.deployment]: deployment = '', [belongsTo.instance]: instance = '' } = Labels ?? {};
      const identity = identityIn(join(all, name));
      return HostConfig?.Binds?.some((bind) => bind.startsWith(`${disk}:`)) ? [{ identity, deployment, instance }] : [];
    });
