import type { DeploymentPlan } from '../../blueprint/deployment.ts';
import { MillraceError } from '../../core/error.ts';
import { toIso } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import { withoutSeals } from '../../core/secret.ts';
import type { DeploymentRequest } from '../../sdk/powers.ts';
import type { Document } from '../../store/store.ts';
import { checkContent } from '../files.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { Answer, type Handler, pageOf, type Request } from '../request.ts';
import { planView, resourcesPlanView } from '../views.ts';
import { finders } from './find.ts';

const kind = 'blueprint-request';
/** Refusals that are the end of a request, told in its record; everything else is a fault of the call. */
const refusals = ['placement.impossible', 'input.invalid', 'definition.invalid', 'request.invalid', 'deployment.busy'];

/** Requests by blueprints: made, only planned, or refused, each kept with what came of it. */
export function blueprintRequestHandlers({ parts, engine }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;
  const { byId, projectOf } = finders(store);
  const { deployments } = engine;

  return {
    'blueprint-requests.list': async ({ query }) => {
      const found = (await store.list(kind)).filter(
        ({ body }) => !query.deploymentId || body.deploymentId === query.deploymentId,
      );
      const newest = found.sort((a, b) => b.createdAt - a.createdAt);
      return pageOf(await Promise.all(newest.map(show)), query);
    },
    'blueprint-requests.create': async (request) => create(request),
    'blueprint-requests.get': async ({ params }) => show(await byId(kind, params.id!)),
    'blueprint-requests.plan': async ({ params }) => planView(await planOf(await byId(kind, params.id!))),
    'blueprint-requests.resources': async ({ params }) => {
      const document = await byId(kind, params.id!);
      const isOver = document.body.plan !== true;
      const standing = isOver ? undefined : await deployments.read(String(document.body.deploymentId));
      return resourcesPlanView(await planOf(document), standing);
    },
    'blueprint-requests.cancel': async ({ params, user }) => {
      const document = await byId(kind, params.id!);
      const { deploymentId = '', requestId } = document.body;
      if ((await show(document)).status !== 'STARTED')
        throw new MillraceError('request.invalid', { message: `Request ${document.id} has ended.` });
      await deployments.cancel(String(deploymentId), String(requestId), user!.name);
      return show(document);
    },
    'blueprint-requests.delete': async ({ params }) => {
      const document = await byId(kind, params.id!);
      if ((await show(document)).status === 'STARTED')
        throw new MillraceError('request.invalid', { message: `Request ${document.id} is still in progress.` });
      await store.remove(kind, document.id);
      return new Answer(204, '');
    },
  };

  async function create({ body, user }: Request): Promise<Answer> {
    const id = moment.newId();
    const request = await requestOf(id, body, user!.name);
    const onlyPlanned = body.plan === true || body.simulate === true;
    const told: JsonObject = { status: 'STARTED' };
    try {
      if (onlyPlanned) {
        const plan = await deployments.plan(request);
        Object.assign(told, { status: 'FINISHED', planned: plan as unknown as JsonObject });
        const standing = await deployments.byName(request.project, request.deploymentName);
        told.deploymentId = standing?.id ?? '';
      } else {
        const { deploymentId, requestId } = await deployments.request(`blueprint-request/${id}`, request);
        Object.assign(told, { deploymentId, requestId });
      }
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || !refusals.includes(thrown.code)) throw thrown;
      Object.assign(told, {
        status: 'FAILED',
        failureMessage: [thrown.message, thrown.hint].filter(Boolean).join(' '),
      });
    }
    const { inputs: _, content, ...asked } = body;
    const at = moment.now();
    const document: Document = {
      ...{ kind, id, project: request.project, name: id, createdAt: at, updatedAt: at },
      body: {
        ...asked,
        ...(content === undefined ? {} : { content }),
        ...{ deploymentName: request.deploymentName, createdBy: user!.name },
        ...told,
      },
    };
    await store.put(document);
    return new Answer(told.status === 'STARTED' ? 202 : 201, await show(document));
  }

  /** What is to be done, in the words of the engine. */
  async function requestOf(id: string, body: JsonObject, requestedBy: string): Promise<DeploymentRequest> {
    const standing = body.deploymentId ? await deployments.read(String(body.deploymentId)) : undefined;
    if (body.deploymentId && !standing)
      throw new MillraceError('deployment.unknown', {
        message: `There is no deployment ${String(body.deploymentId)}.`,
      });
    const blueprint = body.blueprintId ? await byId('blueprint', String(body.blueprintId)) : undefined;
    const source = {
      ...(blueprint ? { blueprint: blueprint.name, version: String(body.blueprintVersion ?? '') } : {}),
      ...(body.content ? { content: String(body.content), blueprint: blueprint?.name ?? 'inline-blueprint' } : {}),
    };
    if (!standing && !blueprint && !body.content)
      throw new MillraceError('request.invalid', {
        message: 'Nothing is said about what to deploy.',
        hint: 'Send `blueprintId` or `content`; or `deploymentId` to change what stands.',
      });
    return {
      action: body.destroy === true ? 'DELETE' : standing ? 'UPDATE' : 'CREATE',
      project: standing?.project ?? (await projectOf(body, blueprint?.project ?? 'Default')),
      deploymentName: standing?.name ?? (String(body.deploymentName ?? '').trim() || `deployment_${id}`),
      ...source,
      inputs: body.inputs as JsonObject,
      allowDestroy: true,
      requestedBy,
    };
  }

  async function planOf({ id, body }: Document): Promise<DeploymentPlan> {
    if (body.planned) return body.planned as unknown as DeploymentPlan;
    const past = (await deployments.requests(String(body.deploymentId ?? ''))).find(
      ({ plan }) => plan.request === body.requestId,
    );
    if (past) return past.plan;
    throw new MillraceError('not.found', {
      message: `Request ${id} has no plan: ${String(body.failureMessage ?? 'it was refused')}`,
    });
  }

  async function show({ id, project, body, createdAt, updatedAt }: Document): Promise<JsonObject> {
    const { planned: _, requestId, status, ...asked } = body;
    const report =
      status === 'STARTED' ? await deployments.status(String(body.deploymentId), String(requestId)) : undefined;
    const ended = report && ({ busy: 'STARTED', succeeded: 'FINISHED', failed: 'FAILED' } as const)[report.status];
    const cancelled = report?.cancelled;
    const content = typeof body.content === 'string' ? checkContent(body.content) : [];
    return withoutSeals({
      id,
      ...{ orgId: 'default', projectId: projectId(project), projectName: project },
      ...asked,
      status: cancelled && ended === 'FAILED' ? 'CANCELLED' : (ended ?? status ?? 'FINISHED'),
      ...(cancelled ? { cancelRequestedAt: toIso(cancelled.at), cancelRequestedBy: cancelled.by } : {}),
      ...(report?.status === 'failed' ? { failureMessage: report.message } : {}),
      validationMessages: content.map(({ severity, message, line, column }) => ({
        ...{ type: severity.toUpperCase(), message, path: `${line}:${column}`, resourceName: '' },
      })),
      requestTrackerId: requestId ?? '',
      createdAt: toIso(createdAt),
      updatedAt: toIso(updatedAt),
      updatedBy: body.createdBy ?? '',
    });
  }
}
