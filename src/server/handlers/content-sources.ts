import { MillraceError } from '../../core/error.ts';
import { toIso } from '../../core/instant.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { requestSync, syncRequest } from '../../engine/content-sources.ts';
import { contentSource } from '../../engine/repositories.ts';
import type { Document } from '../../store/store.ts';
import { isAmong, isFound, isJust } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { Answer, type Handler, pageOf } from '../request.ts';
import { finders } from './find.ts';

const kept = ['BLUEPRINT', 'TERRAFORM_CONFIGURATION'];

/** Repositories whose blueprints are taken over, when somebody asks or pushes. */
export function contentSourceHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId, projectOf, save } = finders(store);

  return {
    'content-sources.list': async ({ query }) => {
      const shown = (await store.list(contentSource)).map(show);
      return pageOf(
        shown.filter(
          ({ name, projectId: project, typeId, config, syncEnabled }) =>
            isFound(query.search, name) &&
            isJust(query.name, name) &&
            isAmong(query.projectIds, project) &&
            isAmong(query.typeIds, typeId) &&
            isAmong(query.syncEnabled, syncEnabled) &&
            ['contentType', 'integrationId', 'repository'].every((key) =>
              isJust(query[key], (config as JsonObject)[key]),
            ),
        ),
        query,
      );
    },
    'content-sources.create': async ({ body, user }) => {
      const { contentType } = isObject(body.config) ? body.config : {};
      if (contentType !== undefined && !kept.includes(String(contentType)))
        throw new MillraceError('request.invalid', {
          message: `Content of the type ${String(contentType)} is not taken over from repositories.`,
          hint: `These are: ${kept.join(', ')}.`,
        });
      const at = moment.now();
      const { projectId: _, ...rest } = body;
      const document: Document = {
        ...{ kind: contentSource, id: moment.newId(), project: await projectOf(body, ''), name: String(body.name) },
        body: { ...rest, createdBy: user!.name, syncEnabled: body.syncEnabled !== false },
        ...{ createdAt: at, updatedAt: at },
      };
      if (!document.project) throw new MillraceError('request.invalid', { message: '`projectId` is missing.' });
      await save(document);
      if (document.body.syncEnabled === true) await requestSync(parts, document, 'made');
      return show(document);
    },
    'content-sources.get': async ({ params }) => show(await byId(contentSource, params.id!)),
    'content-sources.delete': async ({ params }) => {
      await store.remove(contentSource, (await byId(contentSource, params.id!)).id);
      return new Answer(204, '');
    },
    'content-syncs.create': async ({ body }) =>
      showSync(await requestSync(parts, await byId(contentSource, String(body.sourceId ?? '')))),
    'content-syncs.all': async ({ body }) => {
      const ids = Array.isArray(body.projectIds) ? body.projectIds.map(String) : [];
      const sources = (await store.list(contentSource)).filter(
        ({ project }) => ids.length === 0 || ids.includes(projectId(project)),
      );
      return pageOf(await Promise.all(sources.map(async (source) => showSync(await requestSync(parts, source)))), {});
    },
    'content-syncs.get': async ({ params }) => showSync(await byId(syncRequest, params.id!)),
    'content-syncs.history': async ({ query }) => {
      const configs = new Map((await store.list(contentSource)).map(({ id, body }) => [id, body.config as JsonObject]));
      const requests = (await store.list(syncRequest)).sort((a, b) => b.updatedAt - a.updatedAt);
      const items = requests.flatMap((request) =>
        (request.body.items as JsonObject[]).map((item, index) => ({
          ...item,
          ...{ id: `${request.id}/${index}`, requestId: request.id, timestamp: toIso(request.updatedAt) },
          ...{ projectId: projectId(request.project), projectName: request.project },
          integrationId: configs.get(String(item.sourceId))?.integrationId ?? '',
        })),
      ) as JsonObject[];
      return pageOf(
        items.filter(
          ({ sourceId, projectId: project, requestId, ...item }) =>
            isAmong(query.sourceIds, sourceId) &&
            isAmong(query.projectIds, project) &&
            isAmong(query.requestId, requestId) &&
            ['contentName', 'contentType', 'integrationId', 'status'].every((key) => isJust(query[key], item[key])),
        ),
        query,
      );
    },
  };
}

const show = ({ id, name, project, body, createdAt, updatedAt }: Document): JsonObject => ({
  ...body,
  ...{ id, name, orgId: 'default', projectId: projectId(project) },
  ...{ createdAt: toIso(createdAt), lastUpdatedAt: toIso(updatedAt), lastUpdatedBy: String(body.createdBy ?? '') },
});

const showSync = ({ id, project, body, createdAt, updatedAt }: Document): JsonObject => ({
  ...{ requestId: id, id, sourceId: body.sourceId!, status: body.status!, message: body.message! },
  ...{ projectId: projectId(project), createdAt: toIso(createdAt), lastUpdatedAt: toIso(updatedAt) },
});
