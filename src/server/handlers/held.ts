import {
  type Deployment,
  effective,
  isDeleted,
  placementOf,
  type ResourceState,
  resourceId,
} from '../../blueprint/deployment.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { withoutSeals } from '../../core/secret.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { base, readRegions } from '../regions.ts';
import { type Handler, listOf, type Request } from '../request.ts';
import { collectionOf, resourcePath } from '../resources.ts';
import { finders } from './find.ts';
import { trackers } from './trackers.ts';

/** What a client sends for one, as a resource of a blueprint. */
const collections: Record<string, { type: string; propertiesOf(body: JsonObject): JsonObject }> = {
  machines: {
    type: 'Cloud.Machine',
    propertiesOf: ({
      image,
      imageRef,
      flavor,
      flavorRef,
      tags,
      constraints,
      bootConfig,
      remoteAccess,
      customProperties,
    }) => ({
      ...given({ image, imageRef, flavor: flavor ?? flavorRef, tags, remoteAccess }),
      ...(isObject(bootConfig) ? given({ cloudConfig: bootConfig.content }) : {}),
      ...(isObject(customProperties) ? customProperties : {}),
      ...tagsOf(constraints),
    }),
  },
  networks: {
    type: 'Cloud.Network',
    propertiesOf: ({ constraints, customProperties }) => ({
      networkType: isObject(customProperties) ? (customProperties.networkType ?? 'existing') : 'existing',
      ...tagsOf(constraints),
    }),
  },
  'load-balancers': {
    type: 'Cloud.LoadBalancer',
    propertiesOf: ({ routes, targetLinks, internetFacing }) => ({
      ...given({ routes, internetFacing }),
      instances: Array.isArray(targetLinks) ? targetLinks : [],
    }),
  },
  'block-devices': {
    type: 'Cloud.Volume',
    propertiesOf: ({ capacityInGB, encrypted, persistent, constraints }) => ({
      ...given({ capacityGb: capacityInGB, encrypted, persistent }),
      ...tagsOf(constraints),
    }),
  },
  'security-groups': {
    type: 'Cloud.SecurityGroup',
    propertiesOf: ({ rules }) => ({ securityGroupType: 'new', ...given({ rules }) }),
  },
};

const powers: Record<string, string> = {
  ...{ 'power-on': 'PowerOn', 'power-off': 'PowerOff', shutdown: 'PowerOff', resize: 'Resize' },
  ...{ reboot: 'Reboot', reset: 'Reboot', restart: 'Reboot' },
};

/** Machines, networks and so on, as the infrastructure service shows them; what is done to them is a request of their deployment. */
export function heldHandlers(given: HandlerParts): Record<string, Handler> {
  const { store, moment } = given.parts;
  const { deployments } = given.engine;
  const { projectOf } = finders(store);
  const { following } = trackers(given);
  const { one, view, remove, ask } = heldThings(given);
  return Object.assign({}, ...Object.keys(collections).map(handlersOf));

  function handlersOf(collection: string): Record<string, Handler> {
    return {
      [`${collection}.list`]: async ({ query }) => listOf(await all(collection), query),
      [`${collection}.get`]: async ({ params }) => {
        const { deployment, resource } = await one(collection, params.id!);
        return view(deployment, resource);
      },
      [`${collection}.create`]: async (request) => create(collection, request),
      [`${collection}.delete`]: remove(collection),
      ...Object.fromEntries(
        Object.entries(collection === 'machines' ? powers : {}).map(([word, action]): [string, Handler] => [
          `machines.${word}`,
          async ({ params, query, user }) => {
            const found = await one(collection, params.id!);
            const inputs: JsonObject = action === 'Resize' ? { flavor: query.name ?? '' } : {};
            const { deploymentId, requestId } = await ask(found, action, inputs, user!.name);
            return following(word, deploymentId, requestId, found.resource.instance);
          },
        ]),
      ),
    };
  }

  async function create(collection: string, { body, user }: Request): Promise<JsonObject> {
    const { type, propertiesOf } = collections[collection]!;
    const name = String(body.name ?? '').trim();
    if (!name) throw new MillraceError('request.invalid', { message: '`name` is missing.' });
    const project = await projectOf(body, 'Default');
    const count = body.machineCount === undefined ? {} : { count: body.machineCount };
    const content = JSON.stringify({
      formatVersion: 1,
      inputs: {},
      resources: { [name]: { type, properties: { ...propertiesOf(body), ...count } } },
    });
    const id = moment.newId();
    const { deploymentId, requestId } = await deployments.request(`iaas/${id}`, {
      ...{
        action: 'CREATE',
        project,
        deploymentName: `${name}-${id.slice(0, 8)}`,
        content,
        blueprint: 'inline-blueprint',
      },
      ...{ inputs: {}, allowDestroy: false, requestedBy: user!.name },
    });
    return following('Provisioning', deploymentId, requestId);
  }

  async function all(collection: string): Promise<JsonObject[]> {
    const views: JsonObject[] = [];
    for (const { id } of await store.summaries('deployment')) {
      const deployment = await deployments.read(String(id));
      if (!deployment || isDeleted(deployment)) continue;
      for (const resource of Object.values(deployment.resources))
        if (collectionOf(resource.type) === collection) views.push(await view(deployment, resource));
    }
    return views;
  }
}

export interface Held {
  deployment: Deployment;
  resource: ResourceState;
}

/** What deployments hold, found by its id, shown, asked for actions and removed. */
export function heldThings(given: HandlerParts) {
  const { store, moment } = given.parts;
  const { deployments } = given.engine;
  const { following } = trackers(given);
  return { one, view, ask, remove };

  async function one(collection: string, id: string): Promise<Held> {
    const found = await deployments.resource(id);
    if (found && collectionOf(found.resource.type) === collection) return found;
    throw new MillraceError('not.found', { message: `There is none of the ${collection} with the id ${id}.` });
  }

  function ask({ deployment, resource }: Held, actionId: string, inputs: JsonObject, requestedBy: string) {
    const asked = { actionId, instance: resource.instance, inputs, requestedBy };
    return deployments.act(`iaas/${moment.newId()}`, deployment.id, asked);
  }

  /** With its deployment, which holds nothing else. */
  function remove(collection: string): Handler {
    return async ({ params, user }) => {
      const { deployment } = await one(collection, params.id!);
      if (Object.keys(deployment.resources).length > 1)
        throw new MillraceError('request.invalid', {
          message: `Deployment ${deployment.name} holds more than this: ${Object.keys(deployment.resources).join(', ')}.`,
          hint: 'Update it by a blueprint without this resource, or delete the deployment.',
        });
      const asked = { actionId: 'Deployment.Delete', inputs: {}, requestedBy: user!.name };
      const { deploymentId, requestId } = await deployments.act(`iaas/${moment.newId()}`, deployment.id, asked);
      return following('Delete', deploymentId, requestId);
    };
  }

  async function view(deployment: Deployment, resource: ResourceState): Promise<JsonObject> {
    const { properties, instance, type } = resource;
    const known = { ...effective(resource), ...properties };
    const placement = placementOf(deployment.plan.placements, resource);
    const { accounts } = await readRegions(store);
    const account = accounts.find(({ name }) => name === placement?.account);
    return withoutSeals({
      id: resourceId(deployment.id, resource),
      name: String(properties.resourceName ?? instance),
      description: String(known.description ?? ''),
      ...base(deployment.createdAt, deployment.updatedAt),
      ...{ owner: deployment.owner ?? '', ownerType: 'USER' },
      ...{ projectId: projectId(deployment.project), deploymentId: deployment.id },
      ...{
        externalId: String(properties.id ?? ''),
        externalRegionId: placement?.region ?? '',
        externalZoneId: resource.zone,
      },
      cloudAccountIds: account ? [account.id] : [],
      provisioningStatus: resource.status === 'OK' ? 'READY' : resource.status === 'TAINTED' ? 'ERROR' : 'PROVISIONING',
      tags: known.tags ?? [],
      customProperties: textsOf(known),
      ...shown(type, known),
      _links: {
        self: { href: resourcePath(deployment.id, resource)! },
        deployment: { href: `/iaas/api/deployments/${deployment.id}` },
        ...(collectionOf(type) === 'machines' ? linksOf(resourcePath(deployment.id, resource)!) : {}),
        project: { href: `/iaas/api/projects/${projectId(deployment.project)}` },
      },
    });
  }
}

const linksOf = (machine: string): JsonObject => ({
  disks: { href: `${machine}/disks` },
  snapshots: { href: `${machine}/snapshots` },
});

/** What only one collection has. */
function shown(type: string, known: JsonObject): JsonObject {
  const collection = collectionOf(type);
  if (collection === 'machines')
    return { address: known.address ?? '', hostname: known.hostname ?? '', powerState: known.powerState ?? 'UNKNOWN' };
  if (collection === 'load-balancers') return { address: known.address ?? '', routes: known.routes ?? [] };
  if (collection === 'networks') return { cidr: known.networkCidr ?? '' };
  if (collection === 'block-devices')
    return {
      capacityInGB: Number(known.capacityGb ?? 0),
      status: known.attachedTo ? 'ATTACHED' : 'AVAILABLE',
      persistent: known.persistent ?? false,
    };
  return { rules: known.rules ?? [] };
}

/** Custom properties are texts. */
const textsOf = (known: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(known).flatMap(([key, value]) =>
      ['string', 'number', 'boolean'].includes(typeof value) && key !== 'cloudConfig' ? [[key, String(value)]] : [],
    ),
  );

const given = (properties: Record<string, Json | undefined>): JsonObject =>
  Object.fromEntries(Object.entries(properties).filter((entry): entry is [string, Json] => entry[1] !== undefined));

/** `{mandatory, expression}` as a constraint of a blueprint. */
function tagsOf(constraints: Json | undefined): JsonObject {
  if (!Array.isArray(constraints)) return {};
  const tags = constraints.filter(isObject).map(({ mandatory, expression }) => ({
    tag: `${String(expression)}:${mandatory === false ? 'soft' : 'hard'}`,
  }));
  return { constraints: tags };
}
