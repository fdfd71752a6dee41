import { placeOfDatabase } from '../../core/database-address.ts';
import type { Instant } from '../../core/instant.ts';
import type { Node, Store } from '../store.ts';
import { openPool, storageError } from './connection.ts';
import { join, type Membership, type NodeProcess } from './membership.ts';
import { checkSchema, readSchema } from './migrate.ts';
import { type News, openNews } from './news.ts';
import { openPostgres } from './store.ts';
import { openWriter } from './writer.ts';

export interface ClusterParts {
  url: string;
  node: Node;
  self: NodeProcess;
  isGone(process: NodeProcess): boolean;
  /** That of this machine. */
  clock(): Instant;
  monotonic(): number;
  /** This process must not go on with anything that it has begun. */
  lost(reason: string): void;
  report(message: string, details: Record<string, unknown>): void;
}

const mostConnections = 10;
const compareClocksEvery = 30_000;
/** More than this apart, people who read times are told. */
const worthTelling = 2000;

/**
 * Opens the database as one of the servers that share it: checks its schema, becomes a member, and goes by its clock.
 * @throws MillraceError storage.unreachable, storage.outdated
 */
export async function openCluster(parts: ClusterParts): Promise<Store> {
  const { url, node, clock } = parts;
  const name = `millrace ${node.name}`;
  const pool = openPool(url, { most: mostConnections, name });
  const writer = openWriter(url, name);
  let news: News | undefined;
  try {
    checkSchema(await readSchema(pool, url), url);
    let ahead = await clockDifference();
    if (Math.abs(ahead) > worthTelling)
      parts.report('The clock of this machine is not that of the database; Millrace goes by that of the database.', {
        seconds: Math.round(ahead / 1000),
        database: placeOfDatabase(url),
      });
    let membership: Membership | undefined;
    news = openNews(pool, url, node.name, {
      isAlone: () => membership?.isAlone() ?? false,
      heard: () => membership?.heard(),
    });
    const store = openPostgres({
      pool,
      writer,
      url,
      node,
      news,
      now: () => clock() - ahead,
      membership: () => membership,
    });
    membership = await join({
      ...parts,
      pool,
      tookOver: () => store.tellOfWork(),
    });
    await news.greet();
    const comparing = setInterval(
      () =>
        void clockDifference().then(
          (now) => (ahead = now),
          () => undefined,
        ),
      compareClocksEvery,
    ).unref();
    return {
      ...store,
      async close() {
        clearInterval(comparing);
        await store.close();
      },
    };
  } catch (thrown) {
    await news?.close();
    await Promise.all([pool.end(), writer.end()]);
    throw storageError(thrown, url);
  }

  /** By how many milliseconds this machine is ahead of the database. */
  async function clockDifference(): Promise<number> {
    const before = clock();
    const { rows } = await pool.query('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now');
    return Math.round((before + clock()) / 2 - Number(rows[0].now));
  }
}
