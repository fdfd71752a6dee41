import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../../test/directory.ts';
import { finished, machineWith, openCloud } from '../../../../test/machines.ts';
import { TestServer } from '../../../../test/server.ts';
import { controlGroupRoot } from '../../../host/mounts.ts';
import { groupOfSite } from './control-group.ts';
import { applyRules } from './firewall.ts';
import { openSite } from './site.ts';

const hasNft = spawnSync('nft', ['--version']).status === 0;
const isPossible = process.geteuid?.() === 0 && hasNft && controlGroupRoot() !== undefined;

const access = 'remoteAccess: {authentication: usernamePassword, username: ci, password: secret}';
const blueprint = (rules: string) => `resources:
  sg: {type: Cloud.SecurityGroup, properties: {securityGroupType: new, rules: ${rules}}}
  net: {type: Cloud.Network, properties: {networkType: existing}}
  near: {type: Cloud.Machine, properties: {image: plain, flavor: small, ${access}}}
  far: {type: Cloud.Machine, properties: {image: plain, flavor: small, ${access}}}
  m:
    type: Cloud.Machine
    properties:
      image: plain
      flavor: small
      networks: [{network: "\${resource.net.id}", securityGroups: ["\${resource.sg.id}"]}]`;

/** The two ports that every machine listens on. */
const [ssh, control] = [2222, 2221];

test('machines of processes keep to the rules of their security groups, where the server may see to it', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith('hostname: x'));
  const ask = (body: object) => finished(server, body);
  const made = await ask({ content: blueprint(`[{name: in, protocol: TCP, ports: "${ssh}"}]`) });
  const change = (rules: string) => ask({ deploymentId: made.deploymentId, content: blueprint(rules) });
  const { resources } = (await server.call('GET', `/deployment/api/deployments/${made.deploymentId}`)).body;
  const of = (name: string) => resources.find((one: { name: string }) => one.name === name).properties;
  /** Whether a machine reaches a port of another. */
  const reaches = async (from: string, to: string, port: number) => {
    const script = `timeout 2 bash -c '</dev/tcp/${of(to).address}/${port}' 2>/dev/null && echo yes || echo no`;
    const run = await server.runTasks(
      `Look:\n  type: SSH\n  input: {host: "${of(from).ssh}", username: ci, password: secret, script: ${JSON.stringify(script)}}`,
    );
    return run.stages.S.tasks.Look.output.logs.trim() === 'yes';
  };
  assert.equal(of('sg').enforced, isPossible);
  if (!isPossible) return assert.equal(await reaches('near', 'm', control), true, 'it is told, and not enforced');

  assert.deepEqual([await reaches('near', 'm', ssh), await reaches('near', 'm', control)], [true, false]);
  assert.equal(await reaches('near', 'far', control), true, 'others are not concerned');
  await new Promise((resolve, reject) => connect(control, of('m').address).on('connect', resolve).on('error', reject));

  await change(`[{name: in, protocol: TCP, ports: "${control}", source: ${of('near').address}/32}]`);
  assert.deepEqual(
    [await reaches('near', 'm', control), await reaches('far', 'm', control), await reaches('near', 'm', ssh)],
    [true, false, false],
  );
  const site = join(server.directory, 'site');
  assert.ok(existsSync(groupOfSite(site)!));

  await ask({ deploymentId: made.deploymentId, destroy: true });
  assert.deepEqual([readdirSync(site), existsSync(groupOfSite(site)!)], [[], false]);
  const table = basename(groupOfSite(site)!).replace('-', '_');
  assert.notEqual(spawnSync('nft', ['list', 'table', 'inet', table]).status, 0);
});

test('what a server left that died while it told the firewall is removed by the next', {
  skip: !isPossible,
}, async (t) => {
  const directory = temporaryDirectory(t);
  const group = groupOfSite(directory)!;
  mkdirSync(join(group, 'a-machine-that-is-gone'), { recursive: true });
  await applyRules(openSite(directory));

  assert.equal(existsSync(group), false);
});

test('servers that share a site find out at the same time whether rules can be enforced', {
  skip: !isPossible,
}, async (t) => {
  const directory = temporaryDirectory(t);
  const probe = `import { canEnforce } from ${JSON.stringify(join(import.meta.dirname, 'firewall.ts'))};
    process.exitCode = (await canEnforce({ directory: ${JSON.stringify(directory)} })) ? 0 : 1;`;
  const ends = await Promise.all(
    Array.from({ length: 3 }, () => once(spawn(process.execPath, ['--input-type=module', '-e', probe]), 'exit')),
  );

  assert.deepEqual(
    ends.map(([code]) => code),
    [0, 0, 0],
  );
});
