import { MillraceError } from '../core/error.ts';

/** A server that has given up its store begins nothing more. */
export const closedError = (): MillraceError =>
  new MillraceError('storage.unreachable', {
    message: 'This server is stopping; nothing of this was begun.',
    hint: 'Try it again: another server, or this one when it is back, takes it.',
  });
