import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Deployment, evolveDeployment } from '../../src/blueprint/deployment.ts';
import type { SlackMessage } from '../../src/demo/receivers.ts';
import { mountPoints } from '../../src/host/mounts.ts';
import { isMarked, processIds } from '../../src/host/processes.ts';
import { evolve } from '../../src/pipeline/evolve.ts';
import type { Execution } from '../../src/pipeline/execution.ts';
import { groupOfSite } from '../../src/plugins/clouds/local/control-group.ts';
import type { FakeChange } from '../fakes/gerrit.ts';
import type { Memory } from './memory.ts';
import { ends, ledgerLines } from './workload.ts';

export interface Evidence {
  memory: Memory;
  data: string;
  ledger: string;
  calls: Map<string, number>;
  messages: SlackMessage[];
  /** How many things each far side was asked for. */
  built: Record<string, number>;
  changes: FakeChange[];
}

export interface Proof {
  /** Each a sentence; none: everything is as it should be. */
  faults: string[];
  /** Calls that a key made harmless: the same one came again. */
  repeated: number;
}

/** Holds what the far sides saw against what the database remembers. The servers have been stopped. */
export function examine({ memory, data, ledger, calls, messages, built, changes }: Evidence): Proof {
  const { executions } = memory;
  return {
    faults: [
      ...whole(memory),
      ...ended(executions),
      ...doneOnce(readFileSync(ledger, 'utf8'), executions),
      ...calledByOneKey(calls, executions),
      ...builtOnce(built, calls, executions),
      ...reviewedOnce(changes, executions),
      ...toldOnce(messages, executions),
      ...strays(data),
    ],
    repeated: [...calls.values()].filter((count) => count > 1).length,
  };
}

/** No half-written row: the database is sound, events give the state that lies beside them, nothing is owed or held. */
function whole({ executions, events, deployments, deploymentEvents, queues, owed, unsound }: Memory): string[] {
  const same = (one: unknown, other: unknown) => isDeepStrictEqual(JSON.parse(JSON.stringify(one)), other);
  const replay = (id: string): Execution | null => {
    try {
      return (events.get(id) ?? []).reduce<Execution | null>((state, event) => evolve(state, event), null);
    } catch {
      // Where the first is missing, the others tell of nothing.
      return null;
    }
  };
  return [
    ...(unsound ? [`The database is not sound: ${unsound}.`] : []),
    ...owed
      .filter((command) => command.do !== 'time-out' && command.do !== 'expire-question')
      .map(({ key }) => `${key} is owed and nobody does it.`),
    ...owed
      .filter(({ node }) => node !== null && node !== 'single')
      .map(({ key, node }) => `${key} is held by ${node}, which has stopped.`),
    ...queues
      .flatMap(({ running, waiting }) => [...running, ...waiting])
      .map(({ execution }) => `${execution} still has its place in a queue.`),
    ...executions
      .filter((state) => !same(replay(state.plan.execution), state))
      .map((state) => `${nameOf(state)}: its events give another state than the one that was written.`),
    ...deployments
      .filter((state) => {
        const events = deploymentEvents.get(state.id) ?? [];
        return !same(
          events.reduce<Deployment | null>((before, event) => evolveDeployment(before, event), null),
          state,
        );
      })
      .map(({ name }) => `Deployment ${name}: its events give another state than the one that was written.`),
    ...deployments.flatMap(({ id, name }) =>
      (deploymentEvents.get(id) ?? []).flatMap((event) =>
        event.type === 'action-failed' ? [`Deployment ${name}: ${event.action} failed: ${event.message}`] : [],
      ),
    ),
    ...deployments
      .filter(({ status }) => status !== 'DELETE_SUCCESSFUL')
      .map(({ name, status, message }) => `Deployment ${name} is ${status}: ${message}`),
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

/** Build servers keep no key of ours: what each was asked for is found again by what it does keep. */
function builtOnce(built: Record<string, number>, calls: Map<string, number>, executions: Execution[]): string[] {
  const wanted = executions.filter(({ plan }) => plan.pipeline.name === 'Elsewhere').length;
  const told = [...calls.keys()].filter((name) => name.startsWith('/told ')).length;
  return Object.entries({ ...built, 'the webhook': told }).flatMap(([where, count]) =>
    count === wanted ? [] : [`${where} was asked for ${count} things, where ${wanted} were to be done.`],
  );
}

/** Each change that was pushed started one run, whether somebody listened or not, and heard once how that ended. */
function reviewedOnce(changes: FakeChange[], executions: Execution[]): string[] {
  const runs = executions.filter(({ plan }) => plan.pipeline.name === 'Reviewed');
  const runsOf = (number: number) =>
    runs.filter(({ plan }) => plan.input.GERRIT_CHANGE_NUMBER === String(number)).length;
  return changes.flatMap(({ number, comments, votes }) => {
    if (runsOf(number) === 1 && comments.length === 1 && votes.Verified === 1) return [];
    return [`Change ${number} started ${runsOf(number)} runs and heard ${comments.length} times of them.`];
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
  const site = join(data, 'site');
  const group = groupOfSite(site);
  return [
    ...processIds()
      .filter((pid) => isMarked(pid, site))
      .map((pid) => `Process ${pid} of a machine is left over.`),
    ...mountPoints()
      .filter((at) => at.startsWith(`${site}/`))
      .map((at) => `The disk ${at} is left over.`),
    ...(group && existsSync(group) ? [`The control group ${group} is left over.`] : []),
  ];
}

const nameOf = ({ plan }: Execution): string => `${plan.pipeline.name} #${plan.index}`;
