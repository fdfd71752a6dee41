import type { CloudResourceDefinition } from '../../../sdk/cloud.ts';
import { securityGroup } from '../security-group.ts';
import { volume } from '../volume.ts';
import { containerBalancer } from './balancer.ts';
import { containerMachine } from './machine.ts';
import { containerNetwork } from './network.ts';
import type { ContainerSite } from './place.ts';

/** The resources of the container profile: what production runs on, in containers of this machine. */
export const containerResources = (site: ContainerSite, bootWithin: number): CloudResourceDefinition[] =>
  [
    containerMachine(site, bootWithin),
    containerBalancer(site),
    containerNetwork(site),
    volume('container', site),
    securityGroup('container'),
  ] as unknown as CloudResourceDefinition[];
