import { applyFunction } from './apply-function.ts';
import { writeFunction } from './write-function.ts';

/** What brings the schema from one version to the next, and the oldest program that still works beside it. */
interface Migration {
  sql: () => string;
  /** A program whose newest migration has this number can go on while the database is here: what it needs is still there. */
  oldestReader: number;
}

/** Tables and functions live in a schema of their own, so that a database may be shared with others. */
export const schemaName = 'millrace';
/** That of pg-boss, which finds out that a node has died. */
export const bossSchema = 'millrace_boss';

/**
 * Migrations, in order. Never edit one that was released: add another, which first only adds, so that servers of the version
 * before go on beside it; what they needed is dropped a version later.
 */
export const migrations: readonly Migration[] = [
  {
    oldestReader: 1,
    sql: () => `
      CREATE TABLE aggregates (
        kind text NOT NULL, id text NOT NULL, version bigint NOT NULL, fixed json, state json NOT NULL, summary json NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (kind, id)
      ) WITH (fillfactor = 70);
      CREATE INDEX aggregates_by_position ON aggregates (kind, position);
      CREATE TABLE events (sequence bigint PRIMARY KEY, kind text NOT NULL, aggregate text NOT NULL, body json NOT NULL);
      CREATE INDEX events_by_aggregate ON events (aggregate, sequence);
      CREATE TABLE commands (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text COLLATE "C" NOT NULL UNIQUE, kind text NOT NULL,
        aggregate text NOT NULL, lane text NOT NULL, project text NOT NULL, host text NOT NULL, body json NOT NULL,
        due bigint NOT NULL, fence bigint NOT NULL, tries integer NOT NULL, node text
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
      CREATE INDEX commands_by_due ON commands (due, id) WHERE node IS NULL AND lane = '';
      CREATE INDEX commands_next ON commands (due) WHERE node IS NULL;
      CREATE INDEX commands_by_lane ON commands (lane, id) WHERE lane <> '';
      CREATE INDEX commands_by_node ON commands (node) WHERE node IS NOT NULL;
      CREATE TABLE documents (
        kind text NOT NULL, id text NOT NULL, project text NOT NULL, name text COLLATE "C" NOT NULL, body json NOT NULL,
        created_at bigint NOT NULL, updated_at bigint NOT NULL, PRIMARY KEY (kind, id), UNIQUE (kind, project, name)
      );
      CREATE INDEX documents_for_all ON documents (kind, name) WHERE body->>'global' = 'true';
      CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 50);
      INSERT INTO counters VALUES ('events', 0);
      CREATE TABLE logs (
        stream text NOT NULL, start bigint NOT NULL, size bigint NOT NULL, text bytea NOT NULL, PRIMARY KEY (stream, start)
      );
      CREATE TABLE nodes (
        name text PRIMARY KEY, host text NOT NULL, pid integer NOT NULL, started text NOT NULL, space text NOT NULL, since bigint NOT NULL,
        batch text NOT NULL DEFAULT '', answer json
      ) WITH (fillfactor = 50);
      CREATE TABLE facts (name text PRIMARY KEY, value text NOT NULL);
      ${applyFunction}
    `,
  },
  // Takes the place of `apply` and `count_up`, which programs of the schema before call.
  { oldestReader: 1, sql: () => writeFunction },
  // A state is compressed with each change: a step takes a twentieth less. A database that cannot do it so goes on as it did.
  {
    oldestReader: 1,
    sql: () => `
      DO $$ BEGIN
        EXECUTE 'ALTER TABLE aggregates
          ALTER fixed SET COMPRESSION lz4, ALTER state SET COMPRESSION lz4, ALTER summary SET COMPRESSION lz4';
      EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL;
      END $$;
    `,
  },
];
