import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import { isAmong, isFound, isJust } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { Answer, type Handler, pageOf, type Request } from '../request.ts';
import { finders } from './find.ts';

/** Property groups, as the blueprint service has them: of one project, or of all where they name none. */
export function propertyGroupHandlers({ parts, kinds }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId, projectOf, save } = finders(store);
  const kind = kinds['property-group']!;

  async function write(before: Document | undefined, { body, user }: Request): Promise<JsonObject> {
    const name = String(body.name ?? before?.name ?? '');
    if (!/^[A-Za-z][\w-]*$/.test(name))
      throw new MillraceError('request.invalid', {
        message: `\`name\` is ${name ? `"${name}"` : 'missing'}: letters, digits, - and _, a letter first.`,
      });
    const at = moment.now();
    const document: Document = {
      ...{ kind: kind.kind, id: before?.id ?? moment.newId(), name, createdAt: before?.createdAt ?? at, updatedAt: at },
      project: before?.project ?? (await projectOf(body, '')),
      body: { createdBy: user!.name, ...before?.body, ...kind.accept(body, before), updatedBy: user!.name },
    };
    await save(document);
    return kind.show(document);
  }

  return {
    'property-groups.list': async ({ query }) => {
      const isWanted = ({ name, type, projectId: of }: JsonObject) =>
        isJust(query.name, name) &&
        isFound(query.search, name) &&
        isAmong(query.projects, of) &&
        isAmong(query.type, type);
      return pageOf((await store.list(kind.kind)).map(kind.show).filter(isWanted), query);
    },
    'property-groups.create': async (request) => write(undefined, request),
    'property-groups.get': async ({ params }) => kind.show(await byId(kind.kind, params.id!)),
    'property-groups.replace': async (request) => write(await byId(kind.kind, request.params.id!), request),
    'property-groups.delete': async ({ params }) => {
      await store.remove(kind.kind, (await byId(kind.kind, params.id!)).id);
      return new Answer(204, '');
    },
  };
}
