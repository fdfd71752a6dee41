import type { CloudResourceDefinition } from '../../../sdk/cloud.ts';
import { securityGroup } from '../security-group.ts';
import { volume } from '../volume.ts';
import { balancer } from './balancer.ts';
import { machine } from './machine.ts';
import { network } from './network.ts';
import type { Site } from './site.ts';

/** The resources of the process profile: everything is a process of this machine, found again after a restart. */
export const localResources = (site: Site, bootWithin: number): CloudResourceDefinition[] =>
  [
    machine(site, bootWithin),
    balancer(site),
    network(),
    volume('local', site),
    securityGroup('local'),
  ] as unknown as CloudResourceDefinition[];
