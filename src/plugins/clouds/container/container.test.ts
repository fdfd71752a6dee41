import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { containersOf, docker, imagesOf, removeAll, testEngine, withoutEngine } from '../../../../test/containers.ts';
import { eventually } from '../../../../test/eventually.ts';
import { create, finished, remove, requested, update } from '../../../../test/machines.ts';
import { type Answer, pipelineAround, TestServer } from '../../../../test/server.ts';
import { startEngine } from '../../../demo/engine.ts';

const skip = withoutEngine;

/** Apache on web machines that say who they are, behind HAProxy. */
const site = `name: Site
inputs: {count: {type: integer, default: 2}}
resources:
  web:
    type: Cloud.Machine
    properties:
      image: machine
      flavor: small
      count: \${input.count}
      remoteAccess: {authentication: usernamePassword, username: ci, password: secret}
      cloudConfig: |
        #cloud-config
        write_files:
          - path: /var/www/html/slow.php
            content: <?php echo 'begun '; flush(); sleep(2); echo gethostname();
        runcmd:
          - hostname > /var/www/html/index.html
          - systemctl enable --now apache2
  balancer:
    type: Cloud.LoadBalancer
    properties:
      instances: \${resource.web[*].id}
      routes: [{port: 8080, instancePort: 80, healthCheckConfiguration: {urlPath: /, intervalSeconds: 0.2}}]
outputs: {url: {value: "http://\${resource.balancer.address}:8080"}}`;

async function openContainers(
  t: TestContext,
  blueprint: string,
  options: { socket?: string; image?: string; bootWithin?: number } = {},
) {
  const server = await TestServer.start(t, {
    engine: options.socket ?? testEngine,
    bootWithin: options.bootWithin ?? 40_000,
  });
  t.after(() => removeAll(join(server.directory, 'containers')));
  const image = options.image ?? 'localhost/millrace-machine';
  await server.import(
    `{kind: CLOUD_ZONE, name: here, accountType: container, images: {machine: {container: "${image}"}}, flavors: {small: {memoryMb: 512}}}\n---\n${blueprint}`,
  );
  return server;
}

const machine = (...cloudConfig: string[]) =>
  [
    'name: Site',
    'resources:',
    '  m:',
    '    type: Cloud.Machine',
    '    properties: {image: machine, flavor: small, cloudConfig: "' +
      ['#cloud-config', ...cloudConfig].join('\\n') +
      '"}',
  ].join('\n');

const detailsOf = (execution: Answer['body'], task = 'Create') => {
  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  return execution.stages.S.tasks[task].output.deploymentDetails;
};
const text = (url: string) =>
  fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(15_000) }).then((answer) => answer.text());

test('machines boot systemd, cloud-init and sshd behind HAProxy; scaled out and in, no request fails', {
  skip,
}, async (t) => {
  const server = await openContainers(t, site);
  const made = detailsOf(await server.runTasks(create()));
  const { url } = made.outputs;
  const names = async (count: number) =>
    new Set(await Promise.all(Array.from({ length: count }, async () => (await text(url)).trim())));
  assert.deepEqual(await names(20), new Set(['site-web-0', 'site-web-1']));

  const failures: string[] = [];
  let isOver = false;
  t.after(() => (isOver = true));
  const client = (async () => {
    while (!isOver) {
      const answer = await text(url).catch((error: Error) => error.message);
      if (!/^site-web-\d\n$/.test(answer)) failures.push(answer);
    }
  })();
  const more = detailsOf(await server.runTasks(update('{count: 3}')), 'Update');
  assert.equal(more.resources['web[0]'].id, made.resources['web[0]'].id);
  assert.ok((await names(30)).has('site-web-2'));
  const slow = text(`${url}/slow.php`);
  detailsOf(await server.runTasks(update('{count: 1}', ', allowDestroy: true')), 'Update');
  isOver = true;
  await client;
  assert.deepEqual(failures, []);
  assert.match(await slow, /^begun site-web-/);
  assert.deepEqual(await names(10), new Set(['site-web-0']));

  const ssh = `Look:\n  type: SSH\n  input: {host: "${more.resources['web[0]'].ssh}", username: ci, password: secret, script: 'systemctl is-active apache2; sudo id -un'}`;
  const looked = await server.runTasks(ssh);
  assert.equal(looked.stages.S.tasks.Look.output.logs, 'active\nroot\n');

  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  const directory = join(server.directory, 'containers');
  assert.deepEqual([await containersOf(directory), readdirSync(directory)], [[], []]);
});

test('a module of cloud-init that fails is named, with the last lines of the machine', { skip }, async (t) => {
  const server = await openContainers(t, machine('runcmd:', '- echo all is lost', '- [sh, -c, exit 3]'));
  const { status, statusMessage } = await server.runTasks(create());

  assert.equal(status, 'FAILED');
  assert.match(statusMessage, /Machine m \([\d.]+\) did not start: cloud-init failed: .*scripts.user.*all is lost/s);
  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  assert.deepEqual(await containersOf(join(server.directory, 'containers')), []);
});

test('a machine whose sshd refuses is not ready, and says what is missing', { skip }, async (t) => {
  const blueprint = machine('bootcmd:', '- systemctl mask --now ssh.service ssh.socket');
  const server = await openContainers(t, blueprint, { bootWithin: 9000 });
  const { statusMessage } = await server.runTasks(create());

  assert.match(
    statusMessage,
    /Machine m \([\d.]+\) was not ready in time: its SSH server does not answer\. Last lines: /,
  );
});

test('a mirror of packages that is down is said with the lines of the machine, and the run can be repeated', {
  skip,
}, async (t) => {
  const blueprint = machine(
    'write_files:',
    '- {path: /etc/apt/sources.list, content: deb http://127.0.0.1:9/debian bookworm main}',
    'packages: [hello]',
  );
  const server = await openContainers(t, blueprint);
  for (let time = 0; time < 2; time++) {
    const { statusMessage } = await server.runTasks(create());
    assert.match(statusMessage, /Machine m \([\d.]+\) did not start: cloud-init failed: .*package/s);
    assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  }
  assert.deepEqual(await containersOf(join(server.directory, 'containers')), []);
});

test('an engine that goes away while a machine boots and comes back loses nothing', { skip }, async (t) => {
  const own = await startEngine();
  t.after(() => own.stop());
  const server = await openContainers(t, machine('runcmd: [sleep 3]'), { socket: own.address });
  await server.import(pipelineAround(create()));
  const id = await server.begin('P');
  const directory = join(server.directory, 'containers');
  while ((await containersOf(directory)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  own.kill();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await own.serve();
  const { status, statusMessage } = await server.ended(id);

  assert.equal(status, 'COMPLETED', statusMessage);
  assert.equal((await containersOf(directory)).length, 1);
});

test('an image that is not there, or that does not boot, is named', { skip }, async (t) => {
  const missing = await openContainers(t, machine(), { image: 'localhost/nothing-of-this-name' });
  assert.match(
    (await missing.runTasks(create())).statusMessage,
    /Machine m: the engine has no image localhost\/nothing-of-this-name. Make it: npm run machine-image/,
  );
  const [one] = await docker().listImages({ filters: { reference: ['localhost/millrace-machine'] } });
  const made = await docker().createContainer({
    Image: one!.Id,
    Cmd: ['/bin/sh', '-c', 'echo no kernel here; exit 7'],
  });
  const image = 'localhost/millrace-ends';
  await made.commit({ repo: image, tag: 'latest' });
  await made.remove({ force: true });
  t.after(() => docker().getImage(`${image}:latest`).remove({ force: true }));
  const ends = await openContainers(t, machine(), { image });

  assert.match(
    (await ends.runTasks(create())).statusMessage,
    /Machine m \(millrace-\w+\) did not start: its container ended with 7. Last lines: no kernel here/,
  );
});

test('an engine without room says so, and the run can be repeated when there is some', { skip }, async (t) => {
  const room = mkdtempSync(join(tmpdir(), 'millrace-room-'));
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' });
  run('mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', room);
  const storage = ['--root', join(room, 'storage'), '--runroot', join(room, 'run')];
  run('tar', '-cf', join(room, 'image.tar'), '-C', '/bin', 'true');
  run('podman', ...storage, 'import', '--quiet', '--change', 'CMD=/true', join(room, 'image.tar'), 'localhost/small');
  const own = await startEngine(storage);
  t.after(() => {
    own.stop();
    run('umount', '--lazy', room);
    rmdirSync(room);
  });
  const server = await openContainers(t, machine(), { socket: own.address, image: 'localhost/small' });
  assert.throws(() => run('dd', 'if=/dev/zero', `of=${join(room, 'full')}`, 'bs=64k'));
  const failed = await server.runTasks(create());
  assert.match(failed.statusMessage, /Machine m: .*no space left on device/);
  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  rmSync(join(room, 'full'));

  assert.doesNotMatch((await server.runTasks(create())).statusMessage, /no space/);
  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
});

test('an engine that is not there is said in one sentence, and the run can be repeated', async (t) => {
  const server = await openContainers(t, machine(), { socket: 'unix:///nowhere/engine.sock' });
  await server.import(pipelineAround(create()));
  const run = await server.begin('P');
  // It is asked again and again, for a minute and a half.
  const { statusMessage } = await eventually(async () => {
    const { content } = (await server.call('GET', '/deployment/api/deployments')).body;
    const { body } = await server.call('GET', `/deployment/api/deployments/${content[0].id}/requests`);
    await server.hasten(body.content[0].id);
    const execution = (await server.call('GET', `/codestream/api/executions/${run}`)).body;
    assert.equal(execution.status, 'FAILED');
    return execution;
  });

  assert.match(statusMessage, /There is no container engine at \/nowhere\/engine.sock: nothing listens there/);
  assert.ok(
    !existsSync(join(server.directory, 'containers')) || readdirSync(join(server.directory, 'containers')).length === 0,
  );
});

const isolated = `name: Site
resources:
  net: {type: Cloud.Network, properties: {networkType: private}}
  data: {type: Cloud.Volume, properties: {capacityGb: 1}}
  m:
    type: Cloud.Machine
    properties:
      image: machine
      flavor: small
      networks: [{network: "\${resource.net.id}"}]
      attachedDisks: [{source: "\${resource.data.id}"}]
      remoteAccess: {authentication: usernamePassword, username: ci, password: secret}
      cloudConfig: |
        packages: []
        runcmd: [[sh, -c, "ls /mnt > /var/www/html/mounts"]]`;

test('a private network is made for the deployment, a disk is mounted, and a machine is switched off and on', {
  skip,
}, async (t) => {
  const server = await openContainers(t, isolated);
  const { id, resources } = detailsOf(await server.runTasks(create()));
  assert.match(resources.net.name, /^millrace-/);
  const subnet = resources.net.networkCidr.split('.').slice(0, 2).join('.');
  assert.ok(resources.m.address.startsWith(subnet), `${resources.m.address} is in ${resources.net.networkCidr}`);
  let at = resources.m.ssh;
  const look = (script: string) =>
    server
      .runTasks(
        `Look:\n  type: SSH\n  input: {host: "${at}", username: ci, password: secret, script: ${JSON.stringify(script)}}`,
      )
      .then((run: Answer['body']) => run.stages.S.tasks.Look.output.logs);
  assert.equal(await look('cat /var/www/html/mounts; ip route | grep -c default; exit 0'), 'data\n0\n');
  const megabytes = Number.parseInt(await look('df --output=size --block-size=M /mnt/data | tail -1'), 10);
  assert.ok(megabytes > 900 && megabytes < 1024, `${megabytes} MB`);
  await look('sudo sh -c "echo precious > /mnt/data/kept"');

  const act = async (actionId: string) => {
    const { body } = await server.call('POST', `/deployment/api/deployments/${id}/requests`, { actionId });
    return eventually(async () => {
      const request = (await server.call('GET', `/deployment/api/requests/${body.id}`)).body;
      assert.notEqual(request.status, 'INPROGRESS');
      return request;
    });
  };
  assert.equal((await act('Deployment.PowerOff')).status, 'SUCCESSFUL');
  const on = await act('Deployment.PowerOn');
  assert.equal(on.status, 'SUCCESSFUL', on.details);
  const { body } = await server.call('GET', `/deployment/api/deployments/${id}`);
  at = body.resources.find(({ name }: { name: string }) => name === 'm').properties.ssh;
  assert.equal(await look('sudo cat /mnt/data/kept'), 'precious\n');
  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  const networks = (await docker().listNetworks()).map(({ Name }) => Name);
  assert.ok(!networks.includes(resources.net.name));
});

test('a container is resized, gets another disk, is kept as a snapshot and put back, and leaves nothing behind', {
  skip,
}, async (t) => {
  const text = (disks: string) => `resources:
  first: {type: Cloud.Volume, properties: {capacityGb: 1}}
  second: {type: Cloud.Volume, properties: {capacityGb: 1}}
  m:
    type: Cloud.Machine
    properties:
      image: machine
      flavor: small
      attachedDisks: ${disks}
      remoteAccess: {authentication: usernamePassword, username: ci, password: secret}`;
  const server = await openContainers(t, machine());
  const [first, second] = ['{source: "${resource.first.id}"}', '{source: "${resource.second.id}"}'];
  const zone =
    '{kind: CLOUD_ZONE, name: here, accountType: container, images: {machine: {container: localhost/millrace-machine}}, flavors: {small: {memoryMb: 512}, large: {memoryMb: 640}}}';
  await server.import(zone);
  const ask = (body: object) => finished(server, body);
  const { deploymentId } = await ask({ content: text(`[${first}]`) });
  const path = `/deployment/api/deployments/${deploymentId}`;
  const found = async () =>
    (await server.call('GET', path)).body.resources.find(({ name }: { name: string }) => name === 'm');
  const act = async (actionId: string, inputs: object = {}) => {
    const { body } = await server.call('POST', `${path}/resources/${(await found()).id}/requests`, {
      actionId,
      inputs,
    });
    return eventually(async () => {
      const request = (await server.call('GET', `/deployment/api/requests/${body.id}`)).body;
      assert.equal(request.status, 'SUCCESSFUL', JSON.stringify(body));
    });
  };
  const look = async (script: string) => {
    const at = (await found()).properties.ssh;
    const run = await server.runTasks(
      `Look:\n  type: SSH\n  input: {host: "${at}", username: ci, password: secret, script: ${JSON.stringify(script)}}`,
    );
    return run.stages.S.tasks.Look.output.logs;
  };
  const seen = 'ls /mnt; cat note 2>/dev/null || echo none';
  await look('echo one > note');

  await act('Snapshot.Create', { name: 'before' });
  await look('echo two > note');
  await act('Resize', { flavor: 'large' });
  assert.equal(await look(seen), 'first\ntwo\n', 'what it has written is still there');
  const [container] = await containersOf(join(server.directory, 'containers'));
  const { HostConfig } = await docker().getContainer(container!.Id).inspect();
  assert.equal(HostConfig.Memory, 640 * 2 ** 20);

  await act('Snapshot.Revert', { id: 'before' });
  assert.equal(await look(seen), 'first\none\n');
  await ask({ deploymentId, content: text(`[${first}, ${second}]`) });
  assert.equal(await look(seen), 'first\nsecond\none\n');
  await act('Snapshot.Delete', { id: 'before' });
  assert.deepEqual((await found()).properties.snapshots, []);

  await ask({ deploymentId, destroy: true });
  assert.deepEqual(await containersOf(join(server.directory, 'containers')), []);
  assert.deepEqual(await imagesOf(join(server.directory, 'containers')), []);
});

test('machines keep to the rules of their security group, also after a reboot, and hear of new ones', {
  skip,
}, async (t) => {
  const content = (port: number) => `resources:
  sg:
    type: Cloud.SecurityGroup
    properties:
      securityGroupType: new
      rules: [{name: web, direction: inbound, protocol: TCP, ports: "${port}", access: Allow}]
  net: {type: Cloud.Network, properties: {networkType: existing}}
  near:
    type: Cloud.Machine
    properties:
      image: machine
      flavor: small
      remoteAccess: {authentication: usernamePassword, username: ci, password: secret}
  m:
    type: Cloud.Machine
    properties:
      image: machine
      flavor: small
      networks: [{network: "\${resource.net.id}", securityGroups: ["\${resource.sg.id}"]}]
      cloudConfig: {runcmd: [[systemctl, enable, --now, apache2]]}`;
  const server = await openContainers(t, machine());
  const ask = (body: object) => requested(server, body);
  const made = await ask({ content: content(80) });
  assert.equal(made.status, 'FINISHED', made.failureMessage);
  const path = `/deployment/api/deployments/${made.deploymentId}`;
  const found = async (name: string) =>
    (await server.call('GET', path)).body.resources.find((one: { name: string }) => one.name === name);
  assert.equal((await found('sg')).properties.enforced, true);
  /** Whether a machine beside it reaches a port. */
  const reaches = async (port: number) => {
    const { address } = (await found('m')).properties;
    const { ssh } = (await found('near')).properties;
    const script = `timeout 2 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null && echo yes || echo no`;
    const run = await server.runTasks(
      `Look:\n  type: SSH\n  input: {host: "${ssh}", username: ci, password: secret, script: ${JSON.stringify(script)}}`,
    );
    return run.stages.S.tasks.Look.output.logs.trim();
  };
  assert.deepEqual([await reaches(80), await reaches(22)], ['yes', 'no']);

  const asked = await server.call('POST', `${path}/resources/${(await found('m')).id}/requests`, {
    actionId: 'Reboot',
  });
  await eventually(async () => {
    const request = (await server.call('GET', `/deployment/api/requests/${asked.body.id}`)).body;
    assert.equal(request.status, 'SUCCESSFUL', request.details);
  });
  assert.deepEqual([await reaches(80), await reaches(22)], ['yes', 'no']);
  const changed = await ask({ deploymentId: made.deploymentId, content: content(22) });
  assert.equal(changed.status, 'FINISHED', changed.failureMessage);
  assert.deepEqual([await reaches(80), await reaches(22)], ['no', 'yes']);

  const odd = content(22).replace('ports: "22"', 'ports: "22; accept"');
  const refused = await ask({ deploymentId: made.deploymentId, content: odd });
  assert.match(refused.failureMessage, /rule web: its ports 22; accept cannot be read/);
  assert.equal((await ask({ deploymentId: made.deploymentId, destroy: true })).status, 'FINISHED');
  assert.deepEqual(await containersOf(join(server.directory, 'containers')), []);
});
