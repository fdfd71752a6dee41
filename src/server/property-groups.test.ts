import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestServer } from '../../test/server.ts';

const api = '/properties/api/property-groups';
const blueprint = (more = '') => `
inputs:
  naming: {$ref: /ref/property-groups/naming}
outputs:
  domain: {value: "\${propgroup.defaults.domain}"}
  label: {value: "\${input.naming.prefix}-\${propgroup.defaults.site}"}
${more}resources: {}
`;

async function start(t: Parameters<typeof TestServer.start>[0]) {
  const server = await TestServer.start(t);
  const made = async (body: object) => {
    const answer = await server.call('POST', api, body);
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const naming = await made({
    ...{ name: 'naming', type: 'INPUT', displayName: 'Naming' },
    properties: { prefix: { type: 'string', pattern: '[a-z]+' } },
  });
  const { body: projects } = await server.call(
    'GET',
    "/iaas/api/projects?$filter=name eq 'Tito'".replaceAll(' ', '%20'),
  );
  const defaults = await made({
    ...{ name: 'defaults', type: 'CONSTANT', projectId: projects.content[0].id },
    properties: { domain: { type: 'string', const: 'example.org' }, site: { type: 'string', const: 'x' } },
  });
  return { server, naming, defaults, project: projects.content[0].id as string };
}

const deploy = async (server: TestServer, inputs: string) => {
  const run = await server.runTasks(
    `Make: {type: Blueprint, input: {action: CreateDeployment, blueprint: Site, parameters: ${inputs}, deploymentName: "d-\${executionIndex}"}}`,
  );
  return run.stages.S.tasks.Make.output.deploymentDetails?.outputs ?? run.statusMessage;
};

test('blueprints read constants of their project, and inputs that are defined once for all', async (t) => {
  const { server, project, defaults } = await start(t);
  const kept = await server.call('POST', '/blueprint/api/blueprints', {
    ...{ name: 'Site', projectId: project, content: blueprint() },
  });
  assert.deepEqual([kept.body.projectId, kept.body.projectName], [project, 'Tito']);
  assert.deepEqual(await deploy(server, '{naming: {prefix: web}}'), { domain: 'example.org', label: 'web-x' });
  assert.match(await deploy(server, '{naming: {prefix: "7"}}'), /Input naming: `prefix`: "7" does not match \[a-z\]\+/);

  const changed = { ...defaults, properties: { domain: { const: 'other.org' }, site: { const: 'y' } } };
  assert.equal((await server.call('PUT', `${api}/${defaults.id}`, changed)).status, 200);
  assert.deepEqual(await deploy(server, '{naming: {prefix: web}}'), { domain: 'other.org', label: 'web-y' });
  assert.equal((await server.call('DELETE', `${api}/${defaults.id}`)).status, 204);
  assert.match(
    await deploy(server, '{naming: {prefix: web}}'),
    /reads the property group defaults, which project Tito does not have/,
  );
});

test('groups are listed by name and type, come by file as well, and what is secret in them is not shown', async (t) => {
  const { server, naming } = await start(t);
  await server.import(
    'kind: PROPERTY_GROUP\nproject: Tito\nname: keys\ntype: CONSTANT\nproperties: {token: {type: string, encrypted: true, const: s3cret-value}}\n',
  );
  const names = async (query: string) =>
    (await server.call('GET', `${api}?${query}`)).body.content.map(({ name }: { name: string }) => name).sort();
  assert.deepEqual(await names('type=CONSTANT'), ['defaults', 'keys']);
  assert.deepEqual(await names('name=naming'), ['naming']);
  const { body, text } = await server.call('GET', `${api}?name=keys`);
  assert.equal(body.content[0].properties.token.const, '********');
  assert.doesNotMatch(text, /s3cret/);
  assert.equal((await server.call('GET', `${api}/${naming.id}`)).body.displayName, 'Naming');
});

test('what is no group is refused in words', async (t) => {
  const { server } = await start(t);
  const refused = async (body: object) => {
    const answer = await server.call('POST', api, body);
    return `${answer.status} ${answer.body.message}`;
  };
  assert.match(await refused({ name: 'a', type: 'OTHER', properties: {} }), /^400 .*`type` is INPUT or CONSTANT/);
  assert.match(await refused({ name: 'a', type: 'INPUT' }), /^400 .*`properties` is a map/);
  assert.match(
    await refused({ name: 'a', type: 'CONSTANT', properties: { x: {} } }),
    /^400 .*`properties.x` has no value/,
  );
  assert.match(await refused({ name: '7 up', type: 'INPUT', properties: {} }), /^400 `name` is "7 up"/);
  assert.match(
    await refused({ name: 'a', type: 'INPUT', properties: {}, projectId: 'none' }),
    /^404 There is no project none/,
  );
  assert.match(await refused({ name: 'naming', type: 'INPUT', properties: {} }), /^409 /);
});
