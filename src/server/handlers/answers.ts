import { MillraceError } from '../../core/error.ts';
import { type JsonObject, objectsIn } from '../../core/json.ts';
import type { Responder } from '../../engine/answer.ts';
import { readInvitation } from '../../engine/answer-link.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import type { Handler } from '../request.ts';
import { finders } from './find.ts';

/**
 * Answers by the link of a mail, without signing in. A link is for one person and one question, can be used once, and only as long as
 * this person is still an approver. Looking changes nothing: programs that look through mail follow links.
 */
export function answerHandlers({ parts, engine, users }: HandlerParts): Record<string, Handler> {
  const { byId } = finders(parts.store);

  async function open(token: string): Promise<{ question: Document; by: Responder }> {
    const { question: id, address } = readInvitation(parts.seal, token);
    const question = await byId('user-operation', id);
    const { approvers, approverGroups } = question.body as { approvers: string[]; approverGroups: string[] };
    const invited = await users.addressesOf(approvers, approverGroups);
    const isSame = (one: string) => one.toLowerCase() === address.toLowerCase();
    if (!invited.some(isSame))
      throw new MillraceError('approval.not-approver', {
        message: `User operation ${id}: response received from unauthorized user ${address}.`,
      });
    const user = (await users.list()).find(({ email }) => isSame(email));
    return {
      question,
      by: { name: user?.name ?? address, email: address, roles: user ? [user.role, ...user.groups] : [] },
    };
  }

  const show = ({ question: { body }, by }: { question: Document; by: Responder }): JsonObject => ({
    ...{ summary: body.summary!, description: body.description!, status: body.status!, index: body.index! },
    ...{ pipelineName: body.pipelineName!, executionIndex: body.executionIndex!, requestedBy: body.requestedBy! },
    ...{ stage: body.stage!, task: body.task!, approvalsNeeded: body.approvalsNeeded ?? 1 },
    expiresAt: body.expiresAt ?? null,
    responses: objectsIn(body.responses),
    respondedBy: body.respondedBy ?? '',
    you: by.name,
    mayAnswer: body.status === 'ACTIVE' && !hasAnswered(body, by),
  });

  return {
    'answers.get': async ({ params }) => show(await open(params.token!)),
    'answers.give': async ({ params, body }) => {
      const { question, by } = await open(params.token!);
      const status = String(body.status ?? '').toUpperCase();
      if (status !== 'APPROVED' && status !== 'REJECTED')
        throw new MillraceError('request.invalid', {
          message: `The status ${String(body.status)} is no answer.`,
          hint: 'APPROVED or REJECTED.',
        });
      if (hasAnswered(question.body, by))
        throw new MillraceError('approval.closed', {
          message: `User operation ${question.id} has an answer of ${by.name} already: a link can be used once.`,
        });
      await engine.answer(question, status === 'APPROVED', by, String(body.responseMessage ?? ''));
      return show(await open(params.token!));
    },
  };
}

const hasAnswered = ({ responses }: JsonObject, { name }: Responder): boolean =>
  objectsIn(responses).some(({ respondedBy }) => respondedBy === name);
