import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { common } from '../kinds/kind.ts';
import { envelope, type Handler, type Request } from '../request.ts';
import { isApprover } from '../users.ts';
import { finders } from './find.ts';

export function approvalHandlers(given: HandlerParts): Record<string, Handler> {
  const { engine, users } = given;
  const { store } = given.parts;
  const { byId } = finders(store);
  const show = (document: Document): JsonObject => ({
    ...common(document, 'user-operations'),
    ...document.body,
  });
  /** By id, or by the short index that people are told while the question is open. */
  const find = async (idOrIndex: string): Promise<Document> => {
    if (await store.get('user-operation', idOrIndex)) return byId('user-operation', idOrIndex);
    const isMeant = ({ body }: Document) => body.status === 'ACTIVE' && body.index === idOrIndex;
    const meant = (await store.list('user-operation')).filter(isMeant);
    return meant.length === 1 ? meant[0]! : byId('user-operation', idOrIndex);
  };
  const answer = async (id: string, body: JsonObject, user: Request['user']) => {
    const question = await find(id);
    const status = String(body.status ?? '').toUpperCase();
    if (status !== 'APPROVED' && status !== 'REJECTED')
      throw new MillraceError('request.invalid', {
        message: `The status ${String(body.status)} is no answer.`,
        hint: 'APPROVED or REJECTED.',
      });
    if (!isApprover(user!, question.body) && !(await users.isAdministrator(user!.name))) {
      const { approvers, approverGroups } = question.body;
      const named = [approvers, approverGroups].flat().filter(Boolean).join(', ');
      throw new MillraceError('approval.not-approver', {
        message: `User operation ${id}: response received from unauthorized user ${user!.name}.`,
        hint: `It may be answered by ${named ? `${named} and ` : ''}administrators.`,
      });
    }
    const { name, email, role, groups } = user!;
    const by = { name, email, roles: [role, ...groups] };
    await engine.answer(question, status === 'APPROVED', by, String(body.responseMessage ?? ''));
    return show(await byId('user-operation', question.id));
  };
  return {
    'user-operations.list': async ({ query }) => {
      const newestFirst = (await store.list('user-operation')).sort((a, b) => b.createdAt - a.createdAt);
      return envelope(newestFirst.map(show), query);
    },
    'user-operations.get': async ({ params }) => show(await find(params.id!)),
    'user-operations.answer': async ({ params, body, user }) => answer(params.id!, body, user),
    'user-operations.answerByPost': async ({ params, body, user }) => answer(params.id!, body, user),
    'user-operations.delete': async ({ params }) => {
      const question = await find(params.id!);
      if (question.body.status === 'ACTIVE')
        throw new MillraceError('execution.running', {
          message: `User operation ${params.id} is open, and a run waits for it.`,
          hint: 'Answer it, or cancel the run.',
        });
      await store.remove('user-operation', question.id);
      return show(question);
    },
    'user-operations.batch': async ({ body, user }) => {
      const ids = Array.isArray(body.ids) ? body.ids.map(String) : [];
      const errors: JsonObject[] = [];
      for (const id of ids)
        await answer(id, body, user).catch((error: Error) => errors.push({ id, error: error.message }));
      return { success: ids.length - errors.length, failure: errors.length, errors };
    },
  };
}
