import { inputsSchema } from '../../blueprint/inputs-schema.ts';
import { isError } from '../../core/diagnostic.ts';
import { MillraceError } from '../../core/error.ts';
import { toIso } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import { checkContent } from '../files.ts';
import { isAmong, isFound, isJust } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { acceptBlueprint } from '../kinds/blueprint.ts';
import { projectId } from '../kinds/kind.ts';
import { Answer, type Handler, pageOf, type Request } from '../request.ts';
import { resolvedBlueprint } from './blueprint-text.ts';
import { isReleased, statusOf, versionsOf } from './blueprint-versions.ts';
import { finders } from './find.ts';

export function blueprintHandlers(given: HandlerParts): Record<string, Handler> {
  const { store, moment } = given.parts;
  const { byId, projectOf, save } = finders(store);
  const now = () => moment.now();
  const show = (document: Document): JsonObject => {
    const messages = checkContent(String(document.body.content)).map(({ severity, message, line, column }) => ({
      type: severity.toUpperCase(),
      message,
      path: `${line}:${column}`,
      resourceName: '',
    }));
    return {
      id: document.id,
      name: document.name,
      projectId: projectId(document.project),
      projectName: document.project,
      description: document.body.description ?? '',
      content: document.body.content!,
      requestScopeOrg: document.body.requestScopeOrg ?? false,
      status: statusOf(document),
      totalVersions: versionsOf(document).length,
      totalReleasedVersions: versionsOf(document).filter(isReleased).length,
      valid: !messages.some(({ type }) => type === 'ERROR'),
      validationMessages: messages,
      ...sourceOf(document.body),
      orgId: 'default',
      selfLink: `/blueprint/api/blueprints/${document.id}`,
      ...{ createdAt: toIso(document.createdAt), updatedAt: toIso(document.updatedAt) },
      ...{ createdBy: String(document.body.createdBy ?? ''), updatedBy: String(document.body.createdBy ?? '') },
    };
  };
  const write = async (before: Document | undefined, { body, user }: Request) => {
    const name = String(body.name ?? before?.name ?? '');
    if (!name) throw new MillraceError('request.invalid', { message: '`name` is missing.' });
    const project = await projectOf(body, before?.project ?? 'Default');
    const document: Document = {
      kind: 'blueprint',
      id: before?.id ?? moment.newId(),
      project,
      name,
      body: { ...acceptBlueprint(body, before?.body).body, createdBy: user!.name },
      createdAt: before?.createdAt ?? now(),
      updatedAt: now(),
    };
    await save(document);
    return show(document);
  };
  return {
    'blueprints.list': async ({ query }) => {
      const isWanted = ({ name, projectId: of, totalVersions, totalReleasedVersions }: JsonObject) =>
        isJust(query.name, name) &&
        isFound(query.search, name) &&
        isAmong(query.projects, of) &&
        (query.versioned !== 'true' || Number(totalVersions) > 0) &&
        (query.released !== 'true' || Number(totalReleasedVersions) > 0);
      return pageOf((await store.list('blueprint')).map(show).filter(isWanted), query);
    },
    'blueprints.create': async (request) => write(undefined, request),
    'blueprints.get': async ({ params }) => show(await byId('blueprint', params.id!)),
    'blueprints.replace': async (request) => write(await byId('blueprint', request.params.id!), request),
    'blueprints.delete': async ({ params }) => {
      await store.remove('blueprint', (await byId('blueprint', params.id!)).id);
      return new Answer(204, '');
    },
    'blueprints.validate': async ({ body }) => {
      const diagnostics = checkContent(String(body.content ?? ''));
      return {
        valid: !diagnostics.some(isError),
        validationMessages: diagnostics.map(({ severity, message, line, column }) => ({
          type: severity.toUpperCase(),
          message,
          path: `${line}:${column}`,
          resourceName: '',
        })),
      };
    },
    'blueprints.schema': async ({ params }) => schemaOf(await byId('blueprint', params.id!)),
  };

  /** Property groups that it names are in it. */
  async function schemaOf({ name, project, body }: Document): Promise<JsonObject> {
    return inputsSchema(await resolvedBlueprint(store, { name, project, content: String(body.content) }));
  }
}

/** Where it comes from, for one that a content source keeps. */
const sourceOf = (body: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([key]) => key.startsWith('contentSource')));
