import type { DemoOptions } from '../cli/commands/serve.ts';
import { paints } from '../cli/output.ts';
import { messageOf } from '../core/error.ts';
import { isObject } from '../core/json.ts';
import type { Execution } from '../pipeline/execution.ts';
import { executionOf } from './client.ts';
import { followRun } from './follow.ts';
import { profiles } from './ground.ts';
import { crashPoints, killPlan } from './kills.ts';
import { leftovers } from './leftovers.ts';
import { patiently } from './patiently.ts';
import { releases } from './repository.ts';
import { type Stage, setStage } from './stage.ts';
import { closingLines, type DemoReport, phasesOf, placements, releaseReport, timeline } from './summary.ts';
import { openTerminal } from './terminal.ts';
import { startTraffic, type Traffic } from './traffic.ts';

export interface Playing extends DemoOptions {
  root: string;
  node: string;
}

const name = 'tito.example';
const port = 8080;
const clients = 2;

/** The main job: three pushes, two releases, one failure that nobody notices; with all that belongs to it. */
export async function playDemo(playing: Playing): Promise<0 | 1 | 2 | 3 | 4> {
  const say = (text: string) => void (playing.output === 'text' && process.stdout.write(`${text}\n`));
  const profile = profiles.find((known) => known === playing.profile);
  if (!profile) {
    process.stderr.write(`There is no profile ${playing.profile}; this version knows: ${profiles.join(', ')}.\n`);
    return 2;
  }
  if (process.platform !== 'linux') {
    process.stderr.write(
      'The demo gives each machine an address of its own that this machine reaches, which only Linux does.\n',
    );
    return 3;
  }
  const seed = playing.seed ?? String(Date.now());
  say(paints.bold(`Millrace: a push becomes a release. Profile ${profile}.`));
  if (playing.kill) say(`The server is killed at a random moment of every stage (again with: --seed ${seed}).`);
  let stage: Stage | undefined;
  let traffic: Traffic | undefined;
  const interrupted = new AbortController();
  const stop = new Promise<never>((_, reject) =>
    interrupted.signal.addEventListener('abort', () => reject(new Error('Interrupted: everything is being removed.')), {
      once: true,
    }),
  );
  stop.catch(() => undefined);
  // Again and again: who presses Ctrl-C twice still wants nothing left behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
  // Whoever read along has gone: clean up as after Ctrl-C.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interrupted.abort());
  try {
    const begun = Date.now();
    stage = await setStage({
      root: playing.root,
      node: playing.node,
      profile,
      crashAt: playing.killAt ?? (playing.kill ? crashPoints.join('|') : ''),
      interrupted: stop,
      heardMetrics: (points) => showMetrics(say, points),
      say,
    });
    const setUp = Date.now() - begun;
    const played = await Promise.race([play(stage, playing, seed, setUp, say, (started) => (traffic = started)), stop]);
    if (playing.keep) return await leaveUp(stage, playing.output, played, interrupted.signal);
    return played.isGood ? 0 : 1;
  } catch (thrown) {
    process.stderr.write(`${messageOf(thrown)}\n`);
    return interrupted.signal.aborted ? 4 : 3;
  } finally {
    await traffic?.stop();
    await stage?.strike();
  }
}

async function play(
  stage: Stage,
  playing: Playing,
  seed: string,
  setUp: number,
  say: (text: string) => void,
  started: (traffic: Traffic) => void,
): Promise<{ isGood: boolean; site: string }> {
  const runs: { version: string; execution: Execution }[] = [];
  const onEvent = playing.kill ? killPlan(seed, () => stage.server.kill()) : () => undefined;
  const terminal = playing.ask ? openTerminal() : undefined;
  let traffic: Traffic | undefined;
  say(paints.dim(`Watch it in a browser: ${stage.server.url} (user admin, password ${stage.password})`));
  for (const release of releases) {
    say(`\n${paints.bold(`git push  ${release.subject}`)}`);
    const commit = stage.repository.push(release);
    const id = await executionOf(stage.client, commit);
    runs.push({
      version: release.version,
      execution: await followRun(id, { client: stage.client, say, onEvent, terminal }),
    });
    if (!traffic) {
      traffic = startTraffic(name, stage.nameServer, port, clients);
      started(traffic);
      say(paints.dim(`  from now on ${clients} clients ask ${name} without pause`));
    } else {
      say(paints.dim(`  traffic so far: ${traffic.requests} requests, ${traffic.failed} failed`));
    }
  }
  await traffic!.stop();
  const report = makeReport(stage, playing.profile, runs, traffic!, setUp);
  if (playing.output === 'json') process.stdout.write(`${JSON.stringify(report)}\n`);
  const versions = traffic!.versions.map(({ version }) => version);
  for (const { version, execution } of runs) say(`\n${timeline(version, execution)}`);
  say(`\n${paints.bold('Where v2 went, and why')}\n${placements(runs[1]!.execution).join('\n')}`);
  say(`\n${closingLines(report, versions, stage.server.kills, stage.switchedBy).join('\n')}`);
  const faults = [
    ...faultsOf(report, versions, stage),
    ...(await patiently(async () => leftovers(stage.client, await stage.ground.standing()))),
  ];
  for (const fault of [...faults, ...traffic!.failures]) process.stderr.write(`${paints.bad('✘')} ${fault}\n`);
  if (faults.length === 0) say(`\n${paints.good('✔')} Two releases, one failure that nobody noticed.`);
  const released = runs.findLast(({ execution }) => execution.status === 'COMPLETED');
  return { isGood: faults.length === 0, site: String(released?.execution.output.url ?? 'nowhere') };
}

function makeReport(
  stage: Stage,
  profile: string,
  runs: { version: string; execution: Execution }[],
  traffic: Traffic,
  setUp: number,
): DemoReport {
  const ui = runs[0]?.execution.tasks['Test.UI tests'];
  const load = runs[0]?.execution.tasks['Test.Load test'];
  const by = load && 'output' in load && isObject(load.output.response) ? String(load.output.response.by) : '';
  const via = ui && 'output' in ui && isObject(ui.output.response) ? String(ui.output.response.via) : 'did not run';
  return {
    profile,
    url: `http://${name}:${port}`,
    parts: {
      ...stage.ground.parts,
      uiTests: `${via}, over SSH`,
      loadTest: `${by === 'Locust' ? 'Locust' : 'load.mjs (Node.js)'}, 22 users, over SSH`,
    },
    releases: runs.map(({ version, execution }) => releaseReport(version, execution)),
    traffic: { requests: traffic.requests, failed: traffic.failed, seconds: Math.round(traffic.seconds()) },
    slack: {
      threads: stage.slack.messages.filter(({ thread }) => thread === undefined).length,
      messages: stage.slack.messages.length,
    },
    metrics: { points: stage.metrics.points.length },
    phases: phasesOf(setUp, runs),
  };
}

/** What the story promises; empty when all of it is true. */
function faultsOf(report: DemoReport, versions: string[], stage: Stage): string[] {
  const states = report.releases.map(({ state }) => state).join(', ');
  const switched = report.releases.map((release) => release.switched).join(', ');
  const keys = stage.slack.messages.map(({ key }) => key);
  return [
    states === 'COMPLETED, COMPLETED, FAILED'
      ? ''
      : `The runs ended ${states}: ${report.releases.map(({ version, message }) => `${version}: ${message}`).join(' ')}`,
    switched === 'true, true, false' ? '' : `Traffic was switched: ${switched}.`,
    report.traffic.failed === 0 ? '' : `${report.traffic.failed} of ${report.traffic.requests} requests failed.`,
    versions.join() === 'v1,v2' ? '' : `The clients saw ${versions.join(', ')}.`,
    report.slack.threads === 3 ? '' : `${report.slack.threads} threads in Slack instead of 3.`,
    new Set(keys).size === keys.length ? '' : 'A message was sent to Slack twice.',
    report.metrics.points > 0 ? '' : 'No metrics arrived.',
  ].filter(Boolean);
}

let lastShown = 0;
function showMetrics(
  say: (text: string) => void,
  points: { name: string; value: number; tags: Record<string, string> }[],
): void {
  const p95 = points.filter(({ name: metric }) => metric.endsWith('p95_ms')).at(-1);
  if (!p95 || Date.now() - lastShown < 400) return;
  lastShown = Date.now();
  const value = (suffix: string) => points.filter(({ name: metric }) => metric.endsWith(suffix)).at(-1)?.value ?? 0;
  say(
    paints.dim(
      `      p95 ${String(p95.value).padStart(4)} ms ${'▏'.padStart(1)}${'█'.repeat(Math.min(40, Math.round(p95.value / 20)))} ${value('.requests')} requests, ${value('.failures')} failed`,
    ),
  );
}

async function leaveUp(
  stage: Stage,
  output: 'text' | 'json',
  { isGood, site }: { isGood: boolean; site: string },
  interrupted: AbortSignal,
): Promise<0 | 1> {
  (output === 'json' ? process.stderr : process.stdout).write(
    `\nStill up: Tito at ${site}, Millrace at ${stage.server.url} (user admin, password ${stage.password}), names at ${stage.nameServer}.\nCtrl-C stops and removes everything.\n`,
  );
  if (!interrupted.aborted)
    await new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
  return isGood ? 0 : 1;
}
