import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { withoutSeals } from '../../core/secret.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { Answer, type Handler, pageOf, type Request } from '../request.ts';
import { finders } from './find.ts';

export function functionHandlers(given: HandlerParts): Record<string, Handler> {
  const { engine } = given;
  const { store, moment } = given.parts;
  const { byId, projectOf, save } = finders(store);
  const now = () => moment.now();
  const show = ({ id, name, project, body }: Document): JsonObject => ({
    ...body,
    ...{ id, name, projectId: projectId(project), projectName: project },
    selfLink: `/abx/api/resources/actions/${id}`,
  });
  const write = async (before: Document | undefined, { body, user }: Request) => {
    const name = String(body.name ?? before?.name ?? '');
    if (!name || !body.source)
      throw new MillraceError('request.invalid', { message: 'A function needs `name` and `source`.' });
    const document: Document = {
      kind: 'action',
      id: before?.id ?? moment.newId(),
      project: await projectOf(body, before?.project ?? 'Default'),
      name,
      body: { ...body, createdBy: user!.name },
      createdAt: before?.createdAt ?? now(),
      updatedAt: now(),
    };
    await save(document);
    return show(document);
  };
  const start = (id: string, { body, user, headers }: Request) =>
    engine.runFunction(id, isObject(body.inputs) ? body.inputs : {}, user!.name, headers['idempotency-key']);
  return {
    'actions.list': async ({ query }) => pageOf((await store.list('action')).map(show), query),
    'actions.create': async (request) => write(undefined, request),
    'actions.get': async ({ params }) => show(await byId('action', params.id!)),
    'actions.replace': async (request) => write(await byId('action', request.params.id!), request),
    'actions.delete': async ({ params }) => {
      await store.remove('action', (await byId('action', params.id!)).id);
      return new Answer(204, '');
    },
    'action-runs.start': async (request) => start((await actionOf(request.params.id!)).id, request),
    'action-runs.startOld': async (request) => start((await actionOf(String(request.body.actionId ?? ''))).id, request),
    'action-runs.list': async ({ query }) => withoutSeals(pageOf(await store.summaries('function-run'), query)),
    'action-runs.get': async ({ params }) => run(params.id!),
    'action-runs.cancel': async ({ params }) => {
      await run(params.id!);
      return engine.cancelFunction(params.id!);
    },
  };

  async function run(id: string) {
    const loaded = await store.load('function-run', id);
    if (!loaded) throw new MillraceError('not.found', { message: `There is no run ${id}.` });
    return withoutSeals(loaded.state);
  }

  /** Pipelines call functions by id; people by name. */
  async function actionOf(idOrName: string): Promise<Document> {
    return (
      (await store.list('action')).find(({ id, name }) => id === idOrName || name === idOrName) ??
      byId('action', idOrName)
    );
  }
}
