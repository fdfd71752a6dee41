import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import { common } from '../definitions.ts';
import type { HandlerParts } from '../handlers.ts';
import { envelope, type Handler, type Request } from '../request.ts';
import { finders } from './find.ts';

export function approvalHandlers(given: HandlerParts): Record<string, Handler> {
  const { engine, auth } = given;
  const { store } = given.parts;
  const { byId } = finders(store);
  const show = (document: Document): JsonObject => ({
    ...common(document, 'user-operations'),
    ...document.body,
  });
  const answer = async (id: string, body: JsonObject, user: Request['user']) => {
    const question = await byId('user-operation', id);
    const status = String(body.status ?? '').toUpperCase();
    if (status !== 'APPROVED' && status !== 'REJECTED')
      throw new MillraceError('request.invalid', {
        message: `The status ${String(body.status)} is no answer.`,
        hint: 'APPROVED or REJECTED.',
      });
    const approvers = Array.isArray(question.body.approvers)
      ? question.body.approvers.map((name) => String(name).toLowerCase())
      : [];
    if (!approvers.includes(user!.name.toLowerCase()) && !(await auth.isAdministrator(user!.name))) {
      throw new MillraceError('approval.not-approver', {
        message: `User operation ${id}: response received from unauthorized user ${user!.name}.`,
        hint: `It may be answered by ${approvers.join(', ') || 'administrators'}.`,
      });
    }
    await engine.answer(question, status === 'APPROVED', user!.name, String(body.responseMessage ?? ''));
    return show(await byId('user-operation', id));
  };
  return {
    'user-operations.list': async ({ query }) => envelope((await store.list('user-operation')).map(show), query),
    'user-operations.get': async ({ params }) => show(await byId('user-operation', params.id!)),
    'user-operations.answer': async ({ params, body, user }) => answer(params.id!, body, user),
    'user-operations.answerByPost': async ({ params, body, user }) => answer(params.id!, body, user),
    'user-operations.batch': async ({ body, user }) => {
      const ids = Array.isArray(body.ids) ? body.ids.map(String) : [];
      const errors: JsonObject[] = [];
      for (const id of ids)
        await answer(id, body, user).catch((error: Error) => errors.push({ id, error: error.message }));
      return { success: ids.length - errors.length, failure: errors.length, errors };
    },
  };
}
