import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '../core/error.ts';
import type { ClusterParts } from './postgres/open.ts';
import type { Seal } from './seal.ts';
import type { Store } from './store.ts';

export interface StorageParts extends ClusterParts {
  /** The address of a PostgreSQL that servers share; undefined: a file of SQLite in `directory`. */
  url: string;
  directory: string;
}

const askAgainAfter = 1000;

/** As `openOnce`, but a database that does not answer is waited for; why, is told once. */
export async function openStore(parts: Parameters<typeof openOnce>[0]): Promise<Store> {
  for (let told = ''; ; ) {
    try {
      return await openOnce(parts);
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || thrown.code !== 'storage.unreachable') throw thrown;
      if (thrown.message !== told)
        parts.report(`${thrown.message} The server starts as soon as it does.`, { hint: thrown.hint });
      told = thrown.message;
      await new Promise((resolve) => setTimeout(resolve, askAgainAfter));
    }
  }
}

/** Opens what Millrace remembers, with the adapter that is asked for; the other one is not even loaded. */
async function openOnce({
  directory,
  ...parts
}: Omit<StorageParts, 'url'> & { url: string | undefined }): Promise<Store> {
  const { url, node, report, lost } = parts;
  if (url) return (await import('./postgres/open.ts')).openCluster({ ...parts, url });
  const path = join(directory, 'millrace.db');
  const { openSqlite } = await import('./sqlite/store.ts');
  const { keepBeforeUpgrade } = await import('./sqlite/backup.ts');
  const kept = existsSync(path) ? await keepBeforeUpgrade(path) : undefined;
  if (kept) report('The database is brought to a new schema; what it was before is kept.', { kept });
  return openSqlite(path, node, { lost });
}

/**
 * Servers on one store must open each other's secrets, so the first one leaves a text sealed with its key.
 * @throws MillraceError secret.unreadable where this key is another one.
 */
export async function checkKey(store: Store, seal: Seal): Promise<void> {
  const now = store.now();
  const mark = { kind: 'key-check', id: 'key', project: '', name: 'key', createdAt: now, updatedAt: now };
  await store.insert({ ...mark, body: { sealed: seal.close('Millrace') } });
  const kept = await store.get('key-check', 'key');
  try {
    seal.open(String(kept?.body.sealed));
  } catch (cause) {
    throw new MillraceError('secret.unreadable', {
      message: 'The key of this server is not the one that the secrets in its database are sealed with.',
      hint: 'Bring the file master.key of the first server here, or name it in MILLRACE_KEY_FILE.',
      cause,
    });
  }
}
