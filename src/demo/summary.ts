import { paints, statusSign } from '../cli/output.ts';
import { formatDuration } from '../core/duration.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { type Execution, type TaskState, taskKey } from '../pipeline/execution.ts';

export interface ReleaseReport {
  version: string;
  pipeline: string;
  execution: string;
  state: string;
  /** What ended it. */
  message: string;
  seconds: number;
  deployment: string;
  switched: boolean;
  approvals: number;
  scaleOut: { from: number; to: number } | null;
}

export interface DemoReport {
  profile: string;
  url: string;
  parts: { database: string; web: string; loadBalancer: string; dns: string; uiTests: string; loadTest: string };
  releases: ReleaseReport[];
  traffic: { requests: number; failed: number; seconds: number };
  slack: { threads: number; messages: number };
  metrics: { points: number };
  /** Seconds of each part of the demo, so that one can be compared with another. */
  phases: Record<string, number>;
}

/** How long setting up took, each release, and each stage of it. */
export function phasesOf(setUp: number, runs: { version: string; execution: Execution }[]): Record<string, number> {
  const seconds = (milliseconds: number) => Math.round(milliseconds / 100) / 10;
  const ofRun = ({ version, execution: { requestedAt, endedAt, stages } }: (typeof runs)[number]) => [
    [version, seconds((endedAt ?? requestedAt) - requestedAt)] as const,
    ...Object.entries(stages).flatMap(([stage, state]) =>
      'endedAt' in state ? [[`${version} ${stage}`, seconds(state.endedAt - state.startedAt)] as const] : [],
    ),
  ];
  return Object.fromEntries([['set-up', seconds(setUp)], ...runs.flatMap(ofRun)]);
}

/** What a run came to, read from its state. */
export function releaseReport(
  version: string,
  { plan, status, message, requestedAt, endedAt, tasks }: Execution,
): ReleaseReport {
  const isDone = (task: string) => tasks[task]?.status === 'COMPLETED';
  const scaled = isDone('Test.Scale out');
  return {
    version,
    pipeline: plan.pipeline.name,
    execution: plan.execution,
    state: status,
    message: message ?? '',
    seconds: Math.round(((endedAt ?? requestedAt) - requestedAt) / 100) / 10,
    deployment: `tito-${plan.index}`,
    switched: isDone('Release.Switched') && !isDone('Clean up.Switched back'),
    approvals: isDone('Test.Approve scale-out') ? 1 : 0,
    scaleOut: scaled ? { from: Number(plan.input.machines), to: Number(plan.input.machines_after_scale_out) } : null,
  };
}

const barWidth = 44;

/** A run as a drawing: when each task began, and how long it took. */
export function timeline(version: string, execution: Execution): string {
  const { plan, requestedAt, endedAt, status, message } = execution;
  const total = Math.max(1, (endedAt ?? requestedAt) - requestedAt);
  const lines = plan.pipeline.stages.flatMap((stage) => {
    if (execution.stages[stage.name]?.status === 'SKIPPED') return [];
    const rows = stage.steps.flat().flatMap((name) => {
      const task = execution.tasks[taskKey(stage.name, name)]!;
      if (!('endedAt' in task) || !('startedAt' in task)) return [];
      return [
        `  ${statusSign(task.status)} ${name.padEnd(18)} ${bar(task.startedAt - requestedAt, task.endedAt - task.startedAt, total)} ${formatDuration(task.endedAt - task.startedAt).padStart(7)}  ${paints.dim(noteFor(name, task))}`,
      ];
    });
    return rows.length === 0 ? [] : [paints.bold(` ${stage.name}`), ...rows];
  });
  return [
    `${statusSign(status)} ${paints.bold(`${version}: ${status}`)} in ${formatDuration(total)} ${paints.dim(status === 'COMPLETED' ? '' : message)}`,
    ...lines,
  ].join('\n');
}

function bar(start: number, length: number, total: number): string {
  const from = Math.min(barWidth - 1, Math.floor((start / total) * barWidth));
  const width = Math.max(1, Math.round((length / total) * barWidth));
  return `${' '.repeat(from)}${paints.blue('━'.repeat(Math.min(width, barWidth - from)))}${' '.repeat(Math.max(0, barWidth - from - width))}`;
}

/** The one figure that says most about a task. */
function noteFor(name: string, task: TaskState): string {
  const output: JsonObject = 'output' in task ? task.output : {};
  const response = isObject(output.response) ? output.response : {};
  if (name.startsWith('Load test') && response.p95 !== undefined)
    return `p95 ${String(response.p95)} ms of ${String(response.goal)}, ${String(response.requests)} requests, ${String(response.failures)} failed`;
  if (name === 'UI tests' && response.via)
    return `${String(response.passed)} passed, ${String(response.failed)} failed, ${String(response.via)}`;
  if (name === 'Verify' && response.version) return `${String(response.address)} serves ${String(response.version)}`;
  return 'message' in task ? task.message : '';
}

/** Where everything went, and why: read from the run's own record. */
export function placements(execution: Execution): string[] {
  const task = execution.tasks['Build.Deploy site'];
  const details =
    task && 'output' in task && isObject(task.output.deploymentDetails) ? task.output.deploymentDetails : {};
  const placed = Array.isArray(details.placements) ? details.placements.filter(isObject) : [];
  return placed.map(
    ({ resource, zone, because }) =>
      `  ${String(resource).padEnd(9)} ${String(zone).padEnd(11)} ${paints.dim(String(because))}`,
  );
}

function phaseRows(phases: Record<string, number>): [string, string][] {
  const named = Object.entries(phases);
  const whole = named.filter(([phase]) => !phase.includes(' '));
  return whole.map(([phase, seconds], index) => {
    const stages = named
      .filter(([name]) => name.startsWith(`${phase} `))
      .map(([name, spent]) => `${name.slice(phase.length + 1)} ${spent}`);
    return [index === 0 ? 'Phases' : '', `${phase} ${seconds} s${stages.length > 0 ? `: ${stages.join(', ')}` : ''}`];
  });
}

export function closingLines(report: DemoReport, versions: string[], kills: number, switchedBy: string): string[] {
  const { traffic, slack, metrics, parts } = report;
  const rows: [string, string][] = [
    [
      'Traffic',
      `${traffic.requests} requests in ${traffic.seconds} s while it was released, ${traffic.failed === 0 ? paints.good('none failed') : paints.bad(`${traffic.failed} FAILED`)} (${versions.join(' -> ')})`,
    ],
    ['Slack', `${slack.threads} threads, ${slack.messages} messages (to a receiver on this machine)`],
    ['Metrics', `${metrics.points} points in the Wavefront format (to a receiver on this machine)`],
    ...phaseRows(report.phases),
    ...(kills > 0 ? [['Kills', `the server was killed ${kills} times and went on`] as [string, string]] : []),
    ['Database', parts.database],
    ['Web', parts.web],
    ['Balancer', parts.loadBalancer],
    ['Names', `${parts.dns}; switched by ${switchedBy}`],
    ['UI tests', parts.uiTests],
    ['Load test', parts.loadTest],
  ];
  return rows.map(([name, text]) => `  ${paints.bold(name.padEnd(10))} ${text}`);
}
