import type pg from 'pg';
import type { Instant } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import { newBell, ringFor } from '../bell.ts';
import type { AggregateKind, KnownNode, Loaded, Node, Store, StoredEvent } from '../store.ts';
import { openBatches } from './batches.ts';
import { storageError } from './connection.ts';
import { documentsOf } from './documents.ts';
import type { Membership } from './membership.ts';
import type { News } from './news.ts';
import { type Row, rowsByKey } from './rows.ts';
import { numbersOf, openReads, openTrips } from './trips.ts';
import type { Writer } from './writer.ts';

export interface PostgresParts {
  pool: pg.Pool;
  writer: Writer;
  url: string;
  node: Node;
  /** Tells the other nodes what was rung here. */
  news: News;
  now(): Instant;
  membership(): Membership | undefined;
}

/** The store on PostgreSQL, shared by many nodes. The schema is there, and the node is a member. */
export function openPostgres({
  pool,
  writer,
  url,
  node,
  news,
  now,
  membership,
}: PostgresParts): Store & { tellOfWork(): void } {
  const bell = newBell();
  const batches = openBatches(writer, url, node);
  const load = openReads<[kind: AggregateKind, id: string], Loaded | undefined>(async (keys) =>
    (await rowsByKey(ask, 'load', 'SELECT kind, id, fixed, state, version FROM aggregates', keys)).map(loadedOf),
  );
  const next = openTrips<string, number>(async (counters) => {
    // Is on disk with the transition that uses the number, which is written later to the same log.
    const rows = await ask(
      'count up',
      `WITH lax AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
       INSERT INTO counters (name, value) SELECT asked.name, count(*) FROM unnest($1::text[]) AS asked (name), lax
       GROUP BY asked.name ORDER BY asked.name
       ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING name, value`,
      counters,
    );
    return numbersOf(counters, new Map(rows.map(({ name, value }) => [name, value])));
  });
  news.connect(bell);

  return {
    isShared: true,
    bell,

    now,

    async apply(transition) {
      const applied = await batches.apply(transition);
      if (applied.result === 'applied') {
        ringFor(bell, transition, applied.claimed);
        news.tell((all) => ringFor(all, transition, applied.claimed));
      }
      return applied;
    },

    load,

    async summaries(kind, page) {
      const text = 'SELECT summary FROM aggregates WHERE kind = $1 ORDER BY position DESC LIMIT $2 OFFSET $3';
      const rows = await ask('summaries', text, kind, page?.limit ?? null, page?.skip ?? 0);
      return rows.map(({ summary }) => summary);
    },

    async count(kind) {
      return (await ask('count all', 'SELECT count(*) AS value FROM aggregates WHERE kind = $1', kind))[0]!.value;
    },

    async erase(kind, id) {
      const rows = await ask(
        'erase',
        `WITH gone AS (
           DELETE FROM aggregates WHERE kind = $1 AND id = $2
           AND NOT EXISTS (SELECT 1 FROM commands WHERE kind = $1 AND aggregate = $2) RETURNING id
         ), its_events AS (DELETE FROM events USING gone WHERE kind = $1 AND aggregate = gone.id),
         its_logs AS (DELETE FROM logs USING gone WHERE starts_with(stream, gone.id || '/'))
         SELECT id FROM gone`,
        kind,
        id,
      );
      return rows.length > 0;
    },

    async claim(at, limit, { perProject, crowded } = { perProject: limit, crowded: [] }) {
      const free = "FROM commands WHERE node IS NULL AND host IN ('', $2) AND due";
      const [found] = await ask(
        'next',
        `SELECT (SELECT min(due) ${free} <= $1) AS due, (SELECT min(due) ${free} > $1) AS next`,
        at,
        node.host,
      );
      // To take what is due is a change; a node at rest makes none.
      const isDue = limit > 0 && found?.due != null;
      const commands = isDue ? await batches.claim([at, crowded, perProject, limit]) : [];
      return { commands, next: found?.next ?? undefined };
    },

    confirmTenure: () => membership()?.confirmTenure(),

    async nodes() {
      return (await ask('nodes', 'SELECT name, host, since FROM nodes ORDER BY since, name')) as unknown as KnownNode[];
    },

    async release(name) {
      await ask('release', 'UPDATE commands SET node = NULL WHERE node = $1', name);
    },

    async hasten(keyPrefix, at) {
      await ask('hasten', 'SELECT hasten($1, $2)', keyPrefix, at);
      tellOfWork();
    },

    async events(after, limit, aggregate) {
      const rows = aggregate
        ? await ask(
            'events of one',
            'SELECT sequence, kind, aggregate, body FROM events WHERE sequence > $1 AND aggregate = $3 ORDER BY sequence LIMIT $2',
            after,
            limit,
            aggregate,
          )
        : await ask(
            'events',
            'SELECT sequence, kind, aggregate, body FROM events WHERE sequence > $1 ORDER BY sequence LIMIT $2',
            after,
            limit,
          );
      return rows as unknown as StoredEvent[];
    },

    async lastSequence() {
      const [row] = await ask('last', "SELECT value FROM counters WHERE name = 'events'");
      return row!.value;
    },

    ...documentsOf(ask),

    next,

    async appendLog(stream, offset, text) {
      await ask('append', 'SELECT append_log($1, $2, $3)', stream, offset, Buffer.from(text));
      bell.emit('log', stream);
      news.tell((all) => all.emit('log', stream));
    },

    async readLog(stream, from) {
      const rows = await ask(
        'log',
        'SELECT start, text FROM logs WHERE stream = $1 AND start + size > $2 ORDER BY start',
        stream,
        from,
      );
      const bytes = Buffer.concat(rows.map(({ start, text }) => text.subarray(Math.max(0, from - start))));
      return { text: bytes.toString('utf8'), size: await logSize(stream) };
    },

    logSize,

    tellOfWork,

    async close() {
      if (pool.ending) return;
      await batches.close();
      await membership()?.leave();
      await news.close();
      await Promise.all([pool.end(), writer.end()]);
    },
  };

  /** Here and elsewhere: there is work that nobody holds. */
  function tellOfWork(): void {
    bell.emit('work', 0);
    news.tell((all) => all.emit('work', 0));
  }

  async function logSize(stream: string): Promise<number> {
    const text = 'SELECT start + size AS size FROM logs WHERE stream = $1 ORDER BY start DESC LIMIT 1';
    return (await ask('size', text, stream))[0]?.size ?? 0;
  }

  /** Statements are prepared once for each connection, under their name. */
  async function ask(name: string, text: string, ...values: unknown[]): Promise<Row[]> {
    try {
      return (await pool.query({ name, text, values })).rows;
    } catch (thrown) {
      throw storageError(thrown, url);
    }
  }
}

/** What never changes of a state is written once, apart from it. */
const loadedOf = (row: Row | undefined): Loaded | undefined =>
  row && {
    state: row.fixed ? { ...row.fixed, ...(row.state as JsonObject) } : row.state,
    version: row.version,
  };
