import { EventEmitter } from 'node:events';
import type { Transition } from './store.ts';

/**
 * Rings after a commit, for whoever follows events or a log, or looks for work. It says that there may be something new and
 * not what: that is read from the store. A ring may be missed, so nobody waits for it without end.
 */
export type Bell = EventEmitter<{ events: []; log: [stream: string]; work: [] }>;

export const newBell = (): Bell =>
  new EventEmitter<{ events: []; log: [stream: string]; work: [] }>().setMaxListeners(0);

/** Rings for what a transition has written. */
export function ringFor(bell: Bell, { aggregates, log = [] }: Transition): void {
  if (aggregates.some(({ events }) => events.length > 0)) bell.emit('events');
  for (const { stream } of log) bell.emit('log', stream);
}
