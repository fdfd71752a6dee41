import type { JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { flagOf, nameOfCopy } from '../kinds/kind.ts';
import type { Handler, Request } from '../request.ts';
import { finders } from './find.ts';

const changeable = ['name', 'description', 'enabled', 'state', 'global', 'tags'];

/** What a pipeline has beside what every definition has: changes of single fields, and copies. */
export function pipelineHandlers({ parts, kinds }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId, byName, save } = finders(store);
  const kind = kinds.pipeline!;

  async function change(document: Document, wanted: JsonObject, by: string): Promise<JsonObject> {
    const body = Object.fromEntries(Object.entries(wanted).filter(([key]) => changeable.includes(key)));
    const name = String(body.name ?? document.name);
    const changed: Document = {
      ...document,
      name,
      body: { ...document.body, ...kind.accept(body, document), updatedBy: by },
      updatedAt: moment.now(),
    };
    await save(changed);
    return kind.show(changed);
  }

  async function clone(document: Document, { body, user }: Request): Promise<JsonObject> {
    const name = nameOfCopy(document, body);
    const description = String(body.description ?? document.body.description ?? '');
    const at = moment.now();
    const copy: Document = {
      ...{ kind: kind.kind, id: moment.newId(), project: document.project, name },
      body: {
        ...kind.accept({ name, description, state: 'DISABLED' }, document),
        createdBy: user!.name,
        updatedBy: user!.name,
      },
      createdAt: at,
      updatedAt: at,
    };
    await save(copy);
    return kind.show(copy);
  }

  const share = (document: Document, { body, user }: Request) =>
    change(document, { global: flagOf(body.global) ?? true }, user!.name);
  return {
    'pipelines.patch': async ({ params, body, user }) => change(await byId('pipeline', params.id!), body, user!.name),
    'pipelines.patchByName': async ({ params, body, user }) =>
      change(await byName('pipeline', params), body, user!.name),
    'pipelines.share': async (request) => share(await byId('pipeline', request.params.id!), request),
    'pipelines.shareByName': async (request) => share(await byName('pipeline', request.params), request),
    'pipelines.clone': async (request) => clone(await byId('pipeline', request.params.id!), request),
    'pipelines.cloneByName': async (request) => clone(await byName('pipeline', request.params), request),
  };
}
