import { inputsSchema } from '../../blueprint/inputs-schema.ts';
import { MillraceError } from '../../core/error.ts';
import { toIso } from '../../core/instant.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import { checkContent } from '../files.ts';
import { isAmong } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId, refuseErrors } from '../kinds/kind.ts';
import { type Handler, pageOf } from '../request.ts';
import { resolvedBlueprint } from './blueprint-text.ts';
import { finders } from './find.ts';

/** Frozen copies of a blueprint's draft, by a name each; a released one is offered to people who only ask for deployments. */
export function blueprintVersionHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId } = finders(store);
  const keep = (document: Document, body: JsonObject) =>
    store.put({ ...document, body: { ...document.body, ...body }, updatedAt: moment.now() });
  const become =
    (status: 'VERSIONED' | 'RELEASED'): Handler =>
    async ({ params }) => {
      const document = await byId('blueprint', params.id!);
      const changed = { ...versionOf(document, params.version!), status };
      const versions = versionsOf(document).map((one) => (one.version === params.version ? changed : one));
      await keep(document, { versions });
      return show(document, changed);
    };

  return {
    'blueprint-versions.list': async ({ params, query }) => {
      const document = await byId('blueprint', params.id!);
      const newestFirst = versionsOf(document).reverse();
      return pageOf(
        newestFirst
          .filter(({ status, version }) => isAmong(query.status, status) && isAmong(query.version, version))
          .map((version) => show(document, version)),
        query,
      );
    },
    'blueprint-versions.create': async ({ params, body, user }) => {
      const document = await byId('blueprint', params.id!);
      const version = String(body.version ?? '');
      if (!version)
        throw new MillraceError('request.invalid', { message: '`version` is missing.', hint: 'Such as 1.' });
      refuseErrors('blueprint', document.name, checkContent(String(document.body.content)));
      if (versionsOf(document).some((one) => one.version === version))
        throw new MillraceError('name.taken', {
          message: `Blueprint ${document.name} has a version ${version} already.`,
          hint: 'A version never changes; choose another name for this one.',
        });
      const frozen: JsonObject = {
        version,
        status: body.release === true ? 'RELEASED' : 'VERSIONED',
        content: document.body.content!,
        versionDescription: String(body.description ?? ''),
        versionChangeLog: String(body.changeLog ?? ''),
        createdBy: user!.name,
        createdAt: toIso(moment.now()),
      };
      await keep(document, { versions: [...versionsOf(document), frozen] });
      return show(document, frozen);
    },
    'blueprint-versions.get': async ({ params }) => {
      const document = await byId('blueprint', params.id!);
      return show(document, versionOf(document, params.version!));
    },
    'blueprint-versions.schema': async ({ params }) => {
      const { name, project, ...document } = await byId('blueprint', params.id!);
      const { content } = versionOf({ name, project, ...document }, params.version!);
      return inputsSchema(await resolvedBlueprint(store, { name, project, content: String(content) }));
    },
    'blueprint-versions.release': become('RELEASED'),
    'blueprint-versions.unrelease': become('VERSIONED'),
    /** The draft becomes what the version is; versions stay. */
    'blueprint-versions.restore': async ({ params }) => {
      const document = await byId('blueprint', params.id!);
      const { content } = versionOf(document, params.version!);
      await keep(document, { content: content! });
      return { id: document.id, name: document.name, projectId: projectId(document.project), content: content! };
    },
  };
}

/** `DRAFT` without versions, `RELEASED` where one of them is. */
export const statusOf = (document: Document): string =>
  versionsOf(document).some(isReleased) ? 'RELEASED' : versionsOf(document).length > 0 ? 'VERSIONED' : 'DRAFT';

export const isReleased = ({ status }: JsonObject): boolean => status === 'RELEASED';

export const versionsOf = ({ body }: Document): JsonObject[] =>
  Array.isArray(body.versions) ? body.versions.filter(isObject) : [];

export function versionOf(document: Document, version: string): JsonObject {
  const found = versionsOf(document).find((one) => one.version === version);
  if (found) return found;
  const names = versionsOf(document).map((one) => String(one.version));
  throw new MillraceError('not.found', {
    message: `Blueprint ${document.name} has no version ${version}.`,
    hint: `It has: ${names.join(', ') || 'none'}.`,
  });
}

const show = ({ id, name, project, body }: Document, version: JsonObject): JsonObject => ({
  ...version,
  id: `${id}/versions/${String(version.version)}`,
  blueprintId: id,
  name,
  description: body.description ?? '',
  projectId: projectId(project),
  projectName: project,
  updatedAt: version.createdAt!,
  updatedBy: version.createdBy!,
  valid: true,
  selfLink: `/blueprint/api/blueprints/${id}/versions/${String(version.version)}`,
});
