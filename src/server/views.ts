import {
  type Deployment,
  type DeploymentPlan,
  effective,
  type ResourceState,
  resourceId,
} from '../blueprint/deployment.ts';
import { dependencies } from '../blueprint/graph.ts';
import type { PastRequest } from '../blueprint/history.ts';
import { toIso } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { withoutSeals } from '../core/secret.ts';
import { deploymentSummary, requestStatus } from '../engine/deployment-record.ts';
import { projectId } from './kinds/kind.ts';

/** A deployment in a list, out of its summary. */
export function listedDeployment(summary: JsonObject): JsonObject {
  const { id, name, description, message, status, inputs, leaseExpireAt, createdAt } = summary;
  const project = { id: projectId(String(summary.project)), name: summary.project! };
  const version = summary.blueprintVersion ?? '';
  const blueprint = { id: summary.blueprintId || 'inline-blueprint', name: summary.blueprint!, version };
  return {
    ...{ id, name, description, message, status, inputs },
    ...{ orgId: 'default', projectId: project.id, projectName: project.name, project },
    ...{ blueprintId: blueprint.id, blueprintVersion: version, blueprint },
    ...{ ownedBy: summary.owner, ownerType: 'USER', createdBy: summary.owner },
    ...{ createdAt, lastUpdatedAt: summary.updatedAt, lastUpdatedBy: summary.requestedBy },
    ...{ requestedBy: summary.requestedBy, lastRequestStatus: summary.requestStatus },
    ...(leaseExpireAt === undefined ? {} : { leaseExpireAt }),
    deleted: status === 'DELETE_SUCCESSFUL',
    resourceCount: Array.isArray(summary.zones) ? summary.zones.length : 0,
  } as JsonObject;
}

/** A deployment as people ask for it: its resources, and for each the reasons of its place. */
export function deploymentView(state: Deployment): JsonObject {
  const { plan } = state;
  return withoutSeals({
    ...listedDeployment(deploymentSummary(state)),
    lastRequest: requestView(state, {
      plan,
      status: state.status,
      message: state.message,
      at: Date.parse(plan.requestedAt),
      ended: Object.keys(state.done).length,
      outputs: state.outputs,
      ...(state.cancelled ? { cancelled: state.cancelled } : {}),
    }),
    outputs: state.outputs,
    resources: Object.values(state.resources).map((resource) => resourceView(state, resource)),
    placements: plan.placements as unknown as Json,
    actions: plan.actions.map(({ id, because, changes = [] }) => ({
      ...{ id, because, changes: changes as unknown as Json, state: state.done[id] ?? 'open' },
    })),
  });
}

/** A resource of a deployment. Its state is one of three; what is being made or changed is partly there. */
export function resourceView(deployment: Deployment, resource: ResourceState): JsonObject {
  const { instance, node, type, zone, status, properties, message } = resource;
  const states = { OK: 'OK', TAINTED: 'TAINTED' } as const;
  return withoutSeals({
    id: resourceId(deployment.id, resource),
    name: instance,
    ...{ node, type, zone, message },
    dependsOn: dependencies(deployment.plan.blueprint)[node] ?? [],
    createdAt: toIso(deployment.createdAt),
    origin: 'DEPLOYED',
    syncStatus: 'SUCCESS',
    state: status in states ? states[status as keyof typeof states] : 'PARTIAL',
    properties: { ...effective(resource), ...properties, resourceId: resourceId(deployment.id, resource) },
  });
}

/** The same where it stands alone. */
export const withDeployment = (deployment: Deployment, resource: ResourceState): JsonObject => ({
  ...resourceView(deployment, resource),
  ...{ orgId: 'default', projectId: projectId(deployment.project), deploymentId: deployment.id },
  project: { id: projectId(deployment.project), name: deployment.project },
  deployment: { id: deployment.id, name: deployment.name, ownedBy: deployment.owner ?? '' },
});

/** A request of a deployment, as its clients poll it. */
export function requestView(
  { id }: Pick<Deployment, 'id'>,
  { plan, status, message, at, endedAt, ended, outputs, cancelled }: PastRequest,
): JsonObject {
  const actionId = actionOf(plan);
  return withoutSeals({
    id: plan.request,
    name: titleOf(actionId),
    deploymentId: id,
    actionId,
    requestedBy: plan.requestedBy,
    blueprintId: plan.blueprintId || 'inline-blueprint',
    inputs: plan.inputs,
    outputs,
    status: requestStatus({ status, cancelled }),
    details: message,
    createdAt: toIso(at),
    updatedAt: toIso(endedAt ?? at),
    ...(endedAt === undefined ? {} : { completedAt: toIso(endedAt) }),
    totalTasks: plan.actions.length,
    completedTasks: ended,
    dismissed: false,
    cancelable: status.endsWith('_INPROGRESS') && !cancelled,
  });
}

const actionOf = ({ actionId, kind }: DeploymentPlan): string =>
  actionId ?? `Deployment.${kind[0]}${kind.slice(1).toLowerCase()}`;

/** `Deployment.PowerOff` as people say it: `Power Off`. */
export const titleOf = (actionId: string): string =>
  (/(Snapshot\.\w+|\w+\.(Disk|Tags)|\w+)$/.exec(actionId)?.[0] ?? actionId)
    .replace('.', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2');

/** The steps of a plan, as the blueprint service tells them. */
export function planView({ actions, target, placements, inputs }: DeploymentPlan): JsonObject {
  const typeOf = (instance: string) => target.find((one) => one.instance === instance)?.type ?? '';
  return withoutSeals({
    inputProperties: inputs,
    outputProperties: {},
    tasks: actions.map(({ id, instance, after, because, changes = [] }) => ({
      name: id,
      resourceName: instance,
      resourceType: typeOf(instance),
      resourceReason: reasonOf(actions, instance, changes.length > 0),
      dependsOnTasks: after,
      because,
      changes: changes as unknown as Json,
    })),
    placements: placements as unknown as Json,
  });
}

/** The same by resource, with what its properties are and would be. */
export function resourcesPlanView(plan: DeploymentPlan, standing: Deployment | undefined): JsonObject {
  const instances = [...new Set(plan.actions.map(({ instance }) => instance))];
  const graph = dependencies(plan.blueprint);
  return withoutSeals({
    resources: instances.map((instance) => {
      const own = plan.actions.filter((action) => action.instance === instance);
      const planned = plan.target.find((one) => one.instance === instance);
      const before = standing?.resources[instance];
      const changes = own.flatMap((action) => action.changes ?? []);
      const node = planned?.node ?? before?.node ?? '';
      return {
        resourceName: instance,
        resourceType: planned?.type ?? before?.type ?? '',
        resourceReason: reasonOf(plan.actions, instance, changes.length > 0),
        dependsOnResources: graph[node] ?? [],
        taskNames: own.map(({ id }) => id),
        oldProperties: before ? effective(before) : {},
        newProperties: planned
          ? {
              ...(before ? effective(before) : plan.blueprint.resources[node]?.properties),
              ...Object.fromEntries(changes.map(({ property, after }) => [property, after])),
            }
          : {},
        because: own.map(({ because }) => because).join(' '),
      };
    }),
  });
}

function reasonOf(actions: DeploymentPlan['actions'], instance: string, hasChanges: boolean): string {
  const does = actions.filter((action) => action.instance === instance).map((action) => action.does);
  if (does.includes('create')) return does.includes('delete') ? 'RECREATE' : 'CREATE';
  if (does.includes('delete')) return 'DELETE';
  if (does.includes('act')) return 'ACTION';
  return hasChanges ? 'UPDATE' : 'READ';
}
