import type { Store } from '../store.ts';
import { openLists } from './lists.ts';
import { type Ask, columnsOf, documentColumns, documentOf } from './rows.ts';

type Documents = Pick<Store, 'put' | 'insert' | 'get' | 'find' | 'list' | 'names' | 'remove'>;

/** What the store does with documents. */
export function documentsOf(ask: Ask): Documents {
  const lists = openLists(async (kinds) => {
    const all = `SELECT ${documentColumns} FROM documents WHERE kind`;
    // Each list of kinds is planned anew, one kind is not.
    const rows =
      kinds.length === 1
        ? await ask('list', `${all} = $1 ORDER BY name, project`, kinds[0])
        : await ask('lists', `${all} = ANY($1) ORDER BY name, project`, kinds);
    return rows.map((row) => documentOf(row)!);
  });

  return {
    async put(document) {
      await ask(
        'put',
        `INSERT INTO documents (${documentColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (kind, id) DO UPDATE SET project = excluded.project, name = excluded.name, body = excluded.body, updated_at = excluded.updated_at`,
        ...columnsOf(document),
      );
    },

    async insert(document) {
      const rows = await ask(
        'insert',
        `INSERT INTO documents (${documentColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id`,
        ...columnsOf(document),
      );
      return rows.length === 1;
    },

    async get(kind, id) {
      return documentOf(
        (await ask('get', `SELECT ${documentColumns} FROM documents WHERE kind = $1 AND id = $2`, kind, id))[0],
      );
    },

    async find(kind, project, name) {
      const text = `SELECT ${documentColumns} FROM documents WHERE kind = $1 AND project = $2 AND name = $3`;
      return documentOf((await ask('find', text, kind, project, name))[0]);
    },

    async list(kind, project) {
      if (project === undefined) return lists(kind);
      const text = `SELECT ${documentColumns} FROM documents WHERE kind = $1 AND project = $2 ORDER BY name`;
      return (await ask('list of project', text, kind, project)).map((row) => documentOf(row)!);
    },

    async names(kind, project) {
      const rows = await ask(
        'names',
        `SELECT name FROM documents WHERE kind = $1 AND project = $2
         UNION SELECT name FROM documents WHERE kind = $1 AND body->>'global' = 'true' ORDER BY name`,
        kind,
        project,
      );
      return rows.map(({ name }) => name);
    },

    async remove(kind, id) {
      await ask('remove', 'DELETE FROM documents WHERE kind = $1 AND id = $2', kind, id);
    },
  };
}
