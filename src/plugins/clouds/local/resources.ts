import type { CloudResourceDefinition } from '../../../sdk/cloud.ts';
import { balancer } from './balancer.ts';
import { machine } from './machine.ts';
import { network } from './network.ts';
import type { Site } from './site.ts';

/** The resources of the process profile: everything is a process of this machine, found again after a restart. */
export const localResources = (site: Site, bootWithin: number): CloudResourceDefinition[] =>
  [machine(site, bootWithin), balancer(site), network()] as unknown as CloudResourceDefinition[];
