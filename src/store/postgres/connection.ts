import pg from 'pg';
import { placeOfDatabase } from '../../core/database-address.ts';
import { MillraceError } from '../../core/error.ts';
import { bossSchema, schemaName } from './schema.ts';

/** Whole numbers of the database are below 2^53 here: identities, sequences and milliseconds. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/** A call that takes longer has lost its connection: what we ask is small. */
const longestCall = 30_000;

/** A pool of connections that find our tables by their plain names. */
export function openPool(url: string, { most, name }: { most: number; name: string }): pg.Pool {
  const pool = new pg.Pool({
    ...settings(url, name),
    max: most,
    query_timeout: longestCall,
    idleTimeoutMillis: 30_000,
  });
  pool.on('error', () => undefined);
  // Whoever has borrowed a connection hears of its end by the call that fails; unheard, it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** One connection of its own, such as one that listens. */
export const openClient = (url: string, name: string): pg.Client => new pg.Client(settings(url, name));

/**
 * The connection of a writer. What it does is always the same, and finds few rows by their keys: it is planned once. By itself the
 * database would plan the larger statements anew each time, which takes half as long as to carry them out.
 */
export const openWriterClient = (url: string, name: string): pg.Client =>
  new pg.Client({ ...settings(url, name, ['plan_cache_mode=force_generic_plan']), query_timeout: longestCall });

const settings = (url: string, name: string, more: string[] = []): pg.ClientConfig => ({
  connectionString: url,
  application_name: name,
  options: [`search_path=${schemaName}`, ...more].map((setting) => `-c ${setting}`).join(' '),
  connectionTimeoutMillis: 5000,
  keepAlive: true,
  types,
});

/** What the database said, in a sentence that names it and says what to do. What is no matter of the database comes back as it is. */
export function storageError(thrown: unknown, url: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof MillraceError) return thrown;
  const code = String((thrown as { code?: unknown }).code ?? '');
  const place = placeOfDatabase(url);
  if (code === '3D000')
    return error(
      'storage.unreachable',
      `There is no database ${place}.`,
      'Create it (createdb), or correct DATABASE_URL.',
    );
  if (code === '28P01' || code === '28000')
    return error(
      'storage.unreachable',
      `The database ${place} does not let us in: ${thrown.message}.`,
      'Correct user and password in DATABASE_URL.',
    );
  if (code === '42501')
    return error(
      'storage.failed',
      `The user of the database ${place} may not do this: ${thrown.message}.`,
      `Grant it the schemas ${schemaName} and ${bossSchema}.`,
    );
  if (code === '53100')
    return error(
      'storage.failed',
      `The disk of the database ${place} is full; nothing of this change was written.`,
      'Make room; runs go on by themselves.',
    );
  if (code === '53300')
    return error(
      'storage.unreachable',
      `The database ${place} has no connection left.`,
      'Raise its max_connections, or start fewer servers.',
    );
  if (code === '42P01' || code === '3F000' || code === '42883')
    return error(
      'storage.outdated',
      `The database ${place} does not hold what this version needs: ${thrown.message}.`,
      'Run: millrace db migrate',
    );
  if (code === '22021')
    return new MillraceError('request.invalid', {
      message: 'Names and ids hold text; this one holds the character U+0000.',
      cause: thrown,
    });
  if (isAway(thrown))
    return error(
      'storage.unreachable',
      `The database ${place} does not answer: ${thrown.message || code}.`,
      'Nothing is lost; the server goes on when it is back.',
    );
  return thrown;

  function error(
    kind: 'storage.unreachable' | 'storage.failed' | 'storage.outdated',
    message: string,
    hint: string,
  ): MillraceError {
    return new MillraceError(kind, { message, hint, cause: thrown });
  }
}

/** Whether the database ended the call without a word on it, so that nobody knows yet whether it was done. */
export function isAway(thrown: unknown): boolean {
  // What we say ourselves is no word of a connection.
  if (thrown instanceof MillraceError) return false;
  const { code, severity, message } = thrown as { code?: string; severity?: string; message?: string };
  if (severity === 'FATAL' || severity === 'PANIC') return true;
  if (severity === 'ERROR') return false;
  return (
    /^(08|57P)/.test(code ?? '') ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT)/.test(code ?? '') ||
    /terminated|timeout|timed out|Connection|not queryable/i.test(message ?? '')
  );
}
