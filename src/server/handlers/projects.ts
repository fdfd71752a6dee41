import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../../core/error.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { base } from '../regions.ts';
import { type Handler, listOf, pageOf } from '../request.ts';
import { finders } from './find.ts';

const people = ['administrators', 'members', 'viewers', 'supervisors'];

/** Projects, under both services that know them. Importing a file makes those that it names. */
export function projectHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId } = finders(store);
  const create =
    (show: Shown): Handler =>
    async ({ body, user }) => {
      const name = String(body.name ?? '').trim();
      if (!name) throw new MillraceError('request.invalid', { message: '`name` is missing.' });
      const at = moment.now();
      const document: Document = {
        ...{ kind: 'project', id: projectId(name), project: '', name },
        body: { createdBy: user!.name, ...(await accepted(body, {})) },
        createdAt: at,
        updatedAt: at,
      };
      if (!(await store.insert(document)))
        throw new MillraceError('name.taken', { message: `There is a project ${name} already.` });
      return show(document);
    };
  const change =
    (show: Shown): Handler =>
    async ({ params, body }) => {
      const document = await byId('project', params.id!);
      if (body.name !== undefined && body.name !== document.name)
        throw new MillraceError('request.invalid', {
          message: `Project ${document.name} cannot be renamed: what belongs to it is found by this name.`,
          hint: 'Make another project, and import into it.',
        });
      const kept = { ...document.body, ...(await accepted(body, document.body)) };
      const changed = { ...document, body: kept, updatedAt: moment.now() };
      if (!isDeepStrictEqual(kept, document.body)) await store.put(changed);
      return show(changed);
    };
  const remove = async (id: string, show: Shown): Promise<JsonObject> => {
    const document = await byId('project', id);
    for (const kind of ['pipeline', 'blueprint', 'endpoint', 'variable', 'action'])
      if ((await store.list(kind)).some(({ project }) => project === document.name))
        throw new MillraceError('project.used', {
          message: `Project ${document.name} still holds a ${kind}.`,
          hint: 'Delete what belongs to it first.',
        });
    for (const { project, status, name } of await store.summaries('deployment'))
      if (project === document.name && status !== 'DELETE_SUCCESSFUL')
        throw new MillraceError('project.used', {
          message: `Project ${document.name} still holds the deployment ${String(name)}.`,
          hint: 'Delete its deployments first.',
        });
    await store.remove('project', id);
    return show(document);
  };
  const listed = async (show: Shown) => (await store.list('project')).map(show);

  return {
    'projects.iaas': async ({ query }) => ({
      ...pageOf(await listed(asInfrastructure), orderOf(query)),
      ...listOf(await listed(asInfrastructure), query),
    }),
    'projects.create': create(asInfrastructure),
    'projects.get': async ({ params }) => asInfrastructure(await byId('project', params.id!)),
    'projects.change': change(asInfrastructure),
    'projects.delete': async ({ params }) => remove(params.id!, asInfrastructure),
    'projects.service': async ({ query }) => pageOf(await listed(asService), orderOf(query)),
    'projects.createInService': create(asService),
    'projects.getFromService': async ({ params }) => asService(await byId('project', params.id!)),
    'projects.changeInService': change(asService),
    'projects.deleteFromService': async ({ params }) => remove(params.id!, asService),
  };

  /** What is kept of what either service was sent; of what it does not say nothing changes. */
  async function accepted(body: JsonObject, before: JsonObject): Promise<JsonObject> {
    const sent = (key: string): JsonObject => (body[key] === undefined ? {} : { [key]: body[key] as Json });
    const zones = body.zoneAssignmentConfigurations ?? body.zones;
    return {
      description: String(body.description ?? before.description ?? ''),
      ...Object.assign({}, ...people.map(sent)),
      ...sent('machineNamingTemplate'),
      ...sent('operationTimeout'),
      ...sent('placementPolicy'),
      ...sent('sharedResources'),
      ...(body.customProperties === undefined && body.properties === undefined
        ? {}
        : { customProperties: body.customProperties ?? body.properties ?? {} }),
      ...(body.constraints === undefined ? {} : { constraints: constraintsOf(body.constraints) }),
      ...(Array.isArray(zones) ? { zones: await Promise.all(zones.filter(isObject).map(zoneOf)) } : {}),
    };
  }

  async function zoneOf(assignment: JsonObject): Promise<JsonObject> {
    const document = await store.get('cloud-zone', String(assignment.zoneId));
    if (!document)
      throw new MillraceError('not.found', {
        message: `There is no cloud zone ${String(assignment.zoneId)}.`,
        hint: 'GET /iaas/api/zones lists them.',
      });
    const number = (key: string) => Number(assignment[key] ?? 0);
    return {
      ...{ zoneId: document.id, zone: document.name, priority: number('priority') },
      ...{ maxNumberInstances: number('maxNumberInstances'), memoryLimitMB: number('memoryLimitMB') },
      ...{ cpuLimit: number('cpuLimit'), storageLimitGB: number('storageLimitGB') },
    };
  }
}

type Shown = (document: Document) => JsonObject;

const orderOf = (query: Record<string, string>): Record<string, string> => {
  const order = query.$orderby ?? query.$orderBy;
  return { ...query, ...(order ? { $orderby: order } : {}) };
};

/** Both services' forms of a constraint are kept in the first's: `{mandatory, expression}`. */
function constraintsOf(given: Json): JsonObject {
  const kinds = Object.entries(isObject(given) ? given : {});
  return Object.fromEntries(
    kinds.map(([kind, value]) => {
      const conditions = isObject(value) && Array.isArray(value.conditions) ? value.conditions.filter(isObject) : [];
      return [kind, Array.isArray(value) ? value : conditions.map(fromCondition)];
    }),
  );
}

function fromCondition({ enforcement, occurrence, expression }: JsonObject): JsonObject {
  const { key, value } = isObject(expression) ? expression : {};
  const not = occurrence === 'MUST_NOT_OCCUR' ? '!' : '';
  return {
    mandatory: enforcement !== 'SOFT',
    expression: `${not}${String(key ?? '')}${value ? `:${String(value)}` : ''}`,
  };
}

function toCondition({ mandatory, expression }: JsonObject): JsonObject {
  const [, not, key = '', value = ''] = /^(!)?([^:]*)(?::(.*))?$/.exec(String(expression)) ?? [];
  return {
    type: 'TAG',
    enforcement: mandatory === false ? 'SOFT' : 'HARD',
    occurrence: not ? 'MUST_NOT_OCCUR' : 'MUST_OCCUR',
    expression: { key, value },
  };
}

const common = ({ id, name, body, createdAt, updatedAt }: Document): JsonObject => ({
  ...{ id, name, description: String(body.description ?? ''), orgId: 'default' },
  createdAt: new Date(createdAt).toISOString(),
  updatedAt: new Date(updatedAt).toISOString(),
  owner: String(body.createdBy ?? ''),
  ...Object.fromEntries(people.map((key) => [key, body[key] ?? []])),
  operationTimeout: body.operationTimeout ?? 0,
  sharedResources: body.sharedResources ?? true,
});

const asInfrastructure = (document: Document): JsonObject => {
  const { id, body, createdAt, updatedAt } = document;
  return {
    ...base(createdAt, updatedAt),
    ...common(document),
    ...{ zones: body.zones ?? [], constraints: body.constraints ?? {}, customProperties: body.customProperties ?? {} },
    ...{ machineNamingTemplate: body.machineNamingTemplate ?? '', placementPolicy: body.placementPolicy ?? 'DEFAULT' },
    _links: { self: { href: `/iaas/api/projects/${id}` } },
  };
};

const asService = (document: Document): JsonObject => {
  const { body } = document;
  const kinds = Object.entries(isObject(body.constraints) ? body.constraints : {});
  const conditions = (list: Json) => (Array.isArray(list) ? list.filter(isObject).map(toCondition) : []);
  return {
    ...common(document),
    constraints: Object.fromEntries(kinds.map(([kind, list]) => [kind, { conditions: conditions(list) }])),
    properties: body.customProperties ?? {},
  };
};
