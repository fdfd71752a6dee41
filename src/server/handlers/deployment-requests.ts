import type { Deployment } from '../../blueprint/deployment.ts';
import type { PastRequest } from '../../blueprint/history.ts';
import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Store } from '../../store/store.ts';
import { stepsOf } from '../deployment-history.ts';
import type { HandlerParts } from '../handlers.ts';
import { type Handler, pageOf } from '../request.ts';
import { requestView } from '../views.ts';

/** One request of a deployment: how it stands, its steps, and its end before its time. */
export function deploymentRequestHandlers({ parts, engine }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { deployments } = engine;

  return {
    'deployment-requests.get': async ({ params }) => {
      const { deployment, past } = await requestOf(params.id!);
      return shown(store, deployment, past);
    },
    'deployment-requests.events': async ({ params, query }) => {
      const { deployment } = await requestOf(params.id!);
      return pageOf(stepsOf(await deployments.history(deployment.id), params.id!), query);
    },
    'deployment-requests.act': async ({ params, query, user }) => {
      const { deployment, past, record } = await requestOf(params.id!);
      if (query.action === 'cancel') await deployments.cancel(deployment.id, past.plan.request, user!.name);
      else if (query.action !== 'dismiss')
        throw new MillraceError('request.invalid', {
          message: `\`?action=${query.action ?? ''}\` is no action of a request.`,
          hint: 'There are `cancel` and `dismiss`.',
        });
      else if (past.endedAt === undefined)
        throw new MillraceError('request.invalid', {
          message: `Request ${params.id} is under way: only one that has ended can be dismissed.`,
        });
      else await store.put({ ...record, body: { ...record.body, dismissed: true }, updatedAt: moment.now() });
      const after = await requestOf(params.id!);
      return shown(store, after.deployment, after.past);
    },
  };

  async function requestOf(id: string) {
    const record = await store.get('deployment-request', id);
    const deployment = record && (await deployments.read(String(record.body.deploymentId)));
    const past = deployment && (await deployments.requests(deployment.id)).find(({ plan }) => plan.request === id);
    if (record && deployment && past) return { record, deployment, past };
    throw new MillraceError('not.found', { message: `There is no request ${id}.` });
  }
}

/** A request with what people made of it. */
export async function shown(
  store: Pick<Store, 'get'>,
  deployment: Pick<Deployment, 'id'>,
  past: PastRequest,
): Promise<JsonObject> {
  const record = await store.get('deployment-request', past.plan.request);
  return { ...requestView(deployment, past), dismissed: record?.body.dismissed === true };
}
