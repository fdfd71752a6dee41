import {
  type Deployment,
  isDeleted,
  type ResourceState,
  resourceId as resourceIdOf,
} from '../../blueprint/deployment.ts';
import { MillraceError } from '../../core/error.ts';
import { toIso } from '../../core/instant.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { type Offer, schemaOf } from '../../engine/day-two.ts';
import { userEvents } from '../deployment-history.ts';
import { deploymentFilters, entriesOf, filtersOf, isAmong, isTagged, isWithin, resourceFilters } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { type Handler, pageOf, type Request } from '../request.ts';
import { deploymentView, requestView, resourceView, titleOf } from '../views.ts';
import { shown } from './deployment-requests.ts';

/** Deployments, what stands in them, and what is asked of them. */
export function deploymentHandlers({ parts, engine }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { deployments } = engine;

  return {
    'deployments.list': async ({ query }) => pageOf(await found(query), query),
    'deployments.get': async ({ params, query }) => deploymentView(await read(params.id!, query.deleted === 'true')),
    'deployments.filters': async () => ({ filters: filtersOf(await found({}), deploymentFilters) }),
    'deployments.filter': async ({ params, query }) =>
      entriesOf(await found({}), deploymentFilters, params.filterId!, query),
    'deployments.nameTakenBy': async ({ query }) => nameTaken(query.name ?? ''),
    'deployments.nameTaken': async ({ params }) => nameTaken(params.name!),
    'deployments.change': async ({ params, body, user }) => {
      const text = (key: string) => (body[key] === undefined ? {} : { [key]: String(body[key]).trim() });
      const changes = { ...text('name'), ...text('description') };
      if (changes.name === '') throw new MillraceError('request.invalid', { message: '`name` is empty.' });
      return deploymentView(await deployments.edit(params.id!, changes, user!.name));
    },
    'deployments.delete': async (request) => act(request, undefined, 'Deployment.Delete', {}),
    'deployments.resources': async ({ params, query }) => {
      const deployment = await read(params.id!);
      const isWanted = ({ name, type, properties }: JsonObject) =>
        isAmong(query.names, name) && isAmong(query.resourceTypes, type) && isTagged(query.tags, properties);
      const all = Object.values(deployment.resources).map((one) => resourceView(deployment, one));
      return pageOf(all.filter(isWanted), query);
    },
    'deployments.resource': async ({ params }) => {
      const { deployment, resource } = await resourceIn(params.id!, params.resourceId!);
      return resourceView(deployment, resource);
    },
    'deployment-resources.delete': async (request) => {
      const { resource } = await resourceIn(request.params.id!, request.params.resourceId!);
      return act(request, resource.instance, 'Delete', {});
    },
    'deployments.requests': async ({ params, query }) => {
      const deployment = await read(params.id!, true);
      const past = await deployments.requests(deployment.id);
      return pageOf(await Promise.all(past.reverse().map((request) => shown(store, deployment, request))), query);
    },
    'deployments.userEvents': async ({ params, query }) =>
      pageOf(userEvents(await deployments.history((await read(params.id!, true)).id)).reverse(), query),
    'deployments.drift': async ({ params }) => ({
      resources: (await deployments.drift(params.id!)) as unknown as Json,
    }),
    'deployments.count': async ({ params }) => ({
      totalElements: (await found({})).filter((one) => one.projectId === params.id).length,
    }),
    ...actionsOf('deployments', async ({ id }) => ({ id: id! })),
    ...actionsOf('deployment-resources', async ({ id, resourceId: of }) => instanceOf(await resourceIn(id!, of!))),
    ...actionsOf('resources', async ({ resourceId: of }) => instanceOf(await resourceAnywhere(of!))),

    'resources.list': async ({ query }) => {
      const isWanted = ({ name, type, properties, projectId: of }: JsonObject) =>
        isTagged(query.tags, properties) &&
        (!query.search || String(name).includes(query.search)) &&
        isAmong(query.resourceTypes, type) &&
        isAmong(query.projects, of);
      return pageOf((await allResources()).filter(isWanted), query);
    },
    'resources.filters': async () => ({ filters: filtersOf(await allResources(), resourceFilters) }),
    'resources.filter': async ({ params, query }) =>
      entriesOf(await allResources(), resourceFilters, params.filterId!, query),
    'resources.requests': async ({ params, query }) => {
      const { deployment, resource } = await resourceAnywhere(params.resourceId!);
      const past = (await deployments.requests(deployment.id)).filter(({ plan }) =>
        plan.actions.some(({ instance }) => instance === resource.instance),
      );
      return pageOf(await Promise.all(past.reverse().map((request) => shown(store, deployment, request))), query);
    },
    'resources.get': async ({ params }) => {
      const { deployment, resource } = await resourceAnywhere(params.resourceId!);
      return withDeployment(deployment, resource);
    },
  };

  /** Whose actions they are. */
  function actionsOf(
    tag: string,
    find: (params: Record<string, string>) => Promise<{ id: string; instance?: string }>,
  ): Record<string, Handler> {
    const offers = async (params: Record<string, string>) => {
      const { id, instance } = await find(params);
      return deployments.offers(id, instance);
    };
    return {
      [`${tag}.actions`]: async ({ params }) => (await offers(params)).map(offerView),
      [`${tag}.action`]: async ({ params }) => {
        const offer = (await offers(params)).find(({ id, name }) => [id, name].includes(params.actionId!));
        if (offer) return { ...offerView(offer), schema: schemaOf(offer) };
        throw new MillraceError('not.found', { message: `There is no action ${params.actionId} here.` });
      },
      [`${tag}.act`]: async (request) => {
        const { id, instance } = await find(request.params);
        const { actionId, inputs } = request.body;
        return act({ ...request, params: { ...request.params, id } }, instance, String(actionId), inputs as JsonObject);
      },
    };
  }

  async function act(
    { params, headers, user }: Request,
    instance: string | undefined,
    actionId: string,
    inputs: JsonObject,
  ): Promise<JsonObject> {
    const key = `deployment-action/${headers['idempotency-key'] ?? moment.newId()}`;
    const asked = { actionId, inputs, requestedBy: user!.name, ...(instance === undefined ? {} : { instance }) };
    const { deploymentId, requestId } = await deployments.act(key, params.id!, asked);
    const past = (await deployments.requests(deploymentId)).find(({ plan }) => plan.request === requestId);
    const deployment = (await deployments.read(deploymentId))!;
    if (past) return requestView(deployment, past);
    const now = toIso(moment.now());
    return {
      ...{
        id: requestId,
        name: titleOf(actionId),
        deploymentId,
        actionId,
        requestedBy: user!.name,
        inputs,
        outputs: {},
      },
      ...{ status: 'SUCCESSFUL', details: '', createdAt: now, updatedAt: now, completedAt: now },
      ...{ totalTasks: 0, completedTasks: 0, dismissed: false, cancelable: false },
    };
  }

  async function read(id: string, evenDeleted = false): Promise<Deployment> {
    const state = await deployments.read(id);
    if (state && (evenDeleted || !isDeleted(state))) return state;
    throw new MillraceError('deployment.unknown', { message: `There is no deployment ${id}.` });
  }

  async function resourceIn(id: string, wanted: string) {
    const deployment = await read(id);
    const resource = Object.values(deployment.resources).find((one) => resourceIdOf(id, one) === wanted);
    if (resource) return { deployment, resource };
    throw new MillraceError('not.found', { message: `Deployment ${deployment.name} has no resource ${wanted}.` });
  }

  async function resourceAnywhere(wanted: string) {
    const found = await deployments.resource(wanted);
    if (found) return found;
    throw new MillraceError('not.found', { message: `There is no resource ${wanted}.` });
  }

  async function nameTaken(wanted: string): Promise<JsonObject> {
    const taken = (await store.summaries('deployment')).some(
      ({ name, status }) => name === wanted && status !== 'DELETE_SUCCESSFUL',
    );
    if (taken) return { name: wanted };
    throw new MillraceError('deployment.unknown', { message: `No deployment is called ${wanted}.` });
  }

  async function allResources(): Promise<JsonObject[]> {
    const all: JsonObject[] = [];
    for (const { id } of await store.summaries('deployment')) {
      const deployment = await deployments.read(String(id));
      if (!deployment || isDeleted(deployment)) continue;
      for (const resource of Object.values(deployment.resources)) all.push(withDeployment(deployment, resource));
    }
    return all;
  }

  /** As lists show them; the original's own filters are plain parameters. */
  async function found(query: Record<string, string>): Promise<JsonObject[]> {
    const shown = (await store.summaries('deployment')).map((summary) => ({
      ...summary,
      ...{ orgId: 'default', projectId: projectId(String(summary.project)), ownedBy: summary.owner ?? '' },
      lastUpdatedAt: summary.updatedAt ?? '',
    })) as JsonObject[];
    const holders = query.resourceTypes || query.tags ? await holdersOf(query) : undefined;
    return shown.filter(
      ({ id, name, status, projectId: of, ownedBy, createdAt, lastUpdatedAt, leaseExpireAt }) =>
        (query.deleted === 'true') === (status === 'DELETE_SUCCESSFUL') &&
        (!query.name || name === query.name) &&
        (!query.search || String(name).toLowerCase().includes(query.search.toLowerCase())) &&
        isAmong(query.status, status) &&
        isAmong(query.projects, of) &&
        isAmong(query.ownedBy, ownedBy) &&
        isAmong(query.ids, id) &&
        isWithin(query.createdAt, createdAt) &&
        isWithin(query.lastUpdatedAt, lastUpdatedAt) &&
        isWithin(query.expiresAt, leaseExpireAt) &&
        (!holders || holders.has(id)),
    );
  }

  /** Deployments with a resource that is asked for. */
  async function holdersOf({ resourceTypes, tags }: Record<string, string>): Promise<Set<Json | undefined>> {
    const wanted = (await allResources()).filter(
      ({ type, properties }) => isAmong(resourceTypes, type) && isTagged(tags, properties),
    );
    return new Set(wanted.map(({ deploymentId }) => deploymentId));
  }
}

const instanceOf = ({ deployment, resource }: { deployment: Deployment; resource: ResourceState }) => ({
  id: deployment.id,
  instance: resource.instance,
});

const withDeployment = (deployment: Deployment, resource: ResourceState): JsonObject => ({
  ...resourceView(deployment, resource),
  ...{ orgId: 'default', projectId: projectId(deployment.project), deploymentId: deployment.id },
  project: { id: projectId(deployment.project), name: deployment.project },
  deployment: { id: deployment.id, name: deployment.name, ownedBy: deployment.owner ?? '' },
});

const offerView = (offer: Offer): JsonObject => ({
  id: offer.id,
  name: offer.name,
  displayName: offer.title,
  description: offer.summary,
  valid: offer.refusal === undefined,
  ...(offer.refusal === undefined ? {} : { invalidReason: offer.refusal }),
  actionType: 'RESOURCE_ACTION',
  dependents: [],
  orgId: 'default',
});
