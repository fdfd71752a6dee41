import type { Catalogue } from '../sdk/catalogue.ts';
import type { CloudResourceDefinition } from '../sdk/cloud.ts';
import type { TaskDefinition } from '../sdk/task.ts';
import type { ContainerSite } from './clouds/container/place.ts';
import { containerResources } from './clouds/container/resources.ts';
import { localResources } from './clouds/local/resources.ts';
import type { Site } from './clouds/local/site.ts';
import { endpoints } from './endpoints/endpoints.ts';
import { wavefront } from './metrics/wavefront.ts';
import { slack } from './notifiers/slack.ts';
import { blueprint } from './tasks/blueprint.ts';
import { ciTask } from './tasks/ci.ts';
import { condition } from './tasks/condition.ts';
import { custom } from './tasks/custom.ts';
import { pipelineTask } from './tasks/pipeline.ts';
import { poll } from './tasks/poll.ts';
import { rest } from './tasks/rest.ts';
import { ssh } from './tasks/ssh.ts';
import { userOperation } from './tasks/user-operation.ts';
import { git } from './triggers/git.ts';

export interface CatalogueOptions {
  /** Where the local cloud lives; none: no local cloud. */
  site: Site | undefined;
  /** Where machines are containers; none: no container profile. */
  containers: ContainerSite | undefined;
  /** Whether a workspace may be a plain process of this machine. */
  allowProcessWorkspace: boolean;
  /** Milliseconds for a machine of the local cloud to become ready. */
  bootWithin: number;
}

/** Everything this server can do. Adding a kind of thing is one file and one line here. */
export const catalogue = ({ site, containers, allowProcessWorkspace, bootWithin }: CatalogueOptions): Catalogue => ({
  tasks: [
    blueprint,
    ciTask(allowProcessWorkspace),
    condition,
    custom,
    pipelineTask,
    poll,
    rest,
    ssh,
    userOperation,
  ] as unknown as TaskDefinition[],
  endpoints,
  resources: [
    ...(site ? localResources(site, bootWithin) : []),
    ...(containers ? containerResources(containers, bootWithin) : []),
  ] as unknown as CloudResourceDefinition[],
  triggers: [git],
  notifiers: [slack],
  metricSinks: [wavefront],
});
