import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { Answer, type Handler, pageOf, type Request } from '../request.ts';
import { finders } from './find.ts';

/** Types of resources, and actions on resources, that users make of functions. */
export function customHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId } = finders(store);

  return {
    ...handlersOf('custom-types', 'custom-type', async (request) => {
      const { body, user } = request;
      await mustRun(Object.values(body.mainActions as JsonObject));
      const name = String(body.resourceType);
      const before = await store.find('custom-type', '', name);
      for (const action of Array.isArray(body.additionalActions) ? body.additionalActions.filter(isObject) : [])
        await writeAction({ ...action, resourceType: name }, user!.name);
      return write('custom-type', before?.id ?? moment.newId(), name, body, user!.name);
    }),
    ...handlersOf('custom-actions', 'resource-action', ({ body, user }) => writeAction(body, user!.name)),
  };

  function handlersOf(
    tag: string,
    kind: string,
    create: (request: Request) => Promise<Document>,
  ): Record<string, Handler> {
    return {
      [`${tag}.list`]: async ({ query }) => pageOf((await store.list(kind)).map(show), query),
      [`${tag}.create`]: async (request) => show(await create(request)),
      [`${tag}.get`]: async ({ params }) => show(await byId(kind, params.id!)),
      [`${tag}.delete`]: async ({ params }) => {
        await store.remove(kind, (await byId(kind, params.id!)).id);
        return new Answer(204, '');
      },
    };
  }

  /** The id is the one by which people ask for it: `<Type>.custom.<name>`, in lower case as in the original. */
  async function writeAction(body: JsonObject, by: string): Promise<Document> {
    await mustRun([body.runnableItem ?? null]);
    const id = `${String(body.resourceType)}.custom.${String(body.name)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '')}`;
    return write('resource-action', id, id, body, by);
  }

  async function write(kind: string, id: string, name: string, body: JsonObject, by: string): Promise<Document> {
    const before = await store.get(kind, id);
    const at = moment.now();
    const kept: JsonObject = { status: 'RELEASED', createdBy: by, ...body };
    const document = { kind, id, project: '', name, body: kept, createdAt: before?.createdAt ?? at, updatedAt: at };
    await store.put(document);
    return document;
  }

  async function mustRun(items: readonly unknown[]): Promise<void> {
    for (const item of items) {
      const { id, type = 'abx.action' } = isObject(item as JsonObject) ? (item as JsonObject) : {};
      if (type !== 'abx.action')
        throw new MillraceError('definition.invalid', {
          message: `${String(id)} is of the type ${String(type)}, which cannot be run here.`,
          hint: 'Functions can: type abx.action.',
        });
      if (!(await store.get('action', String(id))))
        throw new MillraceError('not.found', {
          message: `There is no function ${String(id)}.`,
          hint: 'See GET /abx/api/resources/actions.',
        });
    }
  }
}

const show = ({ id, name, body }: Document): JsonObject => ({
  ...body,
  id,
  name: String(body.name ?? name),
  orgId: 'default',
});
