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
import { isAmong, isTagged } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { type Handler, pageOf, type Request } from '../request.ts';
import { deploymentView, requestView, resourceView, titleOf, withDeployment } from '../views.ts';
import { shown } from './deployment-requests.ts';

/** Deployments, what stands in them, and what is asked of them. */
export function deploymentHandlers({ parts, engine }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { deployments } = engine;

  return {
    'deployments.get': async ({ params, query }) => deploymentView(await read(params.id!, query.deleted === 'true')),
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
      const past = (await deployments.requests(deployment.id)).filter(
        ({ endedAt }) => query.inprogressRequests !== 'true' || endedAt === undefined,
      );
      return pageOf(await Promise.all(past.reverse().map((request) => shown(store, deployment, request))), query);
    },
    'deployments.userEvents': async ({ params, query }) =>
      pageOf(userEvents(await deployments.history((await read(params.id!, true)).id)).reverse(), query),
    'deployments.drift': async ({ params }) => ({
      resources: (await deployments.drift(params.id!)) as unknown as Json,
    }),
    ...actionsOf('deployments', async ({ id }) => ({ id: id! })),
    ...actionsOf('deployment-resources', async ({ id, resourceId: of }) => instanceOf(await resourceIn(id!, of!))),
    ...actionsOf('resources', async ({ resourceId: of }) => instanceOf(await resourceAnywhere(of!))),

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
}

const instanceOf = ({ deployment, resource }: { deployment: Deployment; resource: ResourceState }) => ({
  id: deployment.id,
  instance: resource.instance,
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
