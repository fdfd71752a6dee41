import { MillraceError } from '../../core/error.ts';
import type { Execution } from '../../pipeline/execution.ts';
import type { Document, Store } from '../../store/store.ts';

/** What an address names; each throws MillraceError not.found where there is nothing. */
export const finders = (store: Store) => ({
  async byId(kind: string, id: string): Promise<Document> {
    const found = await store.get(kind, id);
    if (!found) throw new MillraceError('not.found', { message: `There is no ${kind} ${id}.` });
    return found;
  },

  async byName(kind: string, { project, name }: Record<string, string>): Promise<Document> {
    const found = await store.find(kind, project!, name!);
    if (!found) throw new MillraceError('not.found', { message: `There is no ${kind} ${name} in project ${project}.` });
    return found;
  },

  /** @throws MillraceError name.taken where another object of the kind has the name. */
  async refuseTaken({ kind, project, name, id }: Document): Promise<void> {
    const other = await store.find(kind, project, name);
    if (other && other.id !== id)
      throw new MillraceError('name.taken', {
        message: `Another ${kind} is called ${name} in project ${project}.`,
        hint: 'Choose another name.',
      });
  },

  async execution(id: string): Promise<Execution> {
    const loaded = await store.load('execution', id);
    if (!loaded) throw new MillraceError('not.found', { message: `There is no execution ${id}.` });
    return loaded.state as unknown as Execution;
  },
});
