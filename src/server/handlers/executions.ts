import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { StartRequest } from '../../engine/engine.ts';
import { traceparentOf } from '../../engine/triggers.ts';
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
    return { ...executionRecord(found, { withStages: true }), ...(await machineOf(found)) };
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
  return {
    'executions.start': async (request) => start(await byId('pipeline', request.params.id!), request),
    'executions.startByName': async (request) => start(await byName('pipeline', request.params), request),
    'executions.ofPipeline': async ({ params, query }) => of(await byId('pipeline', params.id!), query),
    'executions.ofPipelineByName': async ({ params, query }) => of(await byName('pipeline', params), query),
    'executions.ofPipelineByIndex': async ({ params }) => {
      const link = `/codestream/api/pipelines/${params.id}`;
      const found = (await store.summaries('execution')).find(
        ({ _pipelineLink, index }) => _pipelineLink === link && String(index) === params.index,
      );
      if (!found)
        throw new MillraceError('not.found', { message: `Pipeline ${params.id} has no execution ${params.index}.` });
      return show(String(found.id));
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
