import type { Catalogue } from '../sdk/catalogue.ts';
import type { CloudResourceDefinition } from '../sdk/cloud.ts';
import type { TaskDefinition } from '../sdk/task.ts';
import type { ContainerSite } from './clouds/container/place.ts';
import { containerResources } from './clouds/container/resources.ts';
import { localResources } from './clouds/local/resources.ts';
import type { Site } from './clouds/local/site.ts';
import { endpoints } from './endpoints/endpoints.ts';
import { wavefront } from './metrics/wavefront.ts';
import { emailNotification, jiraNotification, webhookNotification } from './notifiers/notifications.ts';
import { slack } from './notifiers/slack.ts';
import { ansible } from './resources/ansible.ts';
import { customResource, functionResource } from './resources/custom.ts';
import { puppet } from './resources/puppet.ts';
import { saltStack } from './resources/saltstack.ts';
import { terraform } from './resources/terraform.ts';
import { blueprint } from './tasks/blueprint.ts';
import { bamboo } from './tasks/builds/bamboo.ts';
import { jenkins } from './tasks/builds/jenkins.ts';
import { tfs } from './tasks/builds/tfs.ts';
import { vro } from './tasks/builds/vro.ts';
import { ciTask } from './tasks/ci.ts';
import { condition } from './tasks/condition.ts';
import { custom } from './tasks/custom.ts';
import { fetchTree } from './tasks/git-file.ts';
import { kubernetes } from './tasks/kubernetes.ts';
import { pipelineTask } from './tasks/pipeline.ts';
import { poll } from './tasks/poll.ts';
import { powershell } from './tasks/powershell/powershell.ts';
import { rest } from './tasks/rest.ts';
import { ssh } from './tasks/ssh.ts';
import { userOperation } from './tasks/user-operation.ts';
import { generic } from './triggers/generic/generic.ts';
import { gerrit } from './triggers/gerrit/gerrit.ts';
import { git } from './triggers/git/git.ts';
import { registry } from './triggers/registry/registry.ts';
import { workspaces } from './workspaces/workspaces.ts';

export interface CatalogueOptions {
  /** Where the local cloud lives; none: no local cloud. */
  site: Site | undefined;
  /** Where machines are containers; none: no container profile. */
  containers: ContainerSite | undefined;
  /** Whether a workspace may be a plain process of this machine. */
  allowProcessWorkspace: boolean;
  /** The Terraform or OpenTofu that configurations are applied with; none: none are. */
  terraformProgram?: string | undefined;
  /** Milliseconds for a machine to become ready: one of processes is at once, a container may install what it needs first. */
  bootWithin: { process: number; container: number };
}

/** Everything this server can do. Adding a kind of thing is one file and one line here. */
export const catalogue = ({
  site,
  containers,
  allowProcessWorkspace,
  terraformProgram,
  bootWithin,
}: CatalogueOptions): Catalogue => ({
  tasks: [
    bamboo,
    blueprint,
    ciTask(allowProcessWorkspace),
    condition,
    custom,
    jenkins,
    kubernetes,
    pipelineTask,
    poll,
    powershell,
    rest,
    ssh,
    tfs,
    userOperation,
    vro,
  ] as unknown as TaskDefinition[],
  endpoints,
  resources: [
    ...(site ? localResources(site, bootWithin.process) : []),
    ...(containers ? containerResources(containers, bootWithin.container) : []),
    ...[ansible, customResource, functionResource, puppet, saltStack, terraform(terraformProgram)],
  ] as unknown as CloudResourceDefinition[],
  triggers: [generic, git, registry],
  streams: [gerrit],
  notifiers: [slack],
  notifications: [emailNotification, jiraNotification, webhookNotification],
  metricSinks: [wavefront],
  workspaces,
  fetchTree,
});
