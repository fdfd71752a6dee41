import { parseFilter } from '../../api/filter.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { StartRequest } from '../../engine/engine.ts';
import { traceparentOf } from '../../engine/fire-event.ts';
import { type Execution, isOver } from '../../pipeline/execution.ts';
import { executionRecord } from '../../pipeline/record.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { envelope, type Handler, type Request, storedEnvelope } from '../request.ts';
import { executionActions } from './execution-actions.ts';
import { finders } from './find.ts';

export function executionHandlers(given: HandlerParts): Record<string, Handler> {
  const { engine } = given;
  const { store } = given.parts;
  const { byId, byName, execution } = finders(store);
  const begin = async (pipeline: Document, request: Partial<StartRequest>, user: Request['user']) => {
    const { input = {}, comments = '', tags = [], source = `/codestream/api/pipelines/${pipeline.id}` } = request;
    const requestedBy = user!.name;
    const { id, index } = await engine.startExecution({
      ...request,
      pipeline,
      input,
      comments,
      tags,
      source,
      requestedBy,
    });
    return {
      executionId: id,
      executionIndex: index,
      executionLink: `/codestream/api/executions/${id}`,
      comments,
      source,
      input,
      tags,
    };
  };
  const start = (pipeline: Document, { body, user, headers }: Request) =>
    begin(
      pipeline,
      {
        cause: traceparentOf(headers),
        input: isObject(body.input) ? body.input : {},
        comments: String(body.comments ?? ''),
        tags: Array.isArray(body.tags) ? body.tags.map(String) : [],
        ...(body.source ? { source: String(body.source) } : {}),
        ...(Number.isInteger(body.priority) ? { priority: Number(body.priority) } : {}),
      },
      user,
    );
  const show = async (id: string) => {
    const found = await execution(id);
    const notifications = await notificationsOf(found);
    return { ...executionRecord(found, { withStages: true }), notifications, ...(await machineOf(found)) };
  };
  /** What was told of a run by its notifications, and what became of that. */
  const notificationsOf = async ({ plan }: Execution): Promise<JsonObject[]> => {
    if (Object.keys(plan.pipeline.notifications).length === 0) return [];
    const all = await store.list('notification');
    return all
      .filter(({ body }) => body.execution === plan.execution)
      .map(({ body: { execution: _, ...told } }) => told);
  };
  /** The machine that a run lives on; and where it waits for that, which would otherwise look like any other wait. */
  const machineOf = async (run: Execution): Promise<JsonObject> => {
    const { host } = run.plan;
    if (!host) return {};
    const isThere = isOver(run) || (await store.nodes()).some((node) => node.host === host);
    const waits = `Its tasks work on the machine ${host}, where no server runs now; it goes on when one does.`;
    return { _host: host, ...(isThere ? {} : { _waitsFor: waits }) };
  };
  const actions = executionActions(
    engine,
    async ({ plan }, request, user) => begin(await byId('pipeline', plan.pipelineId), request, user),
    show,
  );
  const of = async (pipeline: Document, query: Request['query']) =>
    envelope(
      (await store.summaries('execution')).filter(
        ({ _pipelineLink: link }) => link === `/codestream/api/pipelines/${pipeline.id}`,
      ),
      query,
    );
  const ofIndex = async (pipeline: string, wanted: string): Promise<JsonObject> => {
    const link = `/codestream/api/pipelines/${pipeline}`;
    const found = (await store.summaries('execution')).find(
      ({ _pipelineLink, index }) => _pipelineLink === link && String(index) === wanted,
    );
    if (!found) throw new MillraceError('not.found', { message: `Pipeline ${pipeline} has no execution ${wanted}.` });
    return show(String(found.id));
  };
  /** A run with its log and its questions. @throws MillraceError execution.running */
  const remove = async (run: Execution): Promise<void> => {
    const id = run.plan.execution;
    if (!isOver(run) || !(await store.erase('execution', id)))
      throw new MillraceError('execution.running', {
        message: `${run.plan.pipeline.name} #${run.plan.index} is ${run.status}${isOver(run) ? ', and still tells of its end' : ''}.`,
        hint: isOver(run) ? 'Try again in a moment.' : 'Cancel it first.',
      });
    for (const { kind, id: one, body } of [
      ...(await store.list('user-operation')),
      ...(await store.list('notification')),
    ])
      if (body.executionId === id || body.execution === id) await store.remove(kind, one);
  };
  return {
    'executions.start': async (request) => start(await byId('pipeline', request.params.id!), request),
    'executions.startByName': async (request) => start(await byName('pipeline', request.params), request),
    'executions.ofPipeline': async ({ params, query }) => of(await byId('pipeline', params.id!), query),
    'executions.ofPipelineByName': async ({ params, query }) => of(await byName('pipeline', params), query),
    'executions.ofPipelineByIndex': async ({ params }) => ofIndex(params.id!, params.index!),
    'executions.ofPipelineByNameAndIndex': async ({ params }) =>
      ofIndex((await byName('pipeline', params)).id, params.index!),
    'executions.delete': async ({ params }) => {
      const shown = await show(params.id!);
      await remove(await execution(params.id!));
      return shown;
    },
    /** Those that are found and have ended; all of them where nothing is said is hardly ever meant. */
    'executions.deleteFound': async ({ query }) => {
      if (!query.$filter)
        throw new MillraceError('request.invalid', {
          message: 'Nothing says which executions to delete.',
          hint: "Give a $filter, such as status eq 'FAILED'.",
        });
      const isMeant = parseFilter(query.$filter);
      const found = (await store.summaries('execution')).filter(isMeant);
      const deleted: JsonObject[] = [];
      for (const summary of found)
        if (await remove(await execution(String(summary.id))).then(() => true, passByRunning)) deleted.push(summary);
      return envelope(deleted, { $top: String(deleted.length || 1) });
    },
    'executions.list': async ({ query }) => storedEnvelope(store, 'execution', query),
    'executions.get': async ({ params }) => show(params.id!),
    'executions.act': async (request) => {
      const { params, query } = request;
      const found = await execution(params.id!);
      const act = actions[query.action ?? ''];
      if (!act)
        throw new MillraceError('request.invalid', {
          message: `The action ${query.action ?? '(none)'} is unknown.`,
          hint: `Known: ${Object.keys(actions).join(', ')}.`,
        });
      return act(found, request);
    },
  };
}

function passByRunning(thrown: unknown): false {
  if (thrown instanceof MillraceError && thrown.code === 'execution.running') return false;
  throw thrown;
}
