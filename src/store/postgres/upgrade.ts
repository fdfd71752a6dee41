import { join } from 'node:path';
import { backUp, connected } from './backup.ts';
import { migrate, readSchema } from './migrate.ts';

/** What was done, and where the copy from before is kept. */
export interface Upgrade {
  from: number;
  to: number;
  backup: string | null;
}

/**
 * Brings the tables to this version. Where there are some that will change, they are first copied into a directory; null: they
 * are not. Twice does no harm. @throws MillraceError
 */
export function upgrade(url: string, backups: string | null): Promise<Upgrade> {
  return connected(url, async (client) => {
    const { made, known, bossIsOld } = await readSchema(client, url);
    const backup =
      backups && made > 0 && (made < known || bossIsOld) ? join(backups, `schema-${made}-${Date.now()}.dump`) : null;
    if (backup) await backUp(url, backup);
    return { ...(await migrate(client)), backup };
  });
}
