import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Engine, StartRequest } from '../../engine/engine.ts';
import type { Execution } from '../../pipeline/execution.ts';
import { mayReopen } from '../../pipeline/reopen.ts';
import type { Request } from '../request.ts';

/** What one may do with a run: `POST executions/{id}?action=...`. Each refuses what does not fit its state, in words. */
export function executionActions(
  engine: Engine,
  start: (from: Execution, request: Partial<StartRequest>, by: Request['user']) => Promise<JsonObject>,
  show: (id: string) => Promise<JsonObject>,
): Record<string, (found: Execution, request: Request) => Promise<JsonObject>> {
  const then =
    (
      isPossible: (found: Execution) => boolean,
      act: (id: string, by: string, reason: string) => Promise<void>,
    ): ((found: Execution, request: Request) => Promise<JsonObject>) =>
    async (found, { body, user }) => {
      if (!isPossible(found)) throw ended(found);
      await act(found.plan.execution, user!.name, String(body.reason ?? ''));
      return show(found.plan.execution);
    };

  return {
    cancel: then(({ endedAt }) => endedAt === null, engine.cancel),
    pause: then(({ endedAt }) => endedAt === null, engine.pause),
    resume: then((found) => found.endedAt === null || mayReopen(found), engine.resume),
    async tag(found, { body }) {
      await engine.tag(found.plan.execution, Array.isArray(body.tags) ? body.tags.map(String) : []);
      return show(found.plan.execution);
    },
    async rerun(found, { query, user }) {
      const fromFailed = query.fromFailed === 'true';
      if (fromFailed && !mayReopen(found)) throw ended(found);
      const { index, input, execution } = found.plan;
      return start(
        found,
        {
          input,
          comments: `Re-run of #${index}${fromFailed ? ' from where it failed' : ''}`,
          source: `/codestream/api/executions/${execution}`,
          from: fromFailed ? found : undefined,
          // Whoever waited for the first run hears of the second as well.
          cause: found.plan.cause?.tell ? found.plan.cause : undefined,
        },
        user,
      );
    },
  };
}

const ended = ({ plan, status, endedAt }: Execution): MillraceError =>
  new MillraceError('execution.ended', {
    message: `${plan.pipeline.name} #${plan.index} ${endedAt === null ? 'has not ended' : 'has ended'}: ${status}.`,
    hint: 'A run that failed can go on; any run can be run again.',
  });
