import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { common, flagOf } from '../kinds/kind.ts';
import { envelope, type Handler } from '../request.ts';
import { finders } from './find.ts';

const kind = 'custom-integration';

/** Versions of custom integrations: frozen copies of the draft, usable once they are released. */
export function integrationHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId } = finders(store);
  const save = (document: Document, body: JsonObject) =>
    store.put({ ...document, body: { ...document.body, ...body }, updatedAt: moment.now() });
  /** Puts a version into another state and answers it. */
  const become =
    (status: string): Handler =>
    async ({ params }) => {
      const document = await byId(kind, params.id!);
      const changed = { ...versionOf(document, params.version!), status };
      await save(document, {
        versions: versionsOf(document).map((one) => (one.version === params.version ? changed : one)),
      });
      return show(document, changed);
    };

  return {
    'custom-integrations.versions': async ({ params, query }) => {
      const document = await byId(kind, params.id!);
      return envelope(
        versionsOf(document).map((version) => show(document, version)),
        query,
      );
    },
    'custom-integrations.freeze': async ({ params, body }) => {
      const document = await byId(kind, params.id!);
      const version = String(body.version ?? '');
      if (!/^[\w.-]+$/.test(version) || version === 'draft')
        throw new MillraceError('request.invalid', {
          message: `"${version}" is no name for a version.`,
          hint: 'Such as 1.0.',
        });
      if (versionsOf(document).some((one) => one.version === version))
        throw new MillraceError('name.taken', { message: `${document.name} has a version ${version} already.` });
      const { yaml, runtime, code, outputs } = document.body;
      const frozen: JsonObject = {
        ...{ version, status: 'NONE', yaml: yaml!, runtime: runtime!, code: code!, outputs: outputs! },
        ...{ description: String(body.description ?? ''), changeLog: String(body.changeLog ?? '') },
      };
      await save(document, { versions: [...versionsOf(document), frozen] });
      return show(document, frozen);
    },
    'custom-integrations.version': async ({ params }) => {
      const document = await byId(kind, params.id!);
      return show(document, versionOf(document, params.version!));
    },
    'custom-integrations.deleteVersion': async ({ params }) => {
      const document = await byId(kind, params.id!);
      const gone = versionOf(document, params.version!);
      await save(document, { versions: versionsOf(document).filter((one) => one !== gone) });
      return show(document, gone);
    },
    'custom-integrations.changeVersion': async ({ params, body }) => {
      const document = await byId(kind, params.id!);
      const version = versionOf(document, params.version!);
      const changed: JsonObject = {
        ...version,
        ...(body.description === undefined ? {} : { description: String(body.description) }),
        ...(body.changeLog === undefined ? {} : { changeLog: String(body.changeLog) }),
      };
      const isLatest = flagOf(body.setLatest);
      await save(document, {
        versions: versionsOf(document).map((one) =>
          one === version || one.version === params.version ? changed : one,
        ),
        ...(isLatest === undefined ? {} : { latest: isLatest ? String(params.version) : '' }),
      });
      return show(document, changed);
    },
    'custom-integrations.release': become('RELEASED'),
    'custom-integrations.deprecate': become('DEPRECATED'),
    'custom-integrations.withdraw': become('NONE'),
    'custom-integrations.restore': async ({ params }) => {
      const document = await byId(kind, params.id!);
      const { yaml, runtime, code, outputs } = versionOf(document, params.version!);
      await save(document, { yaml: yaml!, runtime: runtime!, code: code!, outputs: outputs! });
      return show(document, { ...document.body, version: 'draft', status: 'NONE', yaml: yaml! });
    },
  };
}

const versionsOf = ({ body }: Document): JsonObject[] =>
  Array.isArray(body.versions) ? body.versions.filter(isObject) : [];

function versionOf(document: Document, version: string): JsonObject {
  const found = versionsOf(document).find((one) => one.version === version);
  if (!found)
    throw new MillraceError('not.found', {
      message: `${document.name} has no version ${version}.`,
      hint: `It has: ${versionsOf(document)
        .map((one) => String(one.version))
        .join(', ')}`,
    });
  return found;
}

const show = (document: Document, { version, status, yaml, description, changeLog }: JsonObject): JsonObject => ({
  ...common(document, 'custom-integrations'),
  version: version!,
  status: status ?? 'NONE',
  yaml: yaml ?? '',
  description: description ?? '',
  changeLog: changeLog ?? '',
  _link: `/codestream/api/custom-integrations/${document.id}/versions/${String(version)}`,
});
