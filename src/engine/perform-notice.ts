import { messageOf } from '../core/error.ts';
import type { Execution } from '../pipeline/execution.ts';
import type { Notice } from '../pipeline/messages.ts';
import type { NoticeMessage } from '../sdk/parts.ts';
import type { Metric } from '../sdk/powers.ts';
import type { Command, Document } from '../store/store.ts';
import { readEndpoint, readVariables } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import type { Mailbox } from './transact.ts';

/** A notice or a batch of metrics that nobody takes is given up after this many tries: it must never hold up a run. */
const mostTries = 6;
/** So long a message of whoever tried before may still be on its way: a look for it that comes sooner may not find it. */
const onItsWay = 1500;

/** Tells people and metric stores. Nothing here can fail a run. */
export function noticePerformer(parts: EngineParts, mailbox: Mailbox) {
  return { notify, sendMetrics };

  async function notify(command: Command, execution: Execution): Promise<void> {
    const settles = { command: command.id, fence: command.fence };
    if (command.tries > 1 && command.body.hasWaited !== true) {
      const body = { ...command.body, hasWaited: true };
      const again = { due: parts.moment.now() + onItsWay, body, keepTries: true };
      return void (await mailbox.settle({ settles: { ...settles, again } }));
    }
    const notice = command.body.notice as unknown as Notice;
    const documents: Document[] = [];
    const { values } = await readVariables(parts, execution.plan.project);
    for (const [index, configured] of execution.plan.pipeline.millrace.notifications.entries()) {
      const definition = parts.catalogue.notifiers.find(({ type }) => type === configured.type);
      if (!definition) continue;
      const id = `${execution.plan.execution}/${index}`;
      const thread = (await parts.store.get('notice-thread', id))?.body ?? null;
      try {
        const { endpoint } = await readEndpoint(parts, execution.plan.project, configured.endpoint, values);
        const message = {
          ...wording(execution, notice),
          key: `${command.key}/${index}`,
          thread,
          isRepeat: command.tries > 1,
          link: `${parts.url()}/executions/${execution.plan.execution}`,
        };
        const left = await definition.send(message, configured, endpoint, parts.http);
        parts.crashPoint(`notice ${notice.number}:sent`);
        const now = parts.moment.now();
        documents.push({
          kind: 'notice-thread',
          id,
          project: execution.plan.project,
          name: id,
          body: left,
          createdAt: now,
          updatedAt: now,
        });
      } catch (thrown) {
        if (command.tries < mostTries) throw thrown;
        parts.report('A notification could not be sent and is given up.', {
          notice: command.key,
          error: messageOf(thrown),
        });
      }
    }
    await mailbox.settle({ settles, documents });
  }

  async function sendMetrics(command: Command, execution: Execution): Promise<void> {
    const { sink, points } = command.body as unknown as { sink: string; points: Metric[] };
    try {
      const { values } = await readVariables(parts, execution.plan.project);
      const { endpoint } = await readEndpoint(parts, execution.plan.project, sink, values);
      const definition = parts.catalogue.metricSinks.find(({ endpointType }) => endpointType === endpoint.type);
      if (definition) await definition.send(points, endpoint, parts.http);
    } catch (thrown) {
      if (command.tries < mostTries) throw thrown;
      parts.report('Metrics could not be sent and are given up.', { sink, error: messageOf(thrown) });
    }
    await mailbox.settle({ settles: { command: command.id, fence: command.fence } });
  }
}

function wording({ plan }: Execution, notice: Notice): Pick<NoticeMessage, 'kind' | 'title' | 'text' | 'status'> {
  const run = `${plan.pipeline.name} #${plan.index}`;
  const { kind, status, message } = notice;
  const where = notice.stage ? `${notice.stage}.${notice.task}` : run;
  const texts: Record<Notice['kind'], string> = {
    started: `${run} started: ${message || plan.comments || 'by hand'}`,
    task: `${where}: ${status}${message ? `. ${message}` : ''}`,
    waiting: `${where} waits for an approval: ${message}`,
    ended: `${run} ${status}: ${message}`,
  };
  return { kind, title: run, text: texts[kind], status };
}
