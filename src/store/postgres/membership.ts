import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { PgBoss } from 'pg-boss';
import { closedError } from '../closed.ts';
import type { Node } from '../store.ts';
import type { Company } from './news.ts';
import { bossSchema } from './schema.ts';

/** The process of a node, as another on the same machine can find out whether it lives. */
export interface NodeProcess {
  pid: number;
  started: string;
  /** In which its number means something: another boot or another container has other processes. */
  space: string;
}

export interface MembershipParts {
  pool: pg.Pool;
  url: string;
  node: Node;
  self: NodeProcess;
  /** Milliseconds from any beginning, which nobody sets back: hours asleep count. */
  monotonic(): number;
  /** Whether a process of this machine has certainly ended. */
  isGone(process: NodeProcess): boolean;
  /**
   * Others may be doing this node's work, or soon will: it must not go on with anything that it has begun. A process can only be
   * sure of that by ending.
   */
  lost(reason: string): void;
  /** Work of a dead node has become free. */
  tookOver(node: string): void;
  report(message: string, details: Record<string, unknown>): void;
}

export interface Membership extends Company {
  /** Calls `lost`, which ends the process, where the lease has run out. @throws MillraceError storage.unreachable: the node has left. */
  confirmTenure(): void;
  /** What the node still holds is free for others at once. */
  leave(): Promise<void>;
}

/** A node that says nothing for so long is dead: the least that pg-boss allows. */
const deadAfterSeconds = 10;
const beatEvery = 2000;
/** A node that could not say for so long that it lives stops before others take over. */
const leaseMilliseconds = 8000;
const checkLeaseEvery = 250;
const lookAroundEvery = 1000;
const watchEvery = 2000;
const tidyEverySeconds = 3600;
const tenureSeconds = 24 * 3600;
const takeover = 'takeover';

/**
 * Makes this process a node. Each node holds a job of pg-boss and keeps it alive; where its heartbeat stops, pg-boss, which
 * every living node supervises, puts it into the queue of takeovers, and whoever gets it frees what the dead node held. A node of
 * this machine whose process has ended, or has become this one, is not waited for. @throws what the database says.
 */
export async function join(parts: MembershipParts): Promise<Membership> {
  const { pool, node, self, monotonic } = parts;
  const queue = `node.${node.name}`;
  let tenure = { id: '', since: 0 };
  let left = false;
  /** Whether there are other nodes, living or dead: looked at with each beat, and heard of sooner. */
  let hasCompany = true;
  /** When a beat was last sent that was heard. */
  let alive = monotonic();
  const boss = new PgBoss({
    connectionString: parts.url,
    schema: bossSchema,
    application_name: `millrace ${node.name} watches`,
    max: 3,
    migrate: false,
    createSchema: false,
    schedule: false,
    registerInstance: false,
    // Who is alone has nobody to watch; while others are there, it is asked to.
    ...{ superviseIntervalSeconds: tidyEverySeconds, flowIntervalSeconds: tidyEverySeconds },
    monitorIntervalSeconds: watchEvery / 1000,
    reindex: false,
  });
  boss.on('error', () => undefined);
  try {
    await boss.start();
    await boss.createQueue(takeover, {
      retryLimit: 1000,
      retryDelay: 1,
      expireInSeconds: 30,
      deleteAfterSeconds: 3600,
    });
    await lookAround();
    await enter();
    await membersNow();
    await boss.work<{ node: string }>(takeover, { pollingIntervalSeconds: 2 }, ([job]) => takeOver(job!.data.node));
  } catch (thrown) {
    await stopBoss();
    throw thrown;
  }
  alive = monotonic();
  const beats = every(beatEvery, beat);
  const looks = every(lookAroundEvery, async () => (hasCompany ? lookAround() : undefined));
  const watches = every(watchEvery, async () => (hasCompany ? boss.supervise() : undefined));
  const checks = setInterval(checkLease, checkLeaseEvery);

  return {
    confirmTenure() {
      checkLease();
      if (left) throw closedError();
    },

    isAlone: () => !hasCompany,

    heard() {
      hasCompany = true;
    },

    async leave() {
      left = true;
      clearInterval(beats);
      clearInterval(looks);
      clearInterval(watches);
      clearInterval(checks);
      await pool.query('SELECT take_over($1)', [node.name]).catch(() => undefined);
      parts.tookOver(node.name);
      await boss.complete(queue, tenure.id).catch(() => undefined);
      await boss.deleteQueue(queue).catch(() => undefined);
      await stopBoss();
    },
  };

  async function stopBoss(): Promise<void> {
    await boss.stop({ graceful: false, close: true }).catch(() => undefined);
  }

  async function enter(): Promise<void> {
    await pool.query(
      `INSERT INTO nodes (name, host, pid, started, space, since) VALUES ($1, $2, $3, $4, $5, extract(epoch FROM now()) * 1000)
       ON CONFLICT (name) DO NOTHING`,
      [node.name, node.host, self.pid, self.started, self.space],
    );
    // Who took over has removed it.
    await boss.createQueue(queue, {
      deadLetter: takeover,
      retryLimit: 0,
      heartbeatSeconds: deadAfterSeconds,
      expireInSeconds: tenureSeconds,
      deleteAfterSeconds: 3600,
    });
    const id = await boss.send(queue, { node: node.name });
    await boss.fetch(queue);
    tenure = { id: id!, since: Date.now() };
  }

  async function membersNow(): Promise<string[]> {
    const { rows } = await pool.query<{ name: string }>('SELECT name FROM nodes');
    hasCompany = rows.length > 1;
    return rows.map(({ name }) => name);
  }

  /** Says that this node lives. */
  async function beat(): Promise<void> {
    const begun = monotonic();
    await boss.touch(queue, tenure.id);
    const [job] = await boss.findJobs(queue, { id: tenure.id });
    const names = await membersNow();
    if (left) return;
    if (job?.state !== 'active' || !names.includes(node.name))
      return lose('others took it for dead and took over its work');
    alive = begun;
    if (Date.now() - tenure.since < (tenureSeconds * 1000) / 2) return;
    const before = tenure.id;
    await enter();
    await boss.complete(queue, before);
  }

  /** Timers alone do not do: after a sleep, Node hears the answers that arrived meanwhile before it looks at its timers. */
  function checkLease(): void {
    if (monotonic() - alive > leaseMilliseconds)
      lose(`it could not say for ${leaseMilliseconds / 1000} s that it lives`);
  }

  function lose(reason: string): void {
    if (left) return;
    left = true;
    parts.lost(reason);
  }

  async function lookAround(): Promise<void> {
    const { rows } = await pool.query('SELECT name, pid, started, space FROM nodes WHERE host = $1 AND name <> $2', [
      node.host,
      node.name,
    ]);
    for (const { name, ...process } of rows as (NodeProcess & { name: string })[])
      if (parts.isGone(process) || isDeepStrictEqual(process, self)) await takeOver(name);
  }

  async function takeOver(dead: string): Promise<void> {
    await pool.query('SELECT take_over($1)', [dead]);
    parts.tookOver(dead);
    if (dead === node.name) return;
    parts.report('A node has died; its work is free for others.', { node: dead });
    await boss.deleteQueue(`node.${dead}`).catch(() => undefined);
  }

  /** One at a time; what fails is tried at the next. */
  function every(milliseconds: number, work: () => Promise<void>): NodeJS.Timeout {
    let isUnderWay = false;
    return setInterval(() => {
      if (isUnderWay || left) return;
      isUnderWay = true;
      void work()
        .catch(() => undefined)
        .finally(() => {
          isUnderWay = false;
        });
    }, milliseconds);
  }
}
