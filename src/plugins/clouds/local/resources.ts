import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../../host/processes.ts';
import type { CloudResourceDefinition } from '../../../sdk/cloud.ts';
import { securityGroup } from '../security-group.ts';
import { rulesOf } from '../security-rules.ts';
import { type DiskHolder, linkedDisks, volume } from '../volume.ts';
import { balancer } from './balancer.ts';
import { applyRules, canEnforce, forgetRules, keepRules } from './firewall.ts';
import { machine } from './machine.ts';
import { network } from './network.ts';
import type { Card, Site } from './site.ts';

/** The resources of the process profile: everything is a process of this machine, found again after a restart. */
export const localResources = (site: Site, bootWithin: number): CloudResourceDefinition[] =>
  [
    machine(site, bootWithin),
    balancer(site),
    network(),
    volume('local', site, holdersOf(site)),
    securityGroup('local', {
      summary:
        'What no inbound rule lets in from other machines is dropped; what goes out is let out, unless a rule speaks of it. That needs a server that is root, and nftables; elsewhere it is told.',
      async enforce(id, rules) {
        for (const direction of ['inbound', 'outbound'] as const) rulesOf(rules, direction);
        keepRules(site, id, rules);
        await applyRules(site);
        return canEnforce(site);
      },
      forget: (id) => forgetRules(site, id),
    }),
  ] as unknown as CloudResourceDefinition[];

/** Machines whose `/mnt` leads to a directory. */
const holdersOf =
  ({ directory: all }: Site) =>
  (disk: string): DiskHolder[] =>
    readdirSync(all).flatMap((name) => {
      const card = readJson<Card>(join(all, name, 'card.json'));
      return card && linkedDisks(join(all, name, 'root')).includes(disk) ? [card] : [];
    });
