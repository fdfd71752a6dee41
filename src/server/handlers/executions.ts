import { MillraceError } from '../../core/error.ts';
import { isObject } from '../../core/json.ts';
import { executionRecord } from '../../pipeline/record.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { envelope, type Handler, type Request } from '../request.ts';
import { finders } from './find.ts';

export function executionHandlers(given: HandlerParts): Record<string, Handler> {
  const { engine } = given;
  const { store } = given.parts;
  const { byId, byName, execution } = finders(store);
  const start = async (pipeline: Document, { body, user, params }: Request) => {
    const { id, index } = await engine.startExecution({
      pipeline,
      input: isObject(body.input) ? body.input : {},
      comments: String(body.comments ?? ''),
      tags: Array.isArray(body.tags) ? body.tags.map(String) : [],
      requestedBy: user!.name,
      source: String(body.source ?? `/codestream/api/pipelines/${params.id ?? pipeline.id}`),
    });
    return {
      executionId: id,
      executionIndex: index,
      executionLink: `/codestream/api/executions/${id}`,
      comments: body.comments ?? '',
      source: body.source ?? '',
      input: body.input ?? {},
      tags: body.tags ?? [],
    };
  };
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
      return executionRecord(await execution(String(found.id)), { withStages: true });
    },
    'executions.list': async ({ query }) => envelope(await store.summaries('execution'), query),
    'executions.get': async ({ params }) => executionRecord(await execution(params.id!), { withStages: true }),
    'executions.act': async (request) => {
      const { params, query, body, user } = request;
      const found = await execution(params.id!);
      if (query.action === 'cancel') {
        if (found.endedAt !== null)
          throw new MillraceError('execution.ended', {
            message: `${found.plan.pipeline.name} #${found.plan.index} has ended: ${found.status}.`,
          });
        await engine.cancel(params.id!, user!.name, String(body.reason ?? ''));
        return executionRecord(await execution(params.id!), { withStages: true });
      }
      if (query.action === 'rerun') {
        return start(await byId('pipeline', found.plan.pipelineId), {
          ...request,
          body: {
            input: found.plan.input,
            comments: `Re-run of #${found.plan.index}`,
            source: `/codestream/api/executions/${params.id}`,
          },
        });
      }
      throw new MillraceError('request.invalid', {
        message: `The action ${query.action ?? '(none)'} is unknown.`,
        hint: 'cancel or rerun.',
      });
    },
  };
}
