import { z } from 'zod';
import { json, operation } from './define.ts';
import type { Operation } from './operation.ts';

const text = z.string();
const inputs = z.record(z.string(), z.json()).default({});

/** What is asked for by a blueprint, as clients of the original send it. */
const blueprintRequest = z.looseObject({
  projectId: text.optional(),
  blueprintId: text.optional(),
  blueprintVersion: text.optional(),
  content: text.optional(),
  deploymentId: text.optional(),
  deploymentName: text.optional(),
  description: text.optional(),
  reason: text.optional(),
  destroy: z.boolean().default(false),
  plan: z.boolean().default(false),
  simulate: z.boolean().default(false),
  inputs,
});
const actionRequest = z.looseObject({ actionId: text.min(1), inputs, reason: text.optional() });
const itemRequest = z.looseObject({
  projectId: text.optional(),
  deploymentName: text.optional(),
  version: text.optional(),
  reason: text.optional(),
  bulkRequestCount: z.number().int().min(1).max(127).default(1),
  inputs,
});

const requests = '/blueprint/api/blueprint-requests';
const blueprints = '/blueprint/api/blueprints/{id}';
const deployments = '/deployment/api/deployments';
const resources = '/deployment/api/resources';
const items = '/catalog/api/items';
const admin = '/catalog/api/admin';

/** The actions of something, and requests for them. */
const actions = (tag: string, path: string, what: string): Operation[] => [
  operation(`${tag}.actions`, `GET ${path}/actions`, 'read', `What can be done to ${what}, and whether now.`),
  operation(`${tag}.action`, `GET ${path}/actions/{actionId}`, 'read', 'One of these, with the schema of its inputs.'),
  operation(`${tag}.act`, `POST ${path}/requests`, 'execute', 'Asks for one: `{actionId, inputs, reason}`.', {
    body: actionRequest,
  }),
];

/** What infrastructure the deployments hold, and what can be done to it; each is a request of a deployment. */
const held = (path: string, what: string, operations: readonly string[] = []): Operation[] => [
  operation(`${path}.list`, `GET /iaas/api/${path}`, 'read', `Lists ${what} of all deployments.`),
  operation(
    `${path}.create`,
    `POST /iaas/api/${path}`,
    'execute',
    `Makes one of the ${what}, in a deployment of its own.`,
    {
      body: json,
      status: 202,
    },
  ),
  operation(`${path}.get`, `GET /iaas/api/${path}/{id}`, 'read', `One of the ${what}.`),
  operation(
    `${path}.delete`,
    `DELETE /iaas/api/${path}/{id}`,
    'execute',
    `Deletes one of the ${what} with its deployment.`,
    {
      status: 202,
    },
  ),
  ...operations.map((name) =>
    operation(
      `${path}.${name}`,
      `POST /iaas/api/${path}/{id}/operations/${name}`,
      'execute',
      `Asks a machine to ${name.replace('-', ' ')}.`,
      {
        body: json,
        status: 202,
      },
    ),
  ),
];

export const cloudAssembly: readonly Operation[] = [
  operation('blueprint-requests.list', `GET ${requests}`, 'read', 'What was asked for by blueprints, newest first.'),
  operation(
    'blueprint-requests.create',
    `POST ${requests}`,
    'execute',
    'Creates, updates or deletes a deployment, or only plans that.',
    {
      body: blueprintRequest,
      largest: 4 * 2 ** 20,
      status: 202,
    },
  ),
  operation('blueprint-requests.get', `GET ${requests}/{id}`, 'read', 'One request, and how it stands.'),
  operation(
    'blueprint-requests.plan',
    `GET ${requests}/{id}/plan`,
    'read',
    'What it would do, step by step, and where.',
  ),
  operation(
    'blueprint-requests.resources',
    `GET ${requests}/{id}/resources-plan`,
    'read',
    'The same by resource, with properties before and after.',
  ),
  operation('blueprint-requests.delete', `DELETE ${requests}/{id}`, 'execute', 'Forgets a request that has ended.', {
    status: 204,
  }),
  operation(
    'blueprint-requests.cancel',
    `POST ${requests}/{id}/actions/cancel`,
    'execute',
    'Calls it off: what can be stopped is stopped, and nothing new begins.',
  ),
  operation(
    'blueprints.schema',
    `GET ${blueprints}/inputs-schema`,
    'read',
    'What its inputs have to be, as one JSON Schema.',
  ),
  operation(
    'blueprint-versions.schema',
    `GET ${blueprints}/versions/{version}/inputs-schema`,
    'read',
    'The same of a version.',
  ),
  operation(
    'resource-types.list',
    'GET /blueprint/api/resource-types',
    'read',
    'Types of resources, and which of them this server can make.',
  ),
  operation(
    'resource-types.get',
    'GET /blueprint/api/resource-types/{id}',
    'read',
    'One type with the schema of its properties.',
  ),

  operation(
    'deployments.list',
    `GET ${deployments}`,
    'read',
    'Lists deployments: `?name=&search=&projects=&status=&lastRequestStatus=&ownedBy=&requestedBy=&ids=&deleted=&resourceTypes=&cloudAccounts=&cloudTypes=&tags=&createdAt=&lastUpdatedAt=&expiresAt=`; with `expand=resources,lastRequest` what is in them as well.',
  ),
  operation('deployments.filters', `GET ${deployments}/filters`, 'read', 'By what the list can be narrowed.'),
  operation('deployments.filter', `GET ${deployments}/filters/{filterId}`, 'read', 'What one of these can be set to.'),
  operation('deployments.nameTakenBy', `GET ${deployments}/names`, 'read', 'The same for `?name=`.'),
  operation(
    'deployments.nameTaken',
    `GET ${deployments}/names/{name}`,
    'read',
    '200 where a deployment has this name, 404 where none has.',
  ),
  operation(
    'deployments.get',
    `GET ${deployments}/{id}`,
    'read',
    'One deployment: resources, and why each stands where it does.',
  ),
  operation('deployments.change', `PATCH ${deployments}/{id}`, 'execute', 'Changes its name or description.', {
    body: json,
  }),
  operation(
    'deployments.delete',
    `DELETE ${deployments}/{id}`,
    'execute',
    'Removes everything, what depends on others first.',
  ),
  operation(
    'deployments.resources',
    `GET ${deployments}/{id}/resources`,
    'read',
    'Its resources: `?names=&resourceTypes=&tags=`.',
  ),
  operation('deployments.resource', `GET ${deployments}/{id}/resources/{resourceId}`, 'read', 'One of its resources.'),
  operation(
    'deployment-resources.delete',
    `DELETE ${deployments}/{id}/resources/{resourceId}`,
    'execute',
    'Removes one resource that nothing else needs.',
  ),
  operation('deployments.requests', `GET ${deployments}/{id}/requests`, 'read', 'What was asked of it, newest first.'),
  operation('deployments.userEvents', `GET ${deployments}/{id}/userEvents`, 'read', 'Who did what to it.'),
  operation(
    'deployments.drift',
    `GET ${deployments}/{id}/drift`,
    'read',
    'How its resources are otherwise than they were left.',
  ),
  ...actions('deployments', `${deployments}/{id}`, 'a deployment'),
  ...actions('deployment-resources', `${deployments}/{id}/resources/{resourceId}`, 'a resource of a deployment'),
  operation(
    'deployments.count',
    'GET /deployment/api/projects/{id}/deployment-count',
    'read',
    'How many deployments a project has.',
  ),
  operation('deployment-requests.get', 'GET /deployment/api/requests/{id}', 'read', 'One request of a deployment.'),
  operation(
    'deployment-requests.act',
    'POST /deployment/api/requests/{id}',
    'execute',
    '`?action=cancel` calls it off; `?action=dismiss` puts a failure out of sight.',
  ),
  operation(
    'deployment-requests.events',
    'GET /deployment/api/requests/{id}/events',
    'read',
    'Its steps, in the order in which they happened.',
  ),
  operation(
    'resources.list',
    `GET ${resources}`,
    'read',
    'The resources of all deployments: `?search=&projects=&resourceTypes=&tags=`.',
  ),
  operation('resources.filters', `GET ${resources}/filters`, 'read', 'By what the list can be narrowed.'),
  operation('resources.filter', `GET ${resources}/filters/{filterId}`, 'read', 'What one of these can be set to.'),
  operation(
    'resources.requests',
    `GET ${resources}/{resourceId}/requests`,
    'read',
    'What was asked of it, newest first.',
  ),
  operation('deployment-types.list', 'GET /deployment/api/resource-types', 'read', 'Types of resources.'),
  operation('deployment-types.get', 'GET /deployment/api/resource-types/{id}', 'read', 'One type.'),
  operation('resources.get', `GET ${resources}/{resourceId}`, 'read', 'One resource.'),
  ...actions('resources', `${resources}/{resourceId}`, 'a resource'),

  operation('items.list', `GET ${items}`, 'read', 'Blueprints that have been released: `?search=&projects=`.'),
  operation('items.get', `GET ${items}/{id}`, 'read', 'One of them, with the schema of its inputs.'),
  operation('items.versions', `GET ${items}/{id}/versions`, 'read', 'Its released versions, newest first.'),
  operation('items.version', `GET ${items}/{id}/versions/{version}`, 'read', 'One of these.'),
  operation('items.request', `POST ${items}/{id}/request`, 'execute', 'Deploys it.', { body: itemRequest }),
  operation('items.admin', `GET ${admin}/items`, 'read', 'The same list, for administrators.'),
  operation('items.adminOne', `GET ${admin}/items/{id}`, 'read', 'One of these.'),
  operation('catalog-types.get', 'GET /catalog/api/types/{id}', 'read', 'One kind of items.'),
  operation('catalog-types.list', 'GET /catalog/api/types', 'read', 'Kinds of items.'),
  operation('sources.list', `GET ${admin}/sources`, 'read', 'From where the catalog is filled.'),
  operation(
    'sources.create',
    `POST ${admin}/sources`,
    'administer',
    'Fills it from a project: `{name, typeId, config: {sourceProjectId}}`.',
    {
      body: z.looseObject({ name: text.min(1), typeId: text.default('com.vmw.blueprint'), config: json.default({}) }),
      status: 201,
    },
  ),
  operation('sources.get', `GET ${admin}/sources/{id}`, 'read', 'One source.'),
  operation('sources.delete', `DELETE ${admin}/sources/{id}`, 'administer', 'Removes a source.', { status: 204 }),
  operation('entitlements.list', `GET ${admin}/entitlements`, 'read', 'Who may ask for what.'),
  operation(
    'entitlements.create',
    `POST ${admin}/entitlements`,
    'administer',
    'Offers a source or an item to a project.',
    {
      body: z.looseObject({ projectId: text.min(1), definition: json }),
      status: 201,
    },
  ),
  operation('entitlements.delete', `DELETE ${admin}/entitlements/{id}`, 'administer', 'Takes an offer back.', {
    status: 204,
  }),

  ...held('machines', 'machines', ['power-on', 'power-off', 'reboot', 'reset', 'restart', 'shutdown', 'resize']),
  ...held('networks', 'networks'),
  ...held('load-balancers', 'load balancers'),
  ...held('block-devices', 'disks'),
  ...held('security-groups', 'security groups'),
];
