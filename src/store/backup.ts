import type { Inventory } from './inventory.ts';

/** Where Millrace remembers: a PostgreSQL, or else the file in a directory. */
export interface Database {
  directory: string;
  url: string | undefined;
}

/** Copies a database to a file while servers go on. The key of its secrets is not in it. @throws MillraceError */
export async function backUpStore({ directory, url }: Database, file: string): Promise<Inventory> {
  if (url) return (await import('./postgres/backup.ts')).backUp(url, file);
  return (await import('./sqlite/backup.ts')).backUp(directory, file);
}

/** Puts a backup in the place of a database that no server uses, and keeps what it replaces. @throws MillraceError */
export async function restoreStore(
  file: string,
  { directory, url }: Database,
): Promise<Inventory & { kept: string | null }> {
  if (url) return (await import('./postgres/backup.ts')).restore(file, url);
  return (await import('./sqlite/backup.ts')).restore(file, directory);
}
