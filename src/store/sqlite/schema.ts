import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../core/error.ts';

/** Migrations, in order; `PRAGMA user_version` counts those that were made. Never edit one that was released: add another. */
const migrations: readonly string[] = [
  `
  CREATE TABLE aggregates (
    kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, summary TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
  ) WITHOUT ROWID;
  CREATE INDEX aggregates_by_position ON aggregates (kind, position);
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, aggregate TEXT NOT NULL, body TEXT NOT NULL
  );
  CREATE INDEX events_by_aggregate ON events (aggregate, sequence);
  CREATE TABLE commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, aggregate TEXT NOT NULL, lane TEXT NOT NULL,
    body TEXT NOT NULL, due INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0, node TEXT
  );
  CREATE INDEX commands_by_due ON commands (due) WHERE node IS NULL;
  CREATE INDEX commands_by_lane ON commands (lane, id) WHERE lane <> '';
  CREATE TABLE documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (kind, id), UNIQUE (kind, project, name)
  ) WITHOUT ROWID;
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE logs (stream TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (stream, start)) WITHOUT ROWID;
  `,
  `
  ALTER TABLE commands ADD COLUMN project TEXT NOT NULL DEFAULT '';
  ALTER TABLE commands ADD COLUMN host TEXT NOT NULL DEFAULT '';
  DROP INDEX commands_by_due;
  CREATE INDEX commands_by_due ON commands (due, id) WHERE node IS NULL AND lane = '';
  CREATE INDEX commands_next ON commands (due) WHERE node IS NULL;
  ALTER TABLE aggregates ADD COLUMN fixed TEXT;
  UPDATE aggregates SET fixed = json_object('plan', json_extract(state, '$.plan')), state = json_set(json_remove(state, '$.plan'), '$.tags', json_extract(state, '$.plan.tags'))
    WHERE kind = 'execution';
  `,
  "CREATE INDEX documents_for_all ON documents (kind, name) WHERE json_extract(body, '$.global') = 1;",
  // A table without row ids is an index: where rows are large, few fit on a page of it, which makes it deep, and keys that come in no
  // order split its pages all the time. A run was written, found and changed three times as fast in tables with them.
  `
  CREATE TABLE new_aggregates (
    kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, fixed TEXT, state TEXT NOT NULL, summary TEXT NOT NULL,
    position INTEGER NOT NULL, PRIMARY KEY (kind, id)
  );
  INSERT INTO new_aggregates SELECT kind, id, version, fixed, state, summary, position FROM aggregates ORDER BY kind, position;
  DROP TABLE aggregates;
  ALTER TABLE new_aggregates RENAME TO aggregates;
  CREATE INDEX aggregates_by_position ON aggregates (kind, position);
  CREATE TABLE new_documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (kind, id), UNIQUE (kind, project, name)
  );
  INSERT INTO new_documents SELECT kind, id, project, name, body, created_at, updated_at FROM documents ORDER BY kind, created_at;
  DROP TABLE documents;
  ALTER TABLE new_documents RENAME TO documents;
  CREATE INDEX documents_for_all ON documents (kind, name) WHERE json_extract(body, '$.global') = 1;
  CREATE TABLE new_logs (
    stream TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (stream, start)
  );
  INSERT INTO new_logs SELECT stream, start, size, text FROM logs;
  DROP TABLE logs;
  ALTER TABLE new_logs RENAME TO logs;
  `,
];

/** As the first version had it. */
export const firstSchema = migrations[0]!;

export const newestSchema = migrations.length;

/** How many migrations were made. */
export const schemaOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.user_version);

/** Brings a database to the newest schema. @throws MillraceError where a newer Millrace has written it. */
export function migrate(database: DatabaseSync): void {
  const made = schemaOf(database);
  if (made > migrations.length) {
    throw new MillraceError('storage.failed', {
      message: `The database was written by a newer Millrace (schema ${made}; this one knows ${migrations.length}).`,
      hint: 'Start the newer version, or restore a backup made before the upgrade.',
    });
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < made) continue;
    database.exec(`BEGIN IMMEDIATE; ${migration} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}
