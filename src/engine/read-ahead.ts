import type { Instant } from '../core/instant.ts';
import type { Command, Document, NewCommand, Store } from '../store/store.ts';

/** A task that had to wait longer for its turn reads what is there by then. */
const freshFor = 50;

interface Ahead {
  project: string;
  variables: Promise<Document[]>;
  at: Instant;
}

/**
 * Reads the variables of a task's project while the change that starts the task is being written, where each is a trip to a database:
 * as if the task had begun that moment earlier. What was set before the change was asked for is seen.
 */
export function readAhead({ store, moment }: { store: Pick<Store, 'isShared' | 'list'>; moment: { now(): Instant } }) {
  const found = new WeakMap<Command, Ahead>();

  return {
    begin(commands: NewCommand[]): Ahead | undefined {
      const project = store.isShared ? commands.find(startsNow)?.project : undefined;
      if (project === undefined) return undefined;
      const variables = store.list('variable', project);
      // Whoever needs them hears of it; perhaps nobody does.
      variables.catch(() => undefined);
      return { project, variables, at: moment.now() };
    },

    keep(ahead: Ahead | undefined, claimed: Command[]): void {
      if (!ahead) return;
      for (const command of claimed)
        if (startsNow(command) && command.project === ahead.project) found.set(command, ahead);
    },

    variablesFor(command: Command): Promise<Document[]> | undefined {
      const ahead = found.get(command);
      return ahead && moment.now() - ahead.at <= freshFor ? ahead.variables : undefined;
    },
  };
}

const startsNow = ({ body, due }: Pick<Command, 'body' | 'due'>): boolean => body.do === 'start-task' && due === 0;
