import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Execution } from '../../pipeline/execution.ts';
import type { Document, Store } from '../../store/store.ts';

/** What an address names, and how it is kept; each throws MillraceError not.found where there is nothing. */
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

  /** The name of the project that a body means by its id or its name; clients send either. @throws MillraceError project.unknown */
  async projectOf({ projectId, projectName }: JsonObject, otherwise: string): Promise<string> {
    const wanted = String(projectId || projectName || '');
    if (!wanted) return otherwise;
    const found = (await store.get('project', wanted)) ?? (await store.find('project', '', wanted));
    if (found) return found.name;
    throw new MillraceError('project.unknown', { message: `There is no project ${wanted}.` });
  },

  /** Keeps a new object, or the change of one. @throws MillraceError name.taken where another has its name. */
  async save(document: Document): Promise<void> {
    const { kind, project, name, id } = document;
    const other = await store.find(kind, project, name);
    if (!other || other.id === id) {
      if (await store.get(kind, id)) return store.put(document);
      if (await store.insert(document)) return;
    }
    throw new MillraceError('name.taken', {
      message: `Another ${kind} is called ${name} in project ${project}.`,
      hint: 'PUT changes it; or choose another name.',
    });
  },

  async execution(id: string): Promise<Execution> {
    const loaded = await store.load('execution', id);
    if (!loaded) throw new MillraceError('not.found', { message: `There is no execution ${id}.` });
    return loaded.state as unknown as Execution;
  },
});
