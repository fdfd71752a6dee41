import { isOfOurs, MillraceError, messageOf } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import { resolveDeep } from '../lang/binding.ts';
import type { Execution } from '../pipeline/execution.ts';
import { type Notification, notificationsIn } from '../pipeline/notifications.ts';
import type { NotificationResult } from '../sdk/parts.ts';
import type { Command, Document } from '../store/store.ts';
import { readEndpoint, variablesIn } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import { wayOut } from './relay.ts';
import { openScope } from './scope.ts';
import type { Mailbox } from './transact.ts';

/** One that nobody takes is given up after this many tries: it must never hold up a run. */
const mostTries = 6;

/** Sends a notification of the original, and writes down what became of it. Nothing here can fail a run. */
export function notificationPerformer(parts: EngineParts, mailbox: Mailbox) {
  return async function sendNotification(command: Command, execution: Execution): Promise<void> {
    const notification = notificationsIn(execution.plan.pipeline.notifications)[Number(command.body.number)];
    const settles = { command: command.id, fence: command.fence };
    if (!notification) return void (await mailbox.settle({ settles }));
    const { mask, result, isSent } = await attempt(command, execution, notification);
    const record: JsonObject = {
      ...{ providerType: notification.provider.toUpperCase(), eventGroup: String(command.body.word) },
      ...{ stage: notification.stage, task: notification.task, success: isSent && isGood(result) },
      ...(result as unknown as JsonObject),
      responseMessage: mask(result.responseMessage),
    };
    parts.crashPoint(`notification ${notification.number}:sent`);
    await mailbox.settle({ settles, documents: [documentOf(command, execution, record)] });
  };

  async function attempt(
    command: Command,
    execution: Execution,
    { provider, config }: Notification,
  ): Promise<{ mask: (text: string) => string; result: NotificationResult; isSent: boolean }> {
    const then = { ...execution, status: String(command.body.status) as never, message: String(command.body.message) };
    const { variables, lookup, mask } = await openScope(parts, then);
    const given = (responseMessage: string) => ({ mask, result: { responseCode: 0, responseMessage }, isSent: false });
    const definition = parts.catalogue.notifications.find(({ type }) => type === provider)!;
    const restricted = variablesIn(JSON.stringify(config)).find((name) => variables.restricted.includes(name));
    if (restricted && !(await parts.people.isAdministrator(execution.plan.requestedBy)))
      return given(`Variable ${restricted} is restricted: only an administrator may tell what it holds.`);
    const parsed = definition.config.safeParse(resolveDeep(config, lookup));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return given(`\`${issue?.path.join('.')}\`: ${issue?.message}.`);
    }
    try {
      const { project } = execution.plan;
      const wanted = String((parsed.data as JsonObject).endpoint ?? '');
      const endpoint = definition.endpointType
        ? (await readEndpoint(parts, project, wanted, variables.values)).endpoint
        : undefined;
      const result = await definition.send(parsed.data, {
        key: command.key,
        isRepeat: command.tries > 1,
        endpoint,
        http: (await wayOut(parts, endpoint ? { endpoint } : {})).http,
        addressesOf: parts.people.addressesOf,
      });
      return { mask, result, isSent: true };
    } catch (thrown) {
      if (isOfOurs(thrown) || (command.tries < mostTries && isPassing(thrown))) throw thrown;
      parts.report('A notification could not be sent and is given up.', {
        notification: command.key,
        error: mask(messageOf(thrown)),
      });
      return given(messageOf(thrown));
    }
  }
}

const isGood = ({ responseCode }: NotificationResult): boolean => responseCode >= 200 && responseCode < 400;

/** Who did not answer may answer yet; what was refused is refused again. */
const isPassing = (thrown: unknown): boolean =>
  !(thrown instanceof MillraceError) || thrown.code === 'endpoint.unreachable';

function documentOf(command: Command, { plan }: Execution, body: JsonObject): Document {
  const now = command.due;
  return {
    ...{ kind: 'notification', id: command.key, project: plan.project, name: command.key },
    body: { execution: plan.execution, ...body },
    createdAt: now,
    updatedAt: now,
  };
}
