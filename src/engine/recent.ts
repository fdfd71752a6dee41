import type { Instant } from '../core/instant.ts';
import type { Command, Loaded, Store } from '../store/store.ts';

const mostStates = 200;
/** A command that waited longer for its turn is performed on what the store says, where others write to that. */
const freshFor = 50;

/**
 * States that this node has written, the last of each, so that it need not read what it knows. Another node may have gone on since:
 * a change that was decided on one of them is held to its version by the store, and a decision to change nothing is made again.
 */
export function recentStates(now: () => Instant, { isShared }: Pick<Store, 'isShared'>) {
  const states = new Map<string, Loaded>();
  const commanded = new WeakMap<Command, { loaded: Loaded; at: Instant }>();
  const nameOf = (kind: string, id: string) => `${kind}/${id}`;

  return {
    of: (kind: string, id: string): Loaded | undefined => states.get(nameOf(kind, id)),

    forget: (kind: string, id: string): void => void states.delete(nameOf(kind, id)),

    /** What was written, and the commands that were claimed with it. */
    wrote(kind: string, id: string, loaded: Loaded, claimed: Command[]): void {
      const name = nameOf(kind, id);
      states.delete(name);
      states.set(name, loaded);
      if (states.size > mostStates) states.delete(states.keys().next().value!);
      for (const command of claimed)
        if (command.kind === kind && command.aggregate === id) commanded.set(command, { loaded, at: now() });
    },

    /** The state that led to a command, where nothing has been written since, here or (but for an instant) elsewhere. */
    behind(command: Command): Loaded | undefined {
      const known = commanded.get(command);
      const isFresh =
        known &&
        (!isShared || now() - known.at <= freshFor) &&
        states.get(nameOf(command.kind, command.aggregate)) === known.loaded;
      return isFresh ? known.loaded : undefined;
    },
  };
}
