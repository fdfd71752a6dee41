import type pg from 'pg';
import { PgBoss } from 'pg-boss';
import type { Node } from '../store.ts';
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
  /** Whether a process of this machine has certainly ended. */
  isGone(process: NodeProcess): boolean;
  /** The node was taken for dead, and has come back under its name. */
  rejoined(): void;
  /** Work of a dead node has become free. */
  tookOver(node: string): void;
  report(message: string, details: Record<string, unknown>): void;
}

export interface Membership {
  /** What the node still holds is free for others at once. */
  leave(): Promise<void>;
}

/** A node that says nothing for so long is dead: the least that pg-boss allows. */
const deadAfterSeconds = 10;
const beatEvery = 2500;
const lookAroundEvery = 1000;
const tenureSeconds = 24 * 3600;
const takeover = 'takeover';

/**
 * Makes this process a node. Each node holds a job of pg-boss and keeps it alive; where its heartbeat stops, pg-boss, which
 * every living node supervises, puts it into the queue of takeovers, and whoever gets it frees what the dead node held. A node of
 * this machine whose process has ended is not waited for. @throws what the database says.
 */
export async function join(parts: MembershipParts): Promise<Membership> {
  const { pool, node, self } = parts;
  const queue = `node.${node.name}`;
  let tenure = { id: '', since: 0 };
  let left = false;
  const boss = new PgBoss({
    connectionString: parts.url,
    schema: bossSchema,
    application_name: `millrace ${node.name} watches`,
    max: 3,
    migrate: false,
    createSchema: false,
    schedule: false,
    registerInstance: false,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    reindex: false,
  });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue(takeover, {
    retryLimit: 1000,
    retryDelay: 1,
    expireInSeconds: 30,

    deleteAfterSeconds: 3600,
  });
  await lookAround();
  await enter();
  await boss.work<{ node: string }>(takeover, { pollingIntervalSeconds: 1 }, async ([job]) => takeOver(job!.data.node));
  const beats = every(beatEvery, beat);
  const looks = every(lookAroundEvery, lookAround);

  return {
    async leave() {
      left = true;
      clearInterval(beats);
      clearInterval(looks);
      await pool.query('SELECT take_over($1)', [node.name]).catch(() => undefined);
      parts.tookOver(node.name);
      await boss.complete(queue, tenure.id).catch(() => undefined);
      await boss.stop({ graceful: false, close: true }).catch(() => undefined);
    },
  };

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

  /** Says that this node lives, and comes back where others did not believe it. */
  async function beat(): Promise<void> {
    await boss.touch(queue, tenure.id);
    const [job] = await boss.findJobs(queue, { id: tenure.id });
    const { rowCount } = await pool.query('SELECT 1 FROM nodes WHERE name = $1', [node.name]);
    const isKnown = job?.state === 'active' && rowCount === 1;
    if (left || (isKnown && Date.now() - tenure.since < (tenureSeconds * 1000) / 2)) return;
    const before = tenure.id;
    await enter();
    if (isKnown) return void (await boss.complete(queue, before));
    // What was claimed under this name before nobody performs any more, or somebody else does.
    await pool.query('UPDATE commands SET node = NULL WHERE node = $1', [node.name]);
    parts.rejoined();
    parts.report('This node was taken for dead, and others took over its work; it is back.', { node: node.name });
  }

  async function lookAround(): Promise<void> {
    const { rows } = await pool.query('SELECT name, pid, started, space FROM nodes WHERE host = $1 AND name <> $2', [
      node.host,
      node.name,
    ]);
    for (const { name, ...process } of rows as (NodeProcess & { name: string })[])
      if (parts.isGone(process)) await takeOver(name);
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
