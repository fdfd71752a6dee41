import { MillraceError } from '../../core/error.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import type { Kind } from '../kinds/kind.ts';
import { envelope, type Handler, type Request } from '../request.ts';
import { finders } from './find.ts';

/** The operations that every kind of definition has. */
export function definitionHandlers(given: HandlerParts, kind: Kind): Record<string, Handler> {
  const { store, moment } = given.parts;
  const { byId, byName, save } = finders(store);
  const now = () => moment.now();
  const { path } = kind;
  const replace = async (before: Document, { body, user }: Request) => {
    const { project, name } = {
      project: String(body.project ?? before.project),
      name: String(body.name ?? before.name),
    };
    const changed: Document = {
      ...before,
      project,
      name,
      body: {
        ...before.body,
        ...kind.accept({ ...body, name, project }, before),
        updatedBy: user!.name,
      },
      updatedAt: now(),
    };
    await save(changed);
    return kind.show(changed);
  };
  /** Importing makes projects; a request that names one which is not there has a slip of the pen. */
  const mustBeKnown = async (project: string) => {
    if (await store.find('project', '', project)) return;
    const known = (await store.list('project')).map(({ name }) => name);
    throw new MillraceError('project.unknown', {
      message: `There is no project ${project}.`,
      hint: `Make it with POST /iaas/api/projects.${known.length > 0 ? ` There are: ${known.join(', ')}.` : ''}`,
    });
  };
  const remove = async (document: Document) => {
    await store.remove(kind.kind, document.id);
    return kind.show(document);
  };
  return {
    [`${path}.list`]: async ({ query }) => {
      const isWanted = ({ body }: Document) =>
        !query.type || kind.kind === 'custom-integration' || body.type === query.type;
      // As the original puts them in order where nobody says how.
      const shown = (await store.list(kind.kind)).filter(isWanted).reverse().map(kind.show);
      return envelope(shown, query);
    },
    [`${path}.create`]: async ({ body, user }) => {
      const [project, name] = [String(body.project ?? 'Default'), String(body.name ?? '')];
      if (!name) throw new MillraceError('request.invalid', { message: '`name` is missing.' });
      await mustBeKnown(project);
      const document: Document = {
        kind: kind.kind,
        id: moment.newId(),
        project,
        name,
        body: {
          ...kind.accept({ ...body, project }, undefined),
          createdBy: user!.name,
          updatedBy: user!.name,
        },
        createdAt: now(),
        updatedAt: now(),
      };
      await save(document);
      return kind.show(document);
    },
    [`${path}.get`]: async ({ params }) => kind.show(await byId(kind.kind, params.id!)),
    [`${path}.getByName`]: async ({ params }) => kind.show(await byName(kind.kind, params)),
    [`${path}.replace`]: async (request) => replace(await byId(kind.kind, request.params.id!), request),
    [`${path}.replaceByName`]: async (request) => replace(await byName(kind.kind, request.params), request),
    [`${path}.delete`]: async ({ params }) => remove(await byId(kind.kind, params.id!)),
    [`${path}.deleteByName`]: async ({ params }) => remove(await byName(kind.kind, params)),
  };
}
