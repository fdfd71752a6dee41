import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, machineWith, openCloud, remove, update } from '../../../../test/machines.ts';
import { type Answer, TestServer } from '../../../../test/server.ts';

/** Web machines that say who they are, behind a balancer. */
const site = `name: Site
inputs: {count: {type: integer, default: 2}}
resources:
  web:
    type: Cloud.Machine
    properties:
      image: plain
      flavor: small
      count: \${input.count}
      cloudConfig: |
        #cloud-config
        write_files:
          - path: /opt/web.mjs
            content: |
              import { createServer } from 'node:http';
              const { MACHINE_ADDRESS, HOSTNAME } = process.env;
              createServer((request, response) => {
                if (request.url !== '/slow') return response.end(HOSTNAME);
                response.write('begun '); setTimeout(() => response.end(HOSTNAME), 1500);
              }).listen(8080, MACHINE_ADDRESS);
          - path: /etc/systemd/system/web.service
            content: |
              [Service]
              ExecStart=/usr/bin/node /opt/web.mjs
        runcmd:
          - systemctl enable --now web
  balancer:
    type: Cloud.LoadBalancer
    properties:
      instances: \${resource.web[*].id}
      routes: [{port: 8080, instancePort: 8080, healthCheckConfiguration: {urlPath: /, intervalSeconds: 0.1}}]
outputs: {url: {value: "http://\${resource.balancer.address}:8080"}}`;

const detailsOf = (execution: Answer['body'], task = 'Create') =>
  execution.stages.S.tasks[task].output.deploymentDetails;
const text = (url: string) => fetch(url, { headers: { connection: 'close' } }).then((answer) => answer.text());

test('a site is made, scaled out, scaled in and removed, and makes only what is missing each time', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site);
  const made = detailsOf(await server.runTasks(create()));
  const { url } = made.outputs;
  const names = async (count: number) => new Set(await Promise.all(Array.from({ length: count }, () => text(url))));
  assert.deepEqual(await names(20), new Set(['site-web-0', 'site-web-1']));

  const more = detailsOf(await server.runTasks(update('{count: 3}')), 'Update');
  assert.equal(more.resources['web[0]'].id, made.resources['web[0]'].id);
  assert.ok((await names(30)).has('site-web-2'));

  const again = detailsOf(await server.runTasks(update('{count: 3}')), 'Update');
  assert.deepEqual(again.resources, more.resources);

  const refused = await server.runTasks(update('{count: 1}'));
  assert.match(refused.statusMessage, /would remove web\[1\], web\[2\]/);
  const slow = text(`${url}/slow`);
  assert.equal((await server.runTasks(update('{count: 1}', ', allowDestroy: true'))).status, 'COMPLETED');
  assert.match(await slow, /^begun site-web-/);
  assert.deepEqual(await names(10), new Set(['site-web-0']));

  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  assert.deepEqual(readdirSync(join(server.directory, 'site')), []);
  await assert.rejects(text(url));
});

test('machines and balancer go on while the server is away, and are found again', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, site);
  const { url } = detailsOf(await server.runTasks(create('{count: 1}'))).outputs;
  await server.stop();
  assert.equal(await text(url), 'site-web-0');

  await server.start();
  assert.equal((await server.runTasks(update('{count: 1}'))).status, 'COMPLETED');
  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  await assert.rejects(text(url));
});

test('a configuration that a machine cannot honour is refused with its line, before anything is made', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith('packages: [apache2]'));
  const execution = await server.runTasks(create());

  assert.match(
    execution.statusMessage,
    /Machine m: line 2 of its cloudConfig: The image has no package apache2; it has git, nodejs/,
  );
  assert.deepEqual(readdirSync(join(server.directory, 'site')), []);
});

test('a machine whose first command fails says which, and what it printed', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith('runcmd:', '  - "true"', '  - ls /opt/nothing-here'));

  assert.match(
    (await server.runTasks(create())).statusMessage,
    /Machine m \(127\.[\d.]+\) did not start: command 2 of runcmd \(ls \/opt\/nothing-here\) ended with \d+: .*nothing-here/,
  );
});

test('a machine that never boots is given up after its time, and the next request makes it anew', async (t) => {
  const server = await TestServer.start(t, { cloud: true, bootWithin: 1500 });
  await openCloud(server, machineWith('runcmd:', '  - sleep 600'));
  const execution = await server.runTasks(create());

  assert.match(execution.statusMessage, /Machine m .* was not ready within 1.5 s/);
  assert.equal((await server.runTasks(remove)).status, 'COMPLETED');
  assert.deepEqual(readdirSync(join(server.directory, 'site')), []);
});

test('an address that is taken is named', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith());
  const first = detailsOf(await server.runTasks(create())).resources.m.address;
  await server.runTasks(remove);
  const taken = createServer().listen(2222, first);
  t.after(() => taken.close());
  const execution = await server.runTasks(create());

  assert.match(
    execution.statusMessage,
    new RegExp(`Machine m \\(${first}\\) did not start: the address ${first}:2222 is taken by another process`),
  );
});

test('requests that cannot be met are refused before anything is touched', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith().replace('image: plain', 'image: windows'));
  const message = async (task: string) => (await server.runTasks(task)).statusMessage;

  assert.match(
    await message(create()),
    /Deployment site is refused: Cloud.Machine m cannot be placed: zone here: it has no mapping for image windows \(has: plain\)/,
  );
  assert.match(await message(remove), /There is no deployment site in project Tito/);
  assert.match(
    await message(create().replace('blueprint: Site', 'blueprint: Nothing')),
    /There is no blueprint Nothing in project Tito/,
  );
});

test('a name is used by one deployment at a time', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, 'name: Site\nresources: {net: {type: Cloud.Network, properties: {networkType: existing}}}');
  assert.equal((await server.runTasks(create())).status, 'COMPLETED');

  assert.match(
    (await server.runTasks(create())).statusMessage,
    /A deployment site exists in project Tito: CREATE_SUCCESSFUL/,
  );
  await server.runTasks(remove);
  assert.equal((await server.runTasks(create())).status, 'COMPLETED');
});

test('a secret input reaches the machine, and is seen nowhere else', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await server.import('{project: Tito, kind: VARIABLE, name: key, type: SECRET, value: hush-hush}');
  await openCloud(
    server,
    `inputs: {key: {type: string, encrypted: true, pattern: "^[a-z-]+$"}}\n${machineWith('runcmd:', '  - echo "${input.key}" > opt-key')}`,
  );
  const execution = await server.runTasks(create('{key: "${var.key}"}'));
  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  const { id } = detailsOf(execution);

  const deployment = await server.call('GET', `/deployment/api/deployments/${id}`);
  const everything = JSON.stringify(execution) + deployment.text;
  assert.ok(!everything.includes('hush-hush'));
  assert.ok(!everything.includes('((secret:v1:'));
  const [machine] = readdirSync(join(server.directory, 'site'));
  assert.ok(existsSync(join(server.directory, 'site', machine!, 'root', 'opt-key')));

  const update = (parameters: string) =>
    server.runTasks(
      `Update: {type: Blueprint, input: {action: UpdateDeployment, deploymentName: site, blueprint: Site, parameters: ${parameters}}}`,
    );
  assert.equal((await update('{}')).status, 'COMPLETED');
  assert.match(
    (await update('{key: "Hush-77"}')).statusMessage,
    /Input key: its value does not match \^\[a-z-\]\+\$\.$/,
  );
});

test('a machine that runs out of memory loses its largest process, also one that left its group, and says so', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await openCloud(server, machineWith('hostname: m'));
  const ssh = (script: string) =>
    `{type: SSH, input: {host: "\${S.Create.output.deploymentDetails.resources.m.ssh}", username: ci, password: secret, script: ${JSON.stringify(script)}}}`;
  const hungry = 'const all = []; setInterval(() => all.push(Buffer.alloc(4e6, 1)), 5)';
  const execution = await server.runTasks(
    [
      create(),
      `Hungry: ${ssh(`setsid sh -c 'node -e "${hungry}"; echo ended with $?'`)}`,
      `Read: ${ssh('cat "$MACHINE_ROOT/var/log/kernel.log"')}`,
      `Modest: ${ssh('node -e 1 && echo fine')}`,
    ].join('\n'),
  );

  assert.equal(execution.status, 'COMPLETED', execution.statusMessage);
  assert.match(await server.log(execution.id, 'S.Hungry'), /^ended with 137$/m);
  assert.match(
    await server.log(execution.id, 'S.Read'),
    /^Out of memory: the machine has 128 MB; node \(process \d+\) was killed\.$/m,
  );
  assert.match(await server.log(execution.id, 'S.Modest'), /^fine$/m);

  await openCloud(server, machineWith('runcmd:', `- node -e "${hungry}"`));
  assert.match(
    (await server.runTasks(create('{}', 'other'))).statusMessage,
    /command 1 of runcmd .* Out of memory: the machine has 128 MB; node \(process \d+\) was killed/,
  );
});
