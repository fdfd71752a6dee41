import type { Instant } from '../core/instant.ts';
import type { Command, Document, NewCommand, Wanted } from '../store/store.ts';

/** A task that had to wait longer for its turn reads what is there by then. */
const freshFor = 50;

/** The variables that a task starts with, where they came with the answer to the change that starts it. */
export function startVariables(now: () => Instant) {
  const found = new WeakMap<Command, { variables: Document[]; at: Instant }>();

  return {
    /** What a change should bring along. */
    wantedBy(commands: NewCommand[]): Wanted | undefined {
      const project = commands.find(startsNow)?.project;
      return project === undefined ? undefined : { kind: 'variable', project };
    },

    /** @param at when they were asked for */
    keep(variables: Document[], { project }: Wanted, claimed: Command[], at: Instant): void {
      for (const command of claimed)
        if (startsNow(command) && command.project === project) found.set(command, { variables, at });
    },

    variablesFor(command: Command): Document[] | undefined {
      const known = found.get(command);
      return known && now() - known.at <= freshFor ? known.variables : undefined;
    },
  };
}

const startsNow = ({ body, due }: Pick<Command, 'body' | 'due'>): boolean => body.do === 'start-task' && due === 0;
