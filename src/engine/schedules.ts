import { isOfOurs, MillraceError } from '../core/error.ts';
import type { Instant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { nextTime } from '../lang/cron.ts';
import type { Document } from '../store/store.ts';
import type { Engine } from './engine.ts';
import type { EngineParts } from './parts.ts';

/** A time that was missed is made up for once, unless it is longer ago. */
const mostLate = 24 * 3600_000;

/** Where it is kept what a schedule did last: apart from what people write. */
export const scheduleState = 'schedule-state';

/**
 * Starts the pipelines whose time has come. Every node looks; the run of a time has an id that follows from it, so it is started
 * once. What was missed while no node ran is made up for by one run.
 */
export async function lookAtSchedules(parts: EngineParts, engine: Pick<Engine, 'startExecution'>): Promise<void> {
  for (const schedule of await parts.store.list('schedule')) {
    if (schedule.body.enabled === false) continue;
    const last = await parts.store.get(scheduleState, schedule.id);
    const due = dueTime(schedule, Number(last?.body.lastAt ?? schedule.updatedAt), parts.moment.now());
    if (due !== undefined) await fire(schedule, due);
  }

  async function fire(schedule: Document, due: Instant): Promise<void> {
    const { store, moment } = parts;
    const state = (outcome: JsonObject): Document => ({
      ...{ kind: scheduleState, id: schedule.id, project: schedule.project, name: schedule.id },
      body: { lastAt: due, ...outcome },
      createdAt: moment.now(),
      updatedAt: moment.now(),
    });
    try {
      const pipeline = await store.find('pipeline', schedule.project, String(schedule.body.pipeline));
      if (!pipeline)
        throw new MillraceError('not.found', {
          message: `There is no pipeline ${String(schedule.body.pipeline)} in project ${schedule.project}.`,
        });
      await engine.startExecution({
        pipeline,
        input: (schedule.body.input ?? {}) as JsonObject,
        comments: `Schedule ${schedule.name} triggered execution`,
        tags: [],
        requestedBy: String(schedule.body.updatedBy ?? 'system'),
        triggeredBy: schedule.name,
        source: schedule.id,
        id: idOfKey(`${schedule.id}/${due}`),
        documents: (execution) => [
          state({ lastMessage: 'Execution started.', lastExecutionLink: `/codestream/api/executions/${execution}` }),
        ],
      });
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || isOfOurs(thrown)) throw thrown;
      await store.put(state({ lastMessage: thrown.message }));
    }
  }
}

/** The newest time that has come since the last one; undefined where none has. Pure. */
export function dueTime({ body }: Document, last: Instant, now: Instant): Instant | undefined {
  const next = (after: Instant) => nextTime(String(body.cron), String(body.timezone ?? ''), after);
  let due: Instant | undefined;
  for (let time = next(Math.max(last, now - mostLate)); time !== undefined && time <= now; time = next(time))
    due = time;
  return due;
}
