import { MillraceError } from '../core/error.ts';
import { type JsonObject, objectsIn } from '../core/json.ts';
import type { Document } from '../store/store.ts';
import type { EngineParts } from './parts.ts';
import type { Mailbox } from './transact.ts';

/** Who answered a question. */
export interface Responder {
  name: string;
  /** Empty where nobody said it. */
  email: string;
  /** Role and groups. */
  roles: string[];
}

/** Takes the answer to a user operation. @throws MillraceError approval.closed where it takes none any more from this person. */
export const answerer =
  ({ moment }: EngineParts, mailbox: Mailbox) =>
  async (question: Document, approved: boolean, by: Responder, comment: string): Promise<void> => {
    const { executionId, status, index, responses } = question.body;
    if (status !== 'ACTIVE')
      throw new MillraceError('approval.closed', {
        message: `User operation ${question.id} is not open any more: ${String(status)}.`,
      });
    if (approved && objectsIn(responses).some(({ respondedBy }) => respondedBy === by.name))
      throw new MillraceError('approval.closed', {
        message: `User operation ${question.id} has the approval of ${by.name} already, and needs that of others.`,
      });
    const output: JsonObject = {
      index: index!,
      respondedBy: by.name,
      respondedByEmail: by.email || by.name,
      responderRoles: by.roles,
      respondedOnInMicros: moment.now() * 1000,
      comments: comment,
    };
    await mailbox.execution(String(executionId), {
      ...{ type: 'answer', question: question.id, approved, by: by.name, comment, output },
    });
  };
