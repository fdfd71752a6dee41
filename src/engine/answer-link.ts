import { MillraceError } from '../core/error.ts';
import { isObject, parseJson } from '../core/json.ts';
import type { Seal } from '../store/seal.ts';

/** Whom a link was sent to, and for which question. */
export interface Invitation {
  question: string;
  address: string;
}

/** What nothing else that is sealed says of itself. */
const purpose = 'answer by mail';
/** What stands around everything that is sealed. */
const [before, after] = ['((secret:v1:', '))'];

/** A text for addresses that only this server can make and read: it says who answers, so its holder need not sign in. */
export const invite = (seal: Seal, { question, address }: Invitation): string =>
  seal
    .close(JSON.stringify({ purpose, question, address }))
    .slice(before.length, -after.length)
    .replaceAll('+', '-')
    .replaceAll('/', '_');

/** @throws MillraceError approval.link where this server did not make it. */
export function readInvitation(seal: Seal, token: string): Invitation {
  const told = parseJson(openedOrEmpty(seal, `${before}${token.replaceAll('-', '+').replaceAll('_', '/')}${after}`));
  if (isObject(told) && told.purpose === purpose)
    return { question: String(told.question), address: String(told.address) };
  throw new MillraceError('approval.link', {
    message: 'This link to a user operation is not whole, or not from this server.',
    hint: 'Open it from the mail once more, or sign in and answer there.',
  });
}

function openedOrEmpty(seal: Seal, sealed: string): string {
  try {
    return seal.open(sealed);
  } catch {
    return '';
  }
}
