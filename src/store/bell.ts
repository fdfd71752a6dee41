import { EventEmitter } from 'node:events';
import type { Instant } from '../core/instant.ts';
import type { Command, Transition } from './store.ts';

interface Rings {
  /** Of whom there are events, and of which types; undefined: of anybody, of any. */
  events: [of?: readonly string[], types?: readonly string[]];
  log: [stream: string];
  work: [due: Instant];
}

/**
 * Rings after a commit, for whoever follows events or a log, or looks for work. It says that there may be something new and
 * not what: that is read from the store; of work it says when it falls due. A ring may be missed, so nobody waits for it
 * without end.
 */
export type Bell = EventEmitter<Rings>;

export const newBell = (): Bell => new EventEmitter<Rings>().setMaxListeners(0);

/**
 * Rings for what a transition has written, and for the work that it leaves to whoever finds it. What waits in a lane is handed on by
 * whoever settles the one before it.
 */
export function ringFor(bell: Bell, { settles, aggregates, commands, log = [] }: Transition, claimed: Command[]): void {
  const told = aggregates.filter(({ events }) => events.length > 0);
  const types = told.flatMap(({ events }) => events.map(({ type }) => String(type)));
  if (told.length > 0)
    bell.emit(
      'events',
      told.map(({ id }) => id),
      types,
    );
  for (const { stream } of log) bell.emit('log', stream);
  const taken = new Set(claimed.map(({ key }) => key));
  const left = commands
    .filter(({ key, lane, due }) => !taken.has(key) && (lane === '' || due > 0))
    .map(({ due }) => due);
  if (settles?.again) left.push(settles.again.due);
  if (left.length > 0) bell.emit('work', Math.min(...left));
}
