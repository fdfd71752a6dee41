import type { Diagnostic } from './diagnostic.ts';

/** Every code that Millrace answers with: its HTTP status and what it means. The reference page is made from this table. */
export const errorCodes = {
  'request.invalid': [400, 'The request does not have the shape that the operation asks for.'],
  'request.too-large': [413, 'The request is larger than the operation accepts.'],
  'definition.used': [409, 'Something still needs what should be deleted.'],
  'definition.invalid': [400, 'A pipeline, blueprint or other definition has errors; each is named with its place.'],
  'input.invalid': [400, 'An input is missing or has a value that its definition does not allow.'],
  'pipeline.disabled': [409, 'Only enabled pipelines run.'],
  'pipeline.not-runnable': [409, 'The pipeline uses something that this server cannot run.'],
  'execution.ended': [409, 'The execution has already ended, so nothing about it can change.'],
  'execution.running': [409, 'The execution has not ended, or still owes something, so it cannot be deleted yet.'],
  'action.invalid': [409, 'The action cannot be performed on what stands in its present state.'],
  'approval.closed': [409, 'The user operation has been answered, cancelled or has expired.'],
  'approval.link': [404, 'The link of a mail to a user operation is not one that this server made.'],
  'approval.not-approver': [403, 'Only the named approvers and administrators may answer.'],
  'deployment.busy': [409, 'Another request for the same deployment is still in progress.'],
  'deployment.unknown': [404, 'There is no deployment of this name or id.'],
  'placement.impossible': [409, 'No zone meets the requirements; each refusal is named.'],
  'name.taken': [409, 'An object of this kind and name exists already.'],
  'project.used': [409, 'The project still holds something.'],
  'project.unknown': [404, 'There is no project of this name.'],
  'not.found': [404, 'There is nothing of this name or id.'],
  'route.unknown': [404, 'The server has no such address.'],
  'login.failed': [401, 'User name or password is wrong.'],
  'login.needed': [401, 'The request carries no valid token.'],
  'permission.denied': [403, 'The signed-in user may not do this.'],
  'webhook.signature': [401, 'The signature of the webhook does not fit its secret.'],
  'webhook.malformed': [400, 'The body of the webhook is not an event that this trigger understands.'],
  'endpoint.unreachable': [502, 'The far side did not answer.'],
  'endpoint.throttled': [503, 'The far side asks us to wait.'],
  'endpoint.invalid': [400, 'The endpoint lacks something, or has something that it cannot be reached with.'],
  'endpoint.refused': [502, 'The far side answered, and refused.'],
  'machine.failed': [500, 'A machine of the local cloud could not be made or did not start.'],
  'cloud-config.refused': [400, 'The cloud configuration uses something that this machine cannot do.'],
  'port.taken': [500, 'Another process listens on the address that was asked for.'],
  'storage.failed': [500, 'The data could not be written; the message says why.'],
  'storage.unreachable': [503, 'The database does not answer; what was asked for may be asked for again.'],
  'storage.outdated': [500, 'The database has an older or a newer schema than this version can work with.'],
  'secret.unreadable': [500, 'A stored secret cannot be opened with the present key.'],
  'internal.error': [500, 'A fault of Millrace itself; please report it.'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof errorCodes;

interface ErrorDetails {
  message: string;
  hint?: string;
  diagnostics?: Diagnostic[];
  cause?: unknown;
}

/** An error that a person reads: it names the thing and its value, and says what to do next. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly diagnostics: Diagnostic[];

  constructor(code: ErrorCode, { message, hint, diagnostics = [], cause }: ErrorDetails) {
    super(message, { cause });
    this.name = 'MillraceError';
    this.code = code;
    this.hint = hint;
    this.diagnostics = diagnostics;
  }

  get status(): number {
    return errorCodes[this.code][0];
  }
}

/** Whether it is our own database that failed: nobody's work has failed by that, and it is done when it is back. */
export const isOfOurs = (thrown: unknown): boolean =>
  thrown instanceof MillraceError && thrown.code.startsWith('storage.');

/** The message of anything that was thrown; that of our own errors is whole without its cause. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown instanceof MillraceError) return thrown.message;
  const inner = thrown.cause instanceof Error ? thrown.cause.message : '';
  return inner && !thrown.message.includes(inner) ? `${thrown.message}: ${inner}` : thrown.message;
}
