import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { Deployment, DeploymentEvent } from '../../src/blueprint/deployment.ts';
import type { Execution, ExecutionEvent } from '../../src/pipeline/execution.ts';
import type { Queue } from '../../src/pipeline/queue.ts';

/** What a database remembers when all servers have stopped. */
export interface Memory {
  executions: Execution[];
  /** Events by execution, in their order. */
  events: Map<string, ExecutionEvent[]>;
  deployments: Deployment[];
  deploymentEvents: Map<string, DeploymentEvent[]>;
  queues: Queue[];
  owed: { key: string; do: string; node: string | null; host: string; due: number; tries: number }[];
  /** What the database says of itself; empty: it is sound. */
  unsound: string;
}

interface Rows {
  aggregates: { kind: unknown; fixed: unknown; state: unknown }[];
  events: { kind: unknown; aggregate: unknown; body: unknown }[];
  commands: Record<'key' | 'body' | 'node' | 'host' | 'due' | 'tries', unknown>[];
}

const queries = {
  aggregates: "SELECT kind, fixed, state FROM aggregates WHERE kind IN ('execution', 'deployment', 'queue')",
  events: "SELECT kind, aggregate, body FROM events WHERE kind IN ('execution', 'deployment') ORDER BY sequence",
  commands: 'SELECT key, body, node, host, due, tries FROM commands',
};

export async function readMemory(data: string, databaseUrl: string | undefined): Promise<Memory> {
  return databaseUrl ? readPostgres(databaseUrl) : readSqlite(join(data, 'millrace.db'));
}

function readSqlite(path: string): Memory {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = (text: string) => database.prepare(text).all() as never[];
    const [check] = rows('PRAGMA integrity_check') as { integrity_check: string }[];
    return memoryOf(
      { aggregates: rows(queries.aggregates), events: rows(queries.events), commands: rows(queries.commands) },
      check?.integrity_check === 'ok' ? '' : String(check?.integrity_check),
    );
  } finally {
    database.close();
  }
}

async function readPostgres(url: string): Promise<Memory> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=millrace' });
  await client.connect();
  try {
    const rows = async (text: string) => (await client.query(text)).rows;
    const gaps = await rows('SELECT count(*) <> max(sequence) AS gap FROM events');
    return memoryOf(
      {
        aggregates: await rows(queries.aggregates),
        events: await rows(queries.events),
        commands: await rows(queries.commands),
      },
      gaps[0].gap ? 'there are gaps between the events' : '',
    );
  } finally {
    await client.end();
  }
}

function memoryOf({ aggregates, events, commands }: Rows, unsound: string): Memory {
  const states = <S>(wanted: string) =>
    aggregates
      .filter(({ kind }) => kind === wanted)
      .map(({ fixed, state }) => ({ ...((parsed(fixed) ?? {}) as object), ...(parsed(state) as object) }) as S);
  const eventsOf = <E>(wanted: string) => {
    const byAggregate = Map.groupBy(
      events.filter(({ kind }) => kind === wanted),
      ({ aggregate }) => String(aggregate),
    );
    return new Map([...byAggregate].map(([id, all]) => [id, all.map(({ body }) => parsed(body) as E)]));
  };
  const executions = states<Execution>('execution');
  const plans = new Map(executions.map(({ plan }) => [plan.execution, plan]));
  const runEvents = [...eventsOf<ExecutionEvent>('execution')].map(([id, all]): [string, ExecutionEvent[]] => [
    id,
    // The plan is kept once, beside the state.
    all.map((event) => (event.type === 'execution-created' ? { ...event, plan: plans.get(id)! } : event)),
  ]);
  return {
    executions,
    events: new Map(runEvents),
    deployments: states('deployment'),
    queues: states('queue'),
    deploymentEvents: eventsOf('deployment'),
    owed: commands.map(({ key, body, node, host, due, tries }) => ({
      ...{ host: String(host), due: Number(due), tries: Number(tries) },
      key: String(key),
      do: (parsed(body) as { do: string }).do,
      node: node as string | null,
    })),
    unsound,
  };
}

const parsed = (json: unknown): unknown => (typeof json === 'string' ? JSON.parse(json) : json);
