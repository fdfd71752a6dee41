import type { Document, Store } from '../store.ts';
import { openLists } from './lists.ts';
import { type Ask, columnsOf, documentColumns, documentOf, type Row, rowsByKey } from './rows.ts';
import { openReads } from './trips.ts';

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

  const get = openReads<[kind: string, id: string], Document | undefined>(async (keys) =>
    (await rowsByKey(ask, 'get', `SELECT ${documentColumns} FROM documents`, keys)).map(documentOf),
  );
  const find = openReads<[kind: string, project: string, name: string], Document | undefined>((keys) =>
    each(keys, async (key) => {
      const text = `SELECT ${documentColumns} FROM documents WHERE kind = $1 AND project = $2 AND name = $3`;
      return documentOf((await ask('find', text, ...key))[0]);
    }),
  );
  const listOfProject = openReads<[kind: string, project: string], Document[]>((keys) =>
    each(keys, async (key) => {
      const text = `SELECT ${documentColumns} FROM documents WHERE kind = $1 AND project = $2 ORDER BY name`;
      return (await ask('list of project', text, ...key)).map((row) => documentOf(row)!);
    }),
  );
  const names = openReads<[project: string, ...kinds: string[]], Row[]>((keys) =>
    each(keys, ([project, ...kinds]) => {
      const text = `SELECT kind, name FROM documents WHERE kind = ANY($1) AND project = $2
         UNION SELECT kind, name FROM documents WHERE kind = ANY($1) AND body->>'global' = 'true' ORDER BY name`;
      return ask('names', text, kinds, project);
    }),
  );

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

    get,

    find,

    list: async (kind, project) => (project === undefined ? lists(kind) : [...(await listOfProject(kind, project))]),

    async names<Kind extends string>(kinds: Kind[], project: string) {
      const found = Map.groupBy(await names(project, ...kinds), ({ kind }): string => kind);
      const namesOf = (kind: string) => (found.get(kind) ?? []).map(({ name }) => name);
      return Object.fromEntries(kinds.map((kind) => [kind, namesOf(kind)])) as Record<Kind, string[]>;
    },

    async remove(kind, id) {
      await ask('remove', 'DELETE FROM documents WHERE kind = $1 AND id = $2', kind, id);
    },
  };
}

const each = <K, V>(keys: K[], read: (key: K) => Promise<V>): Promise<V[]> => Promise.all(keys.map(read));
