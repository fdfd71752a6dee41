import type pg from 'pg';
import { type Bell, newBell } from '../bell.ts';
import { openClient } from './connection.ts';

/** Carries the ringing of one node's bell to the bells of all others. */
export interface News {
  /** Rings this bell for what other nodes tell. */
  connect(bell: Bell): void;
  /** Tells what `ringing` rings, a little later and with what else there is, where there is anybody to hear it. */
  tell(ringing: (bell: Bell) => void): void;
  /** Tells the others that there is one more to tell. */
  greet(): Promise<void>;
  close(): Promise<void>;
}

/** What goes over the wire, in few letters: a notification holds less than 8,000 bytes. */
interface Told {
  from: string;
  /** Of whom, or of too many to name. */
  events?: string[] | true;
  work?: number;
  logs?: string[];
}

const channel = 'millrace_news';
/** What is rung within so many milliseconds goes in one notification: each of them takes a lock that all commits wait for. */
const gatherFor = 5;
const mostNamed = 50;
const longestPause = 2000;

/** The other nodes, as far as this one knows. */
export interface Company {
  isAlone(): boolean;
  /** Another one has been heard. */
  heard(): void;
}

/**
 * LISTEN and NOTIFY, apart from the transactions that there is news of. It only wakes: what is lost while the connection is away
 * is found by those who look for themselves every now and then, and when it is back all bells ring.
 */
export function openNews(pool: pg.Pool, url: string, node: string, company: Company): News {
  let target: Bell | undefined;
  let listener: pg.Client | undefined;
  let closed = false;
  let pending: Told | undefined;
  const gathering = newBell();
  const told = (): Told => (pending ??= gather());
  gathering.on('events', (of) => {
    const { events = [] } = told();
    const all = of && events !== true ? [...new Set([...events, ...of])] : [];
    Object.assign(told(), { events: all.length > 0 && all.length <= mostNamed ? all : true });
  });
  gathering.on('work', (due) => Object.assign(told(), { work: Math.min(due, told().work ?? due) }));
  gathering.on('log', (stream) => {
    const logs = told().logs ?? [];
    if (logs.length < mostNamed && !logs.includes(stream)) Object.assign(told(), { logs: [...logs, stream] });
  });
  void listen();

  return {
    connect(bell) {
      target = bell;
    },
    tell(ringing) {
      if (!company.isAlone()) ringing(gathering);
    },
    greet: () => notify({ from: node }),
    async close() {
      if (pending) await send();
      closed = true;
      await listener?.end().catch(() => undefined);
    },
  };

  function gather(): Told {
    setTimeout(() => void send(), gatherFor);
    return { from: node };
  }

  async function send(): Promise<void> {
    if (!pending || closed) return;
    const told = pending;
    pending = undefined;
    await notify(told);
  }

  async function notify(told: Told): Promise<void> {
    // Nobody waits for the disk: it is gone with a crash in any case.
    await pool
      .query({
        name: 'tell',
        text: "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
        values: [channel, JSON.stringify(told)],
      })
      .catch(() => undefined);
  }

  async function listen(): Promise<void> {
    for (let tries = 0; !closed; tries++) {
      const client = openClient(url, `millrace ${node} listens`);
      try {
        const gone = new Promise<void>((resolve) => {
          client.on('error', () => resolve());
          client.on('end', () => resolve());
        });
        client.on('notification', ({ payload }) => ring(JSON.parse(payload ?? '{}') as Told));
        await client.connect();
        await client.query(`LISTEN ${channel}`);
        listener = client;
        tries = 0;
        ring({ from: '', events: true, work: 0 });
        await gone;
      } catch {
        // It is tried again below.
      }
      await client.end().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, Math.min(longestPause, 50 * 2 ** tries)).unref());
    }
  }

  function ring({ from, events, work, logs = [] }: Told): void {
    if (!target || from === node) return;
    if (from) company.heard();
    if (events) target.emit('events', events === true ? undefined : events);
    if (work !== undefined) target.emit('work', work);
    for (const stream of logs) target.emit('log', stream);
  }
}
