import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../../host/processes.ts';
import type { CloudResourceDefinition } from '../../../sdk/cloud.ts';
import { securityGroup } from '../security-group.ts';
import { type DiskHolder, linkedDisks, volume } from '../volume.ts';
import { balancer } from './balancer.ts';
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
    securityGroup('local'),
  ] as unknown as CloudResourceDefinition[];

/** Machines whose `/mnt` leads to a directory. */
const holdersOf =
  ({ directory: all }: Site) =>
  (disk: string): DiskHolder[] =>
    readdirSync(all).flatMap((name) => {
      const card = readJson<Card>(join(all, name, 'card.json'));
      return card && linkedDisks(join(all, name, 'root')).includes(disk) ? [card] : [];
    });
