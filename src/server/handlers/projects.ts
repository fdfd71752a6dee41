import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { type Handler, pageOf } from '../request.ts';
import { finders } from './find.ts';

/** Projects, under both services that know them. Importing a file makes those that it names. */
export function projectHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId } = finders(store);
  const list: Handler = async ({ query }) => {
    const filter = query.$orderby ?? query.$orderBy;
    return pageOf((await store.list('project')).map(show), { ...query, ...(filter ? { $orderby: filter } : {}) });
  };
  const create: Handler = async ({ body, user }) => {
    const name = String(body.name ?? '').trim();
    if (!name) throw new MillraceError('request.invalid', { message: '`name` is missing.' });
    const at = moment.now();
    const document: Document = {
      ...{ kind: 'project', id: projectId(name), project: '', name },
      body: { description: String(body.description ?? ''), createdBy: user!.name },
      createdAt: at,
      updatedAt: at,
    };
    if (!(await store.insert(document)))
      throw new MillraceError('name.taken', { message: `There is a project ${name} already.` });
    return show(document);
  };
  const change: Handler = async ({ params, body }) => {
    const document = await byId('project', params.id!);
    if (body.name !== undefined && body.name !== document.name)
      throw new MillraceError('request.invalid', {
        message: `Project ${document.name} cannot be renamed: what belongs to it is found by this name.`,
        hint: 'Make another project, and import into it.',
      });
    const description = String(body.description ?? document.body.description ?? '');
    const changed = { ...document, body: { ...document.body, description }, updatedAt: moment.now() };
    await store.put(changed);
    return show(changed);
  };
  const remove = async (id: string): Promise<JsonObject> => {
    const document = await byId('project', id);
    for (const kind of ['pipeline', 'blueprint', 'endpoint', 'variable', 'action'])
      if ((await store.list(kind)).some(({ project }) => project === document.name))
        throw new MillraceError('project.used', {
          message: `Project ${document.name} still holds a ${kind}.`,
          hint: 'Delete what belongs to it first.',
        });
    await store.remove('project', id);
    return show(document);
  };
  const get: Handler = async ({ params }) => show(await byId('project', params.id!));

  return {
    'projects.iaas': list,
    'projects.create': create,
    'projects.get': get,
    'projects.change': change,
    'projects.delete': async ({ params }) => remove(params.id!),
    'projects.service': list,
    'projects.createInService': create,
    'projects.getFromService': get,
    'projects.changeInService': change,
    'projects.deleteFromService': async ({ params }) => remove(params.id!),
  };
}

const show = ({ id, name, body, createdAt, updatedAt }: Document): JsonObject => ({
  id,
  name,
  description: String(body.description ?? ''),
  createdAt: new Date(createdAt).toISOString(),
  updatedAt: new Date(updatedAt).toISOString(),
  owner: String(body.createdBy ?? ''),
  administrators: [],
  members: [],
  viewers: [],
  sharedResources: true,
});
