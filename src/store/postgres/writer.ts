import type pg from 'pg';
import { openWriterClient } from './connection.ts';

/** The one connection over which a node changes what is stored; it makes one call after the other. */
export interface Writer {
  /** Connects where there is no connection: what fails afterwards is a call, and may have been done all the same. */
  connect(): Promise<void>;
  /** The first row of what is answered. A connection over which a call fails is given up. */
  call(config: pg.QueryConfig): Promise<Record<string, unknown>>;
  end(): Promise<void>;
}

export function openWriter(url: string, name: string): Writer {
  let standing: pg.Client | undefined;

  return {
    async connect() {
      standing ?? (await connection());
    },
    async call(config) {
      const client = standing ?? (await connection());
      try {
        return (await client.query(config)).rows[0];
      } catch (thrown) {
        giveUp(client);
        throw thrown;
      }
    },
    end: async () => standing?.end(),
  };

  async function connection(): Promise<pg.Client> {
    const client = openWriterClient(url, name);
    client.on('error', () => giveUp(client));
    await client.connect();
    standing = client;
    return client;
  }

  function giveUp(client: pg.Client): void {
    if (standing === client) standing = undefined;
    void client.end().catch(() => undefined);
  }
}
