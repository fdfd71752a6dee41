import type { Document, Store } from '../store.ts';
import type { Counters } from './counters.ts';
import type { DocumentMemory } from './document-memory.ts';
import { columnsOf, documentOf, type Row } from './rows.ts';
import type { Statements, Writer } from './write.ts';

type Documents = Pick<Store, 'put' | 'insert' | 'get' | 'find' | 'list' | 'names' | 'remove'>;

/** What the store does with documents; each change is answered when it is on the disk. */
export function documentsOf(
  { run, all, one }: Statements,
  writer: Writer,
  { memory, counters }: { memory: DocumentMemory; counters: Counters },
  onDisk: () => Promise<void>,
): Documents {
  /** A document may hold a number that was given out. */
  function writeCounters(): void {
    counters.write();
    counters.written();
  }

  return {
    async put(document) {
      writeCounters();
      writer.keep(document);
      await onDisk();
    },

    async insert(document) {
      writeCounters();
      memory.forget(document.kind);
      const done = run('INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)', ...columnsOf(document));
      await onDisk();
      return done.changes === 1;
    },

    async get(kind, id) {
      return memory.ask(kind, `id ${id}`, () =>
        oneOf(one('SELECT * FROM documents WHERE kind = ? AND id = ?', kind, id)),
      );
    },

    async find(kind, project, name) {
      return memory.ask(kind, `name ${JSON.stringify([project, name])}`, () =>
        oneOf(one('SELECT * FROM documents WHERE kind = ? AND project = ? AND name = ?', kind, project, name)),
      );
    },

    async list(kind, project) {
      return [
        ...memory.ask(kind, project === undefined ? 'all' : `project ${project}`, () =>
          listOf(
            project === undefined
              ? all('SELECT * FROM documents WHERE kind = ? ORDER BY name, project', kind)
              : all('SELECT * FROM documents WHERE kind = ? AND project = ? ORDER BY name', kind, project),
          ),
        ),
      ];
    },

    async names<Kind extends string>(kinds: Kind[], project: string) {
      const text = `SELECT name FROM documents WHERE kind = ? AND project = ?
         UNION SELECT name FROM documents WHERE kind = ? AND json_extract(body, '$.global') = 1 ORDER BY name`;
      const namesOf = (kind: string) =>
        memory.ask(kind, `names ${project}`, () => {
          const names = all(text, kind, project, kind).map(({ name }) => name);
          return [names, names.join().length];
        });
      return Object.fromEntries(kinds.map((kind) => [kind, [...namesOf(kind)]])) as Record<Kind, string[]>;
    },

    async remove(kind, id) {
      memory.forget(kind);
      run('DELETE FROM documents WHERE kind = ? AND id = ?', kind, id);
      await onDisk();
    },
  };
}

const oneOf = (row: Row | undefined): [Document | undefined, number] => [documentOf(row), row?.body.length ?? 0];
const listOf = (rows: Row[]): [Document[], number] => [
  rows.map((row) => documentOf(row)!),
  rows.reduce((length, { body }) => length + body.length, 0),
];
