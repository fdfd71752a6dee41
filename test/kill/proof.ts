import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import type { SlackMessage } from '../../src/demo/receivers.ts';
import { isMarked, processIds } from '../../src/host/processes.ts';
import { evolve } from '../../src/pipeline/evolve.ts';
import type { Execution, ExecutionEvent } from '../../src/pipeline/execution.ts';
import { ends, ledgerLines } from './workload.ts';

export interface Evidence {
  data: string;
  ledger: string;
  calls: Map<string, number>;
  messages: SlackMessage[];
}

export interface Proof {
  executions: Execution[];
  /** Each a sentence; none: everything is as it should be. */
  faults: string[];
  /** Calls that a key made harmless: the same one came again. */
  repeated: number;
}

/** Holds what the far sides saw against what the database remembers. The server has been stopped. */
export function examine({ data, ledger, calls, messages }: Evidence): Proof {
  const database = new DatabaseSync(join(data, 'millrace.db'), { readOnly: true });
  try {
    const executions = rows(database, "SELECT state FROM aggregates WHERE kind = 'execution'").map(
      ({ state }) => JSON.parse(String(state)) as Execution,
    );
    return {
      executions,
      faults: [
        ...whole(database, executions),
        ...ended(executions),
        ...doneOnce(readFileSync(ledger, 'utf8'), executions),
        ...calledByOneKey(calls, executions),
        ...toldOnce(messages, executions),
        ...strays(data),
      ],
      repeated: [...calls.values()].filter((count) => count > 1).length,
    };
  } finally {
    database.close();
  }
}

/** No half-written row: the file is sound, events give the state that lies beside them, and nothing is owed. */
function whole(database: DatabaseSync, executions: Execution[]): string[] {
  const [check] = rows(database, 'PRAGMA integrity_check');
  const waiting = ['time-out', 'expire-question'];
  const owed = rows(database, 'SELECT key, body FROM commands').filter(
    ({ body }) => !waiting.includes(String((JSON.parse(String(body)) as { do: string }).do)),
  );
  const replay = (id: string) =>
    rows(database, 'SELECT body FROM events WHERE aggregate = ? ORDER BY sequence', id)
      .map(({ body }) => JSON.parse(String(body)) as ExecutionEvent)
      .reduce<Execution | null>((state, event) => evolve(state, event), null);
  return [
    ...(check?.integrity_check === 'ok' ? [] : [`The database is not sound: ${String(check?.integrity_check)}.`]),
    ...owed.map(({ key }) => `${String(key)} is owed and nobody does it.`),
    ...executions
      .filter((state) => !isDeepStrictEqual(JSON.parse(JSON.stringify(replay(state.plan.execution))), state))
      .map((state) => `${nameOf(state)}: its events give another state than the one that was written.`),
  ];
}

function ended(executions: Execution[]): string[] {
  return executions
    .filter(({ status, plan }) => status !== ends[plan.pipeline.name])
    .map((state) => `${nameOf(state)} is ${state.status}: ${state.message}`);
}

/** Jobs and functions write down their directory, which is named by their key. */
function doneOnce(ledger: string, executions: Execution[]): string[] {
  const lines = ledger.split('\n').filter(Boolean);
  const twice = lines.filter((line, index) => lines.indexOf(line) !== index);
  const wanted = executions.reduce((sum, { plan }) => sum + (ledgerLines[plan.pipeline.name] ?? 0), 0);
  return [
    ...twice.map((line) => `${line} ran twice.`),
    ...(lines.length === wanted ? [] : [`${lines.length} things were done, where ${wanted} were to be done.`]),
  ];
}

/** Each attempt at a call has one key, whatever happened between: two for the far side that refuses the first. */
function calledByOneKey(calls: Map<string, number>, executions: Execution[]): string[] {
  return executions
    .filter(({ plan }) => plan.pipeline.name === 'Everything')
    .flatMap((state) => {
      const keys = (path: string) =>
        [...calls.keys()].filter((name) => name.startsWith(`${path} ${state.plan.execution}/`));
      const [once, flaky] = [keys('/once').length, keys('/flaky').length];
      return once === 1 && flaky === 2 ? [] : [`${nameOf(state)} called by ${once} and ${flaky} keys, not 1 and 2.`];
    });
}

function toldOnce(messages: SlackMessage[], executions: Execution[]): string[] {
  const keys = messages.map(({ key }) => key);
  const twice = keys.filter((key, index) => keys.indexOf(key) !== index);
  const wanted = executions.reduce((sum, { notices }) => sum + notices, 0);
  return [
    ...twice.map((key) => `${key} was told twice.`),
    ...(messages.length === wanted ? [] : [`${messages.length} messages came, where ${wanted} were to come.`]),
  ];
}

function strays(data: string): string[] {
  return processIds()
    .filter((pid) => isMarked(pid, join(data, 'site')))
    .map((pid) => `Process ${pid} of a machine is left over.`);
}

const nameOf = ({ plan }: Execution): string => `${plan.pipeline.name} #${plan.index}`;
const rows = (database: DatabaseSync, sql: string, ...values: string[]) => database.prepare(sql).all(...values);
