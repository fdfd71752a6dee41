import type { Store } from '../store.ts';
import { columnsOf, documentOf } from './rows.ts';
import type { Statements, Writer } from './write.ts';

type Documents = Pick<Store, 'put' | 'insert' | 'get' | 'find' | 'list' | 'names' | 'remove'>;

/** What the store does with documents; each change is answered when it is on the disk. */
export function documentsOf({ run, all, one }: Statements, writer: Writer, onDisk: () => Promise<void>): Documents {
  return {
    async put(document) {
      writer.keep(document);
      await onDisk();
    },

    async insert(document) {
      const done = run('INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)', ...columnsOf(document));
      await onDisk();
      return done.changes === 1;
    },

    async get(kind, id) {
      return documentOf(one('SELECT * FROM documents WHERE kind = ? AND id = ?', kind, id));
    },

    async find(kind, project, name) {
      return documentOf(
        one('SELECT * FROM documents WHERE kind = ? AND project = ? AND name = ?', kind, project, name),
      );
    },

    async list(kind, project) {
      const rows =
        project === undefined
          ? all('SELECT * FROM documents WHERE kind = ? ORDER BY name, project', kind)
          : all('SELECT * FROM documents WHERE kind = ? AND project = ? ORDER BY name', kind, project);
      return rows.map((row) => documentOf(row)!);
    },

    async names(kind, project) {
      return all(
        `SELECT name FROM documents WHERE kind = ? AND project = ?
         UNION SELECT name FROM documents WHERE kind = ? AND json_extract(body, '$.global') = 1 ORDER BY name`,
        kind,
        project,
        kind,
      ).map(({ name }) => name);
    },

    async remove(kind, id) {
      run('DELETE FROM documents WHERE kind = ? AND id = ?', kind, id);
      await onDisk();
    },
  };
}
