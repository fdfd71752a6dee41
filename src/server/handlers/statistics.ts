import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { type Execution, isOver } from '../../pipeline/execution.ts';
import { tasksInOrder } from '../../pipeline/model.ts';
import { type CountedRun, statisticsOf } from '../../pipeline/statistics.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { type Handler, pageOf } from '../request.ts';

const day = 86_400_000;
const mostDays = 366;
/** The time in CI tasks is that of so many newest runs: each is read for it. */
const mostRead = 100;

/** The figures of the original's dashboards, for each pipeline. */
export function statisticsHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;

  async function inCi(id: string): Promise<number | undefined> {
    const state = (await store.load('execution', id))?.state as unknown as Execution | undefined;
    if (!state || !isOver(state)) return undefined;
    let together = 0;
    for (const { stage, task } of tasksInOrder(state.plan.pipeline)) {
      const done = state.tasks[`${stage.name}.${task.name}`];
      if (task.type === 'CI' && done && 'startedAt' in done && 'endedAt' in done)
        together += done.endedAt - done.startedAt;
    }
    return together || undefined;
  }

  async function figuresOf(pipeline: Document, summaries: JsonObject[]): Promise<JsonObject> {
    const link = `/codestream/api/pipelines/${pipeline.id}`;
    const own = summaries.filter(({ _pipelineLink }) => _pipelineLink === link);
    const usesCi = /\btype:\s*['"]?CI\b/.test(String(pipeline.body.content));
    const runs: CountedRun[] = [];
    for (const [index, one] of own.entries()) {
      const [requestedAt, total] = [Number(one._requestTimeInMicros) / 1000, Number(one._totalDurationInMicros) / 1000];
      const isEnded = one.updatedAt !== undefined && total > 0;
      const time = usesCi && index < mostRead ? await inCi(String(one.id)) : undefined;
      runs.push({
        ...{ id: String(one.id), index: Number(one.index), status: String(one.status), requestedAt },
        endedAt: isEnded ? requestedAt + total : null,
        duration: Number(one._durationInMicros) / 1000,
        ...(time === undefined ? {} : { inCi: time }),
      });
    }
    return {
      id: pipeline.id,
      name: pipeline.name,
      project: pipeline.project,
      ...(statisticsOf(runs) as unknown as JsonObject),
    };
  }

  return {
    'statistics.get': async ({ query }) => {
      const days = Number(query.days ?? 30);
      if (!(days > 0 && days <= mostDays))
        throw new MillraceError('request.invalid', {
          message: `\`days=${query.days}\` is no number from 1 to ${mostDays}.`,
        });
      const since = (moment.now() - days * day) * 1000;
      const summaries = (await store.summaries('execution')).filter((one) => Number(one._requestTimeInMicros) >= since);
      const wanted = (await store.list('pipeline')).filter(
        ({ project, name }) =>
          (!query.project || project === query.project) && (!query.pipeline || name === query.pipeline),
      );
      return pageOf(await Promise.all(wanted.map((one) => figuresOf(one, summaries))), query);
    },
  };
}
