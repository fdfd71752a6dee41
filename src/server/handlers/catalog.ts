import { inputsSchema } from '../../blueprint/inputs-schema.ts';
import { MillraceError } from '../../core/error.ts';
import { toIso } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import type { Document } from '../../store/store.ts';
import { isAmong, isFound } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { Answer, type Handler, pageOf } from '../request.ts';
import { resolvedBlueprint } from './blueprint-text.ts';
import { isReleased, versionsOf } from './blueprint-versions.ts';
import { finders } from './find.ts';

const type = { id: 'com.vmw.blueprint', name: 'VMware Cloud Templates', link: '/catalog/api/types/com.vmw.blueprint' };

/**
 * What people may ask for without knowing how it is made: blueprints with a released version, offered in their own project, in all
 * where they say so, and where an entitlement offers them or their source.
 */
export function catalogHandlers({ parts, engine }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId, projectOf } = finders(store);

  const one: Handler = async ({ params }) => {
    const document = await itemOf(params.id!);
    return { ...(await show(document)), schema: await schemaOf(document, released(document)[0]!) };
  };
  return {
    'items.list': async ({ query }) => pageOf(await items(query), query),
    'items.admin': async ({ query: { projectId: of = '', ...query } }) =>
      pageOf(await items(of ? { ...query, projects: of } : query), query),
    'items.get': one,
    'items.adminOne': one,
    'items.versions': async ({ params, query }) => {
      const document = await itemOf(params.id!);
      return pageOf(
        released(document).map((version) => showVersion(version)),
        query,
      );
    },
    'items.version': async ({ params }) => {
      const document = await itemOf(params.id!);
      const version = versionOf(document, params.version!);
      return { ...showVersion(version), schema: await schemaOf(document, version) };
    },
    'items.request': async ({ params, body, headers, user }) => {
      const document = await itemOf(params.id!);
      const version = body.version ? versionOf(document, String(body.version)) : released(document)[0]!;
      const project = await projectOf(body, document.project);
      const offered = (await show(document)).projectIds as string[];
      if (!offered.includes(projectId(project)))
        throw new MillraceError('permission.denied', {
          message: `${document.name} is not offered in project ${project}.`,
          hint: 'POST /catalog/api/admin/entitlements offers it.',
        });
      const key = `catalog/${headers['idempotency-key'] ?? moment.newId()}`;
      const many = Number(body.bulkRequestCount);
      const name = String(body.deploymentName ?? '').trim() || `${document.name}-${key.slice(-8)}`;
      const made: JsonObject[] = [];
      for (let index = 1; index <= many; index++) {
        const deploymentName = many > 1 ? `${name}-${index}` : name;
        const { deploymentId } = await engine.deployments.request(`${key}/${index}`, {
          ...{ action: 'CREATE', project, deploymentName, blueprint: document.name, version: String(version.version) },
          ...{ inputs: body.inputs as JsonObject, allowDestroy: false, requestedBy: user!.name },
        });
        made.push({ deploymentId, deploymentName });
      }
      return made;
    },
    'catalog-types.get': async ({ params }) => {
      if (params.id === type.id) return { ...type, baseUri: '/blueprint/api' };
      throw new MillraceError('not.found', { message: `There are no items of the kind ${params.id}.` });
    },
    'catalog-types.list': async ({ query }) => pageOf([{ ...type, baseUri: '/blueprint/api' }], query),
    'sources.list': async ({ query }) =>
      pageOf(
        await Promise.all(
          (await store.list('catalog-source'))
            .filter(
              ({ name, body }) =>
                isFound(query.search, name) && isAmong(query.projectId, projectId(String(body.project))),
            )
            .map(showSource),
        ),
        query,
      ),
    'sources.create': async ({ body, user }) => {
      const config = body.config as JsonObject;
      const project = config.sourceProjectId ? await projectOf({ projectId: config.sourceProjectId }, '') : '';
      return showSource(await keep('catalog-source', String(body.name), { ...body, project, createdBy: user!.name }));
    },
    'sources.get': async ({ params }) => showSource(await byId('catalog-source', params.id!)),
    'sources.delete': async ({ params }) => remove('catalog-source', params.id!),
    'entitlements.list': async ({ query }) =>
      (await store.list('entitlement'))
        .map(({ id, body }) => ({ id, ...body }) as JsonObject)
        .filter((one) => !query.projectId || one.projectId === query.projectId),
    'entitlements.create': async ({ body }) => {
      await projectOf({ projectId: body.projectId! }, '');
      const document = await keep('entitlement', moment.newId(), {
        projectId: body.projectId!,
        definition: body.definition!,
      });
      return { id: document.id, ...document.body };
    },
    'entitlements.delete': async ({ params }) => remove('entitlement', params.id!),
  };

  async function items({ search, projects, types, sourceIds }: Record<string, string>): Promise<JsonObject[]> {
    const documents = (await store.list('blueprint')).filter((one) => released(one).length > 0);
    const sources = await store.list('catalog-source');
    const isFrom = (project: string) =>
      !sourceIds || sources.some(({ id, body }) => isAmong(sourceIds, id) && body.project === project);
    const shown = await Promise.all(documents.filter(({ project }) => isFrom(project)).map(show));
    return shown.filter(
      ({ name, projectIds }) =>
        isFound(search, name) &&
        isAmong(types, type.id) &&
        (!projects || (projectIds as string[]).some((id) => isAmong(projects, id))),
    );
  }

  async function itemOf(id: string): Promise<Document> {
    const found = (await store.list('blueprint')).find((one) => itemId(one) === id && released(one).length > 0);
    if (found) return found;
    throw new MillraceError('not.found', {
      message: `There is no catalog item ${id}.`,
      hint: 'A blueprint is offered when one of its versions is released.',
    });
  }

  async function show(document: Document): Promise<JsonObject> {
    const { id, name, project, body, createdAt, updatedAt } = document;
    const all = (await store.list('project')).map((one) => one.id);
    const sources = new Map((await store.list('catalog-source')).map((one) => [one.id, String(one.body.project)]));
    const offered = (await store.list('entitlement')).flatMap(({ body: { definition, projectId: of } }) => {
      const wanted = (definition as JsonObject).id;
      const isOurs = wanted === itemId(document) || wanted === id;
      return isOurs || sources.get(String(wanted)) === project ? [String(of)] : [];
    });
    return {
      ...{ id: itemId(document), name, description: String(body.description ?? ''), type },
      externalId: id,
      projectIds: body.requestScopeOrg === true ? all : [...new Set([projectId(project), ...offered])],
      ...{ createdAt: toIso(createdAt), createdBy: String(body.createdBy ?? '') },
      ...{ lastUpdatedAt: toIso(updatedAt), lastUpdatedBy: String(body.createdBy ?? '') },
      bulkRequestLimit: 127,
    };
  }

  async function schemaOf({ name, project }: Document, version: JsonObject): Promise<JsonObject> {
    return inputsSchema(await resolvedBlueprint(store, { name, project, content: String(version.content) }));
  }

  function versionOf(document: Document, wanted: string): JsonObject {
    const found = released(document).find(({ version }) => version === wanted);
    if (found) return found;
    throw new MillraceError('not.found', {
      message: `Catalog item ${document.name} has no released version ${wanted}.`,
      hint: `It has: ${released(document)
        .map(({ version }) => String(version))
        .join(', ')}.`,
    });
  }

  async function showSource({ id, name, body, createdAt, updatedAt }: Document): Promise<JsonObject> {
    const found = (await items({})).filter(({ projectIds }) =>
      (projectIds as string[]).includes(projectId(String(body.project))),
    );
    return {
      ...{ id, name, description: String(body.description ?? ''), typeId: body.typeId!, config: body.config! },
      ...{ createdAt: toIso(createdAt), createdBy: String(body.createdBy ?? ''), lastUpdatedAt: toIso(updatedAt) },
      ...{ itemsFound: found.length, itemsImported: found.length, lastImportErrors: [], global: false },
      ...{ lastImportStartedAt: toIso(updatedAt), lastImportCompletedAt: toIso(updatedAt) },
    };
  }

  /** Clients send the same again to fill the catalog anew. */
  async function keep(kind: string, name: string, body: JsonObject): Promise<Document> {
    const before = await store.find(kind, '', name);
    const at = moment.now();
    const id = before?.id ?? moment.newId();
    const document: Document = { kind, id, project: '', name, body, createdAt: before?.createdAt ?? at, updatedAt: at };
    await store.put(document);
    return document;
  }

  async function remove(kind: string, id: string): Promise<Answer> {
    await store.remove(kind, (await byId(kind, id)).id);
    return new Answer(204, '');
  }
}

const itemId = ({ id }: Document): string => idOfKey(`catalog/${id}`);

/** Newest first. */
const released = (document: Document): JsonObject[] => versionsOf(document).filter(isReleased).reverse();

const showVersion = ({ version, versionDescription, createdAt }: JsonObject): JsonObject => ({
  ...{ id: version!, description: versionDescription ?? '', createdAt: createdAt! },
});
