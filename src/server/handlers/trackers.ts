import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { Answer, type Handler, listOf } from '../request.ts';
import { resourcePath } from '../resources.ts';
import { finders } from './find.ts';

export const requestTracker = 'request-tracker';

/** What was asked of the infrastructure service, and how it stands: what is done at once, and what a deployment does. */
export function trackers({ parts, engine }: Pick<HandlerParts, 'parts' | 'engine'>) {
  const { store, moment } = parts;

  return {
    /** The tracker of something that is done already; `found`: what was asked for. */
    finished: (name: string, resources: string[], found: JsonObject = {}) => keep(name, { resources, found }),
    /** The tracker of something that cannot be done, and why. */
    failed: (name: string, failure: string) => keep(name, { failure }),
    /** The tracker of a request of a deployment; `instance`: the only resource of interest. */
    following: (name: string, deploymentId: string, requestId: string, instance = '') =>
      keep(name, { deploymentId, requestId, instance }),
    show,
  };

  async function keep(name: string, body: JsonObject): Promise<JsonObject> {
    const id = moment.newId();
    const at = moment.now();
    const document: Document = {
      kind: requestTracker,
      id,
      project: '',
      name: id,
      body: { name, ...body },
      createdAt: at,
      updatedAt: at,
    };
    await store.put(document);
    return show(document);
  }

  async function show({ id, body }: Document): Promise<JsonObject> {
    const common = { id, name: String(body.name), selfLink: `/iaas/api/request-tracker/${id}` };
    if (body.failure) return { ...common, progress: 100, status: 'FAILED', resources: [], message: body.failure };
    if (!body.requestId)
      return { ...common, progress: 100, status: 'FINISHED', resources: body.resources ?? [], message: '' };
    const deploymentId = String(body.deploymentId);
    const { status, message } = await engine.deployments.status(deploymentId, String(body.requestId));
    const deployment = await engine.deployments.read(deploymentId);
    const resources = Object.values(deployment?.resources ?? {})
      .filter(({ instance }) => body.instance === '' || instance === body.instance)
      .flatMap((resource) => resourcePath(deploymentId, resource) ?? []);
    return {
      ...common,
      progress: status === 'busy' ? 50 : 100,
      status: ({ busy: 'INPROGRESS', succeeded: 'FINISHED', failed: 'FAILED' } as const)[status],
      ...{ resources, message, deploymentId },
    };
  }
}

export function trackerHandlers(given: HandlerParts): Record<string, Handler> {
  const { store } = given.parts;
  const { byId } = finders(store);
  const { show } = trackers(given);
  return {
    'trackers.list': async ({ query }) =>
      listOf(await Promise.all((await store.list(requestTracker)).map(show)), query),
    'trackers.get': async ({ params }) => show(await byId(requestTracker, params.id!)),
    'trackers.delete': async ({ params }) => {
      const document = await byId(requestTracker, params.id!);
      if ((await show(document)).status === 'INPROGRESS')
        throw new MillraceError('request.invalid', { message: `Request ${document.id} is still in progress.` });
      await store.remove(requestTracker, document.id);
      return new Answer(204, '');
    },
  };
}
