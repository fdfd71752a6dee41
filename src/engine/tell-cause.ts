import { MillraceError, messageOf } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import type { Execution } from '../pipeline/execution.ts';
import type { Outcome } from '../sdk/streams.ts';
import type { Command, Document } from '../store/store.ts';
import type { EngineParts } from './parts.ts';
import { withLine } from './streams.ts';
import type { Mailbox } from './transact.ts';

/** A far side that stays away is given up after this many tries, about eight minutes. */
const mostTries = 20;
/** So long what an earlier try said may still be on its way. */
const onItsWay = 1500;

/** Tells the far side whose event started a run how it ended, once, and writes that down with the event. Cannot fail the run. */
export function causeTeller(parts: EngineParts, mailbox: Mailbox) {
  return async function tellCause(command: Command, execution: Execution): Promise<void> {
    const settles = { command: command.id, fence: command.fence };
    const { push = '', tell = '' } = execution.plan.cause ?? {};
    const event = await parts.store.get(tell, push);
    const stream = parts.catalogue.streams.find(({ words }) => words.event === tell);
    const listener =
      event && stream && (await parts.store.find(stream.words.listener, event.project, String(event.body.listener)));
    if (!event || !stream || !listener) return void (await mailbox.settle({ settles }));
    const isRepeat = command.tries > 1;
    if (isRepeat && command.body.hasWaited !== true) {
      const again = { due: parts.moment.now() + onItsWay, body: { ...command.body, hasWaited: true }, keepTries: true };
      return void (await mailbox.settle({ settles: { ...settles, again } }));
    }
    let told: string;
    try {
      const outcome = {
        ...{ status: String(command.body.status), ...summaryOf(command, execution), isRepeat },
        confirm: () => parts.store.confirmTenure(),
      };
      await withLine(parts, stream, listener, (line) => line.answer(event.body.report as JsonObject, outcome));
      told = `${stream.title} was told: ${outcome.status}.`;
      parts.crashPoint('cause:told');
    } catch (thrown) {
      const mayPass = !(thrown instanceof MillraceError) || !/^endpoint\.(refused|invalid)$/.test(thrown.code);
      if (mayPass && command.tries < mostTries) throw thrown;
      told = `${stream.title} could not be told: ${messageOf(thrown)}`;
      parts.report('Whoever started a run could not be told how it ended.', { event: event.id, error: told });
    }
    const now = (await parts.store.get(tell, push)) ?? event;
    const record: Document = { ...now, body: { ...now.body, told }, updatedAt: parts.moment.now() };
    await mailbox.settle({ settles, documents: [record] });
  };

  /** Each server has an address of its own, unless all are told one. */
  function summaryOf({ body }: Command, { plan }: Execution): Pick<Outcome, 'summary' | 'marks'> {
    const again = body.round ? ` (after it went on ${body.round === 1 ? 'once' : `${body.round} times`})` : '';
    const head = `${plan.pipeline.name} #${plan.index} ${String(body.status)}${again}:`;
    const page = `/executions/${plan.execution}`;
    return { summary: `${head} ${String(body.message)} ${parts.url()}${page}`, marks: [head, page] };
  }
}
