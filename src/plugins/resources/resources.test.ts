import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../../../test/eventually.ts';
import { TestServer } from '../../../test/server.ts';
import type { JsonObject } from '../../core/json.ts';

const zone =
  '{kind: CLOUD_ZONE, name: here, accountType: local, images: {plain: {}}, flavors: {small: {memoryMb: 128}}}';

/** Asks for a deployment, or a change of one, and waits for its end. */
async function deploy(server: TestServer, content: string, more: object = {}) {
  const { body, text } = await server.call('POST', '/blueprint/api/blueprint-requests', {
    ...{ deploymentName: 'site', projectName: 'Tito', content },
    ...more,
  });
  const request = await eventually(async () => {
    const asked = await server.call('GET', `/blueprint/api/blueprint-requests/${body.id}`);
    assert.notEqual(asked.body.status, 'STARTED', text);
    return asked.body;
  });
  const deployment = await server.call('GET', `/deployment/api/deployments/${body.deploymentId}`);
  const of = (name: string) => deployment.body.resources.find((one: { name: string }) => one.name === name);
  return { request, deployment: deployment.body, text: deployment.text, of };
}

const logic = `
exports.handler = async (context, inputs) => {
  const fs = require('node:fs');
  fs.appendFileSync(inputs.ledger, inputs.what + ' ' + (inputs.label || '') + '\\n');
  if (inputs.label === 'bad') throw new Error('the ledger is closed');
  return { number: 42, seen: inputs.label, ledger: inputs.ledger };
};`;

async function openLedger(t: Parameters<typeof TestServer.start>[0]) {
  const server = await TestServer.start(t, { cloud: true });
  await server.import(zone);
  const ids: Record<string, string> = {};
  for (const what of ['create', 'update', 'delete', 'note']) {
    const action = { name: what, runtime: 'nodejs', source: logic, projectId: '', inputs: { what } };
    ids[what] = (await server.call('POST', '/abx/api/resources/actions', { ...action, projectName: 'Tito' })).body.id;
  }
  const { create, update, delete: remove } = ids;
  const made = await server.call('POST', '/form-service/api/custom/resource-types', {
    displayName: 'Ledger entry',
    resourceType: 'Custom.Entry',
    mainActions: { create: { id: create }, update: { id: update }, delete: { id: remove } },
  });
  assert.equal(made.status, 200, made.text);
  const ledger = `${server.directory}/ledger`;
  const lines = () => execFileSync('cat', [ledger], { encoding: 'utf8' }).trim().split('\n');
  const entry = (label: string) =>
    `resources:\n  e:\n    type: Custom.Entry\n    properties: {ledger: "${ledger}", label: ${label}}\noutputs: {n: {value: "\${resource.e.number}"}}`;
  return { server, ids, entry, lines };
}

test('a custom type is made, changed and removed by functions, each called once', async (t) => {
  const { server, entry, lines } = await openLedger(t);
  const first = await deploy(server, entry('one'));

  assert.equal(first.request.status, 'FINISHED', first.request.failureMessage);
  assert.deepEqual([first.of('e').properties.number, first.deployment.outputs], [42, { n: 42 }]);
  const again = await deploy(server, entry('one'), { deploymentId: first.deployment.id });
  assert.equal(again.request.status, 'FINISHED');
  const second = await deploy(server, entry('two'), { deploymentId: first.deployment.id });
  assert.equal(second.of('e').properties.seen, 'two');
  await deploy(server, entry('two'), { deploymentId: first.deployment.id, destroy: true }).catch(() => undefined);
  await eventually(async () => assert.deepEqual(lines(), ['create one', 'update two', 'delete two']));
});

test('a function that fails fails the deployment in its words, and so does a type that nobody made', async (t) => {
  const { server, entry } = await openLedger(t);

  assert.match(
    (await deploy(server, entry('bad'))).request.failureMessage,
    /e: function create failed: .*the ledger is closed/,
  );
  const unknown = entry('one').replace('Custom.Entry', 'Custom.Other');
  assert.match(
    (await deploy(server, unknown, { deploymentName: 'other' })).request.failureMessage,
    /nobody has said what makes Custom.Other/,
  );
});

test('an action on a resource that is a function is offered and called with what is known of it', async (t) => {
  const { server, ids, entry, lines } = await openLedger(t);
  const action = await server.call('POST', '/form-service/api/custom/resource-actions', {
    ...{ name: 'takeNote', displayName: 'Take note', resourceType: 'Custom.Entry' },
    runnableItem: {
      id: ids.note,
      type: 'abx.action',
      inputParameters: [
        { name: 'label', type: 'string' },
        { name: 'ledger', type: 'string' },
      ],
    },
  });
  assert.equal(action.body.id, 'Custom.Entry.custom.takenote');
  const { of } = await deploy(server, entry('one'));
  const path = `/deployment/api/resources/${of('e').id}`;
  const offered = (await server.call('GET', `${path}/actions/Custom.Entry.custom.takenote`)).body;
  assert.deepEqual([offered.displayName, Object.keys(offered.schema.properties)], ['Take note', ['label', 'ledger']]);

  const inputs = { label: 'noted', ledger: of('e').properties.ledger };
  await server.call('POST', `${path}/requests`, { actionId: 'Custom.Entry.custom.takenote', inputs });
  await eventually(async () => assert.deepEqual(lines(), ['create one', 'note noted']));
});

test('a secret reaches the function of a custom type, and is kept and shown nowhere', async (t) => {
  const { server, entry, lines } = await openLedger(t);
  await server.import('{project: Tito, kind: VARIABLE, name: key, type: SECRET, value: hush-hush}');
  const { of, text } = await deploy(server, entry('"${secret.key}"').replace('label: "', 'label: "x-'));
  const runs = await server.call('GET', '/abx/api/resources/action-runs');

  assert.deepEqual(lines(), ['create x-hush-hush']);
  assert.equal(of('e').properties.number, 42);
  assert.equal(runs.body.content.length, 1);
  assert.ok(!(text + runs.text).replaceAll('"seen":"x-hush-hush"', '').includes('hush-hush'));
});

test('a function stands as a resource of its own', async (t) => {
  const { server, ids } = await openLedger(t);
  const content = `resources:\n  f: {type: abx.action, properties: {actionId: ${ids.note}, inputs: {label: x, ledger: "${server.directory}/ledger"}}}`;

  assert.deepEqual((await deploy(server, content)).of('f').properties.outputs.seen, 'x');
});

test('a request that is called off stops the function that it waits for', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await server.import(
    `${zone}\n---\nproject: Tito\nkind: ACTION\nname: slow\nruntime: nodejs\nentrypoint: handler\nsource: |\n  exports.handler = () => new Promise((resolve) => setTimeout(resolve, 60000));`,
  );
  const content = 'resources: {f: {type: abx.action, properties: {actionId: slow}}}';
  const asked = { projectName: 'Tito', deploymentName: 'f', content };
  const { id } = (await server.call('POST', '/blueprint/api/blueprint-requests', asked)).body;
  const runs = async () => (await server.call('GET', '/abx/api/resources/action-runs')).body.content;
  await eventually(async () => assert.equal((await runs())[0].runState, 'RUNNING'));

  await server.call('POST', `/blueprint/api/blueprint-requests/${id}/actions/cancel`);
  const request = await eventually(async () => {
    const { body } = await server.call('GET', `/blueprint/api/blueprint-requests/${id}`);
    assert.equal(body.status, 'CANCELLED');
    return body;
  });
  assert.match(request.failureMessage, /^Cancelled by admin\. f: function slow failed: Cancelled\.$/);
  assert.equal((await runs())[0].runState, 'CANCELLED');
});

test('types that no cloud here can make are planned, and refused with a reason when they are to be deployed', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await server.import(
    `${zone}\n---\n${zone.replace('name: here, accountType: local', 'name: far, account: far, accountType: aws, tags: [far]')}`,
  );
  const ask = async (resource: object, more: object = {}) => {
    const content = JSON.stringify({ resources: { b: resource } });
    const asked = { projectName: 'Tito', deploymentName: 'b', content, ...more };
    return (await server.call('POST', '/blueprint/api/blueprint-requests', asked)).body;
  };
  const bucket = { type: 'Cloud.Service.AWS.S3.Bucket', properties: {} };
  const planned = await ask(bucket, { plan: true });
  assert.equal(planned.status, 'FINISHED');
  const { tasks } = (await server.call('GET', `/blueprint/api/blueprint-requests/${planned.id}/plan`)).body;
  assert.match(tasks[0].because, /It would be refused: Resource b .* which no cloud of this server can make/);

  assert.match(
    (await ask(bucket)).failureMessage,
    /Resource b .* has the type Cloud.Service.AWS.S3.Bucket, which no cloud of this server can make/,
  );
  const machine = {
    type: 'Cloud.Machine',
    properties: { image: 'plain', flavor: 'small', constraints: [{ tag: 'far' }] },
  };
  assert.match(
    (await ask(machine)).failureMessage,
    /which this server cannot make on accounts of the type aws \(zone far\)/,
  );
  assert.equal((await server.call('GET', '/deployment/api/deployments')).body.totalElements, 0);
});

const program = ['terraform', 'tofu'].find((name) => {
  try {
    execFileSync(name, ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});
const configuration = (extra = '') => `
variable "label" { type = string }
resource "terraform_data" "thing" { input = var.label }
output "label" { value = terraform_data.thing.output }
output "secret" {
  value     = "hush-\${var.label}"
  sensitive = true
}
${extra}`;
const withTerraform = (label: string, extra = ''): string =>
  JSON.stringify({
    resources: {
      t: {
        type: 'Cloud.Terraform.Configuration',
        properties: {
          configurationSource: { files: { 'main.tf': configuration(extra).replaceAll('${', '\\${') } },
          variables: { label },
        },
      },
    },
    outputs: { label: { value: '${resource.t.outputs.label}' } },
  } satisfies JsonObject);

test('a Terraform configuration is applied, changed and destroyed, and its state and secrets are sealed', {
  skip: program ? false : 'needs terraform or tofu',
}, async (t) => {
  const server = await TestServer.start(t, { cloud: true, terraform: program });
  await server.import(zone);
  const first = await deploy(server, withTerraform('one'));

  assert.equal(first.request.status, 'FINISHED', first.request.failureMessage);
  assert.deepEqual(first.deployment.outputs, { label: 'one' });
  assert.ok(!first.text.includes('hush-one'), 'neither the secret output nor the state is shown');
  const second = await deploy(server, withTerraform('two'), { deploymentId: first.deployment.id });
  assert.deepEqual(second.deployment.outputs, { label: 'two' });

  const broken = await deploy(server, withTerraform('three', 'resource "nothing" "x" {}'), {
    deploymentId: first.deployment.id,
  });
  assert.match(broken.request.failureMessage, /t: terraform apply ended with 1\. Last lines: /);
  const mended = await deploy(server, withTerraform('four'), { deploymentId: first.deployment.id });
  assert.equal(mended.request.status, 'FINISHED', mended.request.failureMessage);
  const gone = await server.call('DELETE', `/deployment/api/deployments/${first.deployment.id}`);
  await eventually(async () =>
    assert.equal((await server.call('GET', `/deployment/api/requests/${gone.body.id}`)).body.status, 'SUCCESSFUL'),
  );
});

const hasAnsible = isInstalled('ansible-playbook') && isInstalled('sshpass');
function isInstalled(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const login = 'remoteAccess: {authentication: usernamePassword, username: ci, password: secret}';
const control = `resources:
  control:
    type: Cloud.Machine
    properties:
      image: plain
      flavor: small
      ${login}
      cloudConfig: |
        #cloud-config
        write_files:
          - path: /opt/play.yml
            content: |
              - hosts: web
                gather_facts: false
                tasks:
                  - shell: echo "{{ greeting }} from {{ inventory_hostname }}" >> "$MACHINE_ROOT/greetings"
          - path: /opt/bye.yml
            content: |
              - hosts: all
                gather_facts: false
                tasks:
                  - fail: {msg: it may not go}
                    when: stay | default(false)
`;
const configured = (root: string, greeting: string, more = '') => `resources:
  vm: {type: Cloud.Machine, properties: {image: plain, flavor: small, ${login}}}
  play:
    type: Cloud.Ansible
    properties:
      host: "\${resource.vm.*}"
      account: Control
      osType: linux
      username: ci
      password: secret
      groups: [web]
      hostName: target
      maxConnectionRetries: 1
      hostVariables: |
        greeting: ${greeting}
        ${more}
      playbooks: {provision: ["${root}/opt/play.yml"], de-provision: ["${root}/opt/bye.yml"]}
`;

test('Ansible runs its playbooks against a machine, again when they or their variables change, and before it goes', {
  skip: hasAnsible ? false : 'needs ansible-core and sshpass',
}, async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await server.import(zone);
  const { of: at } = await deploy(server, control, { deploymentName: 'control' });
  const [hostname, port] = at('control').properties.ssh.split(':');
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: Control, type: ansible, properties: {hostname: ${hostname}, port: "${port}", username: ci, password: secret}}`,
  );
  const machines = () => readdirSync(`${server.directory}/site`).map((name) => `${server.directory}/site/${name}`);
  const rootOf = (instance: string) =>
    `${machines().find((path) => JSON.parse(readFileSync(`${path}/card.json`, 'utf8')).instance === instance)}/root`;
  const root = rootOf('control');

  const first = await deploy(server, configured(root, 'hello'));
  assert.equal(first.request.status, 'FINISHED', first.request.failureMessage);
  const greetings = () => readFileSync(`${rootOf('vm')}/greetings`, 'utf8');
  assert.equal(greetings(), 'hello from target\n');
  assert.ok(!first.text.includes('inventory.json'));

  const id = first.deployment.id;
  assert.equal((await deploy(server, configured(root, 'hello'), { deploymentId: id })).request.status, 'FINISHED');
  assert.equal(greetings(), 'hello from target\n', 'what has not changed is not run again');
  const kept = await deploy(server, configured(root, 'again', 'stay: true'), { deploymentId: id });
  assert.equal(kept.request.status, 'FINISHED', kept.request.failureMessage);
  assert.equal(greetings(), 'hello from target\nagain from target\n');

  const refused = await server.call('POST', '/blueprint/api/blueprint-requests', { deploymentId: id, destroy: true });
  await eventually(async () => {
    const { body } = await server.call('GET', `/blueprint/api/blueprint-requests/${refused.body.id}`);
    assert.match(body.failureMessage, /play: it ended with 2 on .*it may not go/);
  });
});

/** Asks for a deployment, waits until `isUnderWay`, calls it off and answers what came of it. */
async function callOff(server: TestServer, content: string, isUnderWay: () => void) {
  const asked = { deploymentName: 'site', projectName: 'Tito', content };
  const { body } = await server.call('POST', '/blueprint/api/blueprint-requests', asked);
  await eventually(isUnderWay);
  await server.call('POST', `/blueprint/api/blueprint-requests/${body.id}/actions/cancel`);
  return eventually(async () => {
    const { status } = (await server.call('GET', `/blueprint/api/blueprint-requests/${body.id}`)).body;
    assert.notEqual(status, 'STARTED');
    return { status, deploymentId: body.deploymentId as string };
  });
}

/** Whether a process with these words in its command line runs. */
const runs = (words: string): boolean =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(words);
      } catch {
        return false;
      }
    });

test('a request that is called off stops Terraform where it is, and the next one goes on from its state', {
  skip: program ? false : 'needs terraform or tofu',
}, async (t) => {
  const server = await TestServer.start(t, { cloud: true, terraform: program });
  await server.import(zone);
  const word = `terraform-${process.pid}`;
  const slow = `resource "terraform_data" "slow" {
    provisioner "local-exec" {
      command     = "exec -a ${word} sleep 300"
      interpreter = ["bash", "-c"]
    }
  }`;
  const { status, deploymentId } = await callOff(server, withTerraform('one', slow), () => assert.ok(runs(word)));

  assert.equal(status, 'CANCELLED');
  await eventually(() => assert.ok(!runs(word), 'what Terraform started is stopped with it'));
  const mended = await deploy(server, withTerraform('two'), { deploymentId });
  assert.equal(mended.request.status, 'FINISHED', mended.request.failureMessage);
  assert.deepEqual(mended.deployment.outputs, { label: 'two' });
});

test('a request that is called off stops the script that it runs over SSH, there', {
  skip: hasAnsible ? false : 'needs ansible-core and sshpass',
}, async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await server.import(zone);
  const word = `ansible-${process.pid}`;
  const slow = control
    .replace('gather_facts: false', 'connection: local\n                gather_facts: false')
    .replace(/shell: .*/, `shell: bash -c "exec -a ${word} sleep 300"`);
  const { of: at } = await deploy(server, slow, { deploymentName: 'control' });
  const [hostname, port] = at('control').properties.ssh.split(':');
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: Control, type: ansible, properties: {hostname: ${hostname}, port: "${port}", username: ci, password: secret}}`,
  );
  const [machine] = readdirSync(`${server.directory}/site`);
  const content = configured(`${server.directory}/site/${machine}/root`, 'hello');
  const { status } = await callOff(server, content, () => assert.ok(runs(word)));

  assert.equal(status, 'CANCELLED');
  await eventually(() => assert.ok(!runs(word), 'the playbook is stopped'));
});

test('without leave no Terraform is run, and it is said who gives it', async (t) => {
  const server = await TestServer.start(t, { cloud: true });
  await server.import(zone);

  assert.match(
    (await deploy(server, withTerraform('one'))).request.failureMessage,
    /Whoever may decide that sets MILLRACE_TERRAFORM/,
  );
});
