import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostAddress } from '../../../src/demo/engine.ts';
import { startMetricsReceiver } from '../../../src/demo/receivers.ts';
import { freePort } from '../../../src/demo/server-process.ts';
import { containersOf, docker, removeAll, testEngine, withoutEngine } from '../../../test/containers.ts';
import { temporaryDirectory } from '../../../test/directory.ts';
import { TestServer } from '../../../test/server.ts';

const zones = `
{kind: CLOUD_ZONE, name: data, accountType: container, tags: ["tier:data"], images: {tito: {}}, flavors: {small: {memoryMb: 512}}}
---
{kind: CLOUD_ZONE, name: web, accountType: container, tags: ["tier:web"], images: {tito: {}}, flavors: {small: {memoryMb: 512}}}
`;

/** The example as a repository that the machines can fetch. */
async function published(t: TestContext): Promise<{ repository: string; revision: string }> {
  const directory = temporaryDirectory(t);
  const clone = join(directory, 'tito');
  cpSync(join(import.meta.dirname, '..'), clone, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example', ...args], { cwd: clone, encoding: 'utf8' });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'Tito');
  const host = await hostAddress(docker());
  const port = await freePort('0.0.0.0');
  const daemon = spawn('git', ['daemon', '--export-all', `--base-path=${directory}`, `--port=${port}`, '--reuseaddr'], {
    stdio: 'ignore',
    detached: true,
  });
  t.after(() => process.kill(-daemon.pid!, 'SIGKILL'));
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 20));
  return { repository: `git://${host}:${port}/tito`, revision: git('rev-parse', 'HEAD').trim() };
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });

test("Tito stands on MariaDB, Apache with PHP and HAProxy; its users' journeys lead somewhere, its metrics arrive", {
  skip: withoutEngine,
}, async (t) => {
  const { repository, revision } = await published(t);
  const sources = new Set<string>();
  const metrics = await startMetricsReceiver('0.0.0.0', (points) => {
    for (const { name, source, tags } of points)
      if (tags.deployment === 'tito' && tags.version === revision) sources.add(`${name} ${source}`);
  });
  t.after(metrics.close);
  const proxy = `${await hostAddress(docker())}:${new URL(metrics.url).port}`;
  const server = await TestServer.start(t, { engine: testEngine, bootWithin: 60_000 });
  const directory = join(server.directory, 'containers');
  t.after(() => removeAll(directory));
  await server.import(
    `${zones}---\nproject: Tito\nkind: BLUEPRINT\n${readFileSync(join(import.meta.dirname, 'blueprint.yaml'), 'utf8')}`,
  );
  const begun = Date.now();
  const inputs = `{repository: "${repository}", revision: "${revision}", databasePassword: secret-of-tito, metrics: "${proxy}"}`;
  const made = await server.runTasks(
    `Deploy: {type: Blueprint, input: {action: CreateDeployment, deploymentName: tito, blueprint: Tito, parameters: ${inputs}}}`,
  );
  assert.equal(made.status, 'COMPLETED', made.statusMessage);
  const { url } = made.stages.S.tasks.Deploy.output.deploymentDetails.outputs;
  while ((await fetch(`${url}/health`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
  t.diagnostic(
    `a database, two web machines and a load balancer serve after ${((Date.now() - begun) / 1000).toFixed(1)} s`,
  );
  const journeys = spawnSync(process.execPath, [join(import.meta.dirname, '../tests/ui.mjs'), url], {
    encoding: 'utf8',
  });

  assert.equal(journeys.status, 0, journeys.stdout + journeys.stderr);
  assert.deepEqual(await (await fetch(`${url}/version`)).json(), {
    version: 'v1',
    accent: '#1f6feb',
    workers: 8,
    travelTimes: 'data set',
  });
  assert.equal((await fetch(`${url}/?weekday=Someday`)).status, 502);
  const measured = ['apache.connections', 'apache.idle_workers', 'apache.requests', 'load.shortterm'];
  const wanted = measured.flatMap((name) => [`tito.web.${name} tito-web-0`, `tito.web.${name} tito-web-1`]);
  while (!wanted.every((one) => sources.has(one))) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await containersOf(directory)).length, 4);
  await server.runTasks('Remove: {type: Blueprint, input: {action: DeleteDeployment, deploymentName: tito}}');
  assert.deepEqual(await containersOf(directory), []);
});
