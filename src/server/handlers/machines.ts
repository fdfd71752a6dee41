import { type Deployment, effective, isDeleted, type ResourceState, resourceId } from '../../blueprint/deployment.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { base } from '../regions.ts';
import { type Handler, listOf } from '../request.ts';
import { finders } from './find.ts';
import { type Held, heldThings } from './held.ts';
import { trackers } from './trackers.ts';

/** Disks, snapshots and networks of machines, and deployments, as the infrastructure service shows them. */
export function machineHandlers(given: HandlerParts): Record<string, Handler> {
  const { store, moment } = given.parts;
  const { deployments } = given.engine;
  const { projectOf } = finders(store);
  const { following } = trackers(given);
  const { one, view, remove, ask } = heldThings(given);

  return {
    'machines.change': async ({ params, body, user }) => {
      const found = await one('machines', params.id!);
      const { description, tags, customProperties } = body;
      const inputs = said({ description, tags, customProperties });
      const { deploymentId, requestId } = await ask(found, 'Update.Tags', inputs, user!.name);
      await ended(deploymentId, requestId);
      const { deployment, resource } = await one('machines', params.id!);
      return view(deployment, resource);
    },
    'machine-disks.list': async ({ params, query }) => {
      const { resource } = await one('machines', params.id!);
      return listOf(await disksOf(resource), query);
    },
    'machine-disks.get': async ({ params }) => {
      const { resource } = await one('machines', params.id!);
      return among(await disksOf(resource), params.diskId!, `${resource.instance} has no disk`);
    },
    'machine-disks.attach': async ({ params, body, user }) => {
      const machine = await one('machines', params.id!);
      const disk = await one('block-devices', String(body.blockDeviceId));
      return perform(machine, 'Attach.Disk', { source: disk.resource.properties.id ?? '' }, user!.name);
    },
    'machine-disks.detach': async ({ params, user }) => {
      const machine = await one('machines', params.id!);
      const disk = among(await disksOf(machine.resource), params.diskId!, `${machine.resource.instance} has no disk`);
      return disk.externalId === ''
        ? perform(machine, 'Remove.Disk', { name: disk.name! }, user!.name)
        : perform(machine, 'Detach.Disk', { source: disk.externalId! }, user!.name);
    },
    'machine-nics.get': async ({ params }) => {
      const { deployment, resource } = await one('machines', params.id!);
      return among(nicsOf(deployment, resource), params.nicId!, `${resource.instance} has no network interface`);
    },
    'machine-snapshots.list': async ({ params, query }) => {
      const { deployment, resource } = await one('machines', params.id!);
      return listOf(snapshotsOf(deployment, resource), query);
    },
    'machine-snapshots.get': async ({ params }) => {
      const { deployment, resource } = await one('machines', params.id!);
      return among(snapshotsOf(deployment, resource), params.snapshotId!, `${resource.instance} has no snapshot`);
    },
    'machine-snapshots.create': async ({ params, body, user }) => {
      const { name, description } = body;
      return perform(await one('machines', params.id!), 'Snapshot.Create', said({ name, description }), user!.name);
    },
    'machine-snapshots.revert': async ({ params, user }) =>
      perform(await one('machines', params.id!), 'Snapshot.Revert', { id: params.snapshotId! }, user!.name),
    'machine-snapshots.delete': async ({ params, user }) =>
      perform(await one('machines', params.id!), 'Snapshot.Delete', { id: params.snapshotId! }, user!.name),
    'block-devices.resize': async ({ params, query, user }) =>
      perform(
        await one('block-devices', params.id!),
        'Resize',
        { capacityGb: Number(query.capacityInGB ?? 0) },
        user!.name,
      ),
    'load-balancers.remove': remove('load-balancers'),

    'iaas-deployments.list': async ({ query }) => {
      const ids = (await store.summaries('deployment')).map(({ id }) => String(id));
      const all = await Promise.all(ids.map((id) => deployments.read(id)));
      return listOf(
        all.filter((found) => found !== undefined && !isDeleted(found)).map((found) => deploymentOf(found!)),
        query,
      );
    },
    'iaas-deployments.get': async ({ params }) => deploymentOf(await read(params.id!)),
    'iaas-deployments.create': async ({ body, user }) => {
      const { deploymentId, requestId } = await deployments.request(`iaas/${moment.newId()}`, {
        ...{ action: 'CREATE', project: await projectOf(body, 'Default'), deploymentName: String(body.name) },
        ...{ content: 'formatVersion: 1\nresources: {}\n', blueprint: 'inline-blueprint' },
        ...{ inputs: {}, allowDestroy: false, requestedBy: user!.name },
      });
      if (body.description) await deployments.edit(deploymentId, { description: String(body.description) }, user!.name);
      return following('Create', deploymentId, requestId);
    },
    'iaas-deployments.delete': async ({ params, user }) => {
      const asked = { actionId: 'Deployment.Delete', inputs: {}, requestedBy: user!.name };
      const { deploymentId, requestId } = await deployments.act(`iaas/${moment.newId()}`, params.id!, asked);
      return following('Delete', deploymentId, requestId);
    },
  };

  async function perform(found: Held, actionId: string, inputs: JsonObject, by: string): Promise<JsonObject> {
    const { deploymentId, requestId } = await ask(found, actionId, inputs, by);
    return following(actionId, deploymentId, requestId, found.resource.instance);
  }

  /** Waits for a request that takes no time; one that takes longer goes on. */
  async function ended(deploymentId: string, requestId: string): Promise<void> {
    const until = moment.now() + 5000;
    while ((await deployments.status(deploymentId, requestId)).status === 'busy' && moment.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async function read(id: string): Promise<Deployment> {
    const found = await deployments.read(id);
    if (found && !isDeleted(found)) return found;
    throw new MillraceError('deployment.unknown', { message: `There is no deployment ${id}.` });
  }

  /** Those of the deployment or of others that it attaches, and those that were added to it, which the cloud has no id for. */
  async function disksOf(resource: ResourceState): Promise<JsonObject[]> {
    const known = { ...effective(resource), ...resource.properties };
    const sources = (Array.isArray(known.attachedDisks) ? known.attachedDisks.filter(isObject) : []).map(({ source }) =>
      String(source),
    );
    const attached: JsonObject[] = [];
    for (const { id } of sources.length > 0 ? await store.summaries('deployment') : []) {
      const deployment = await deployments.read(String(id));
      for (const disk of Object.values(deployment?.resources ?? {}))
        if (sources.includes(String(disk.properties.id))) attached.push(await view(deployment!, disk));
    }
    const added = (Array.isArray(known.addedDisks) ? known.addedDisks.filter(isObject) : []).map((disk) => ({
      ...{ id: idOfKey(`${resource.instance}/${resource.generation}/disk/${String(disk.name)}`), name: disk.name! },
      ...{
        capacityInGB: Number(disk.capacityGb ?? 0),
        status: 'ATTACHED',
        externalId: '',
        type: 'HDD',
        persistent: false,
      },
    }));
    return [...attached, ...added];
  }
}

const said = (inputs: Record<string, Json | undefined>): JsonObject =>
  Object.fromEntries(Object.entries(inputs).filter((entry): entry is [string, Json] => entry[1] !== undefined));

function among(all: JsonObject[], wanted: string, otherwise: string): JsonObject {
  const found = all.find(({ id }) => id === wanted);
  if (found) return found;
  throw new MillraceError('not.found', { message: `${otherwise} ${wanted}.` });
}

function snapshotsOf(deployment: Deployment, resource: ResourceState): JsonObject[] {
  const { snapshots } = resource.properties;
  const all = Array.isArray(snapshots) ? snapshots.filter(isObject) : [];
  const machine = `/iaas/api/machines/${resourceId(deployment.id, resource)}`;
  return all.map(({ id, name, description, createdAt }, index) => ({
    ...{ id: String(id), name: String(name), description: String(description ?? '') },
    ...base(Date.parse(String(createdAt)), Date.parse(String(createdAt))),
    ...{ isCurrent: index === all.length - 1, owner: deployment.owner ?? '' },
    _links: { self: { href: `${machine}/snapshots/${String(id)}` }, machine: { href: machine } },
  }));
}

/** One for each network that it is joined to. */
function nicsOf(deployment: Deployment, resource: ResourceState): JsonObject[] {
  const { networks } = resource.properties;
  return (Array.isArray(networks) ? networks.filter(isObject) : []).map(({ name, address }, index) => ({
    id: idOfKey(`${resourceId(deployment.id, resource)}/nic/${index}`),
    ...{ name: String(name ?? ''), addresses: address ? [String(address)] : [], deviceIndex: index },
    ...base(deployment.createdAt, deployment.updatedAt),
    _links: { machine: { href: `/iaas/api/machines/${resourceId(deployment.id, resource)}` } },
  }));
}

const deploymentOf = ({ id, name, project, description = '', owner = '', createdAt, updatedAt }: Deployment) => ({
  ...{ id, name, description, owner, ownerType: 'USER', projectId: projectId(project) },
  ...base(createdAt, updatedAt),
  _links: {
    self: { href: `/iaas/api/deployments/${id}` },
    project: { href: `/iaas/api/projects/${projectId(project)}` },
  },
});
