import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';
import type { Answer, TestServer } from './server.ts';

/** Zones of the local cloud, and a blueprint `Site` whose text is given; its pipeline tasks are `create`, `update` and `remove`. */
export async function openCloud(server: { import(yaml: string): Promise<unknown> }, blueprint: string): Promise<void> {
  await server.import(
    [
      '{kind: CLOUD_ZONE, name: here, accountType: local, tags: [tier:web], images: {plain: {packages: [git, nodejs]}}, flavors: {small: {memoryMb: 128}}}',
      blueprint,
    ].join('\n---\n'),
  );
}

export const create = (inputs = '{}', name = 'site'): string =>
  `Create: {type: Blueprint, input: {action: CreateDeployment, deploymentName: ${name}, blueprint: Site, parameters: ${inputs}}}`;
export const update = (inputs: string, more = ''): string =>
  `Update: {type: Blueprint, input: {action: UpdateDeployment, deploymentName: site, blueprint: Site, parameters: ${inputs}${more}}}`;
export const remove = 'Remove: {type: Blueprint, input: {action: DeleteDeployment, deploymentName: site}}';

/** One machine with the lines of a cloud configuration. */
export const machineWith = (...cloudConfig: string[]): string =>
  [
    'name: Site',
    'resources:',
    '  m:',
    '    type: Cloud.Machine',
    '    properties:',
    '      image: plain',
    '      flavor: small',
    '      remoteAccess: {authentication: usernamePassword, username: ci, password: secret}',
    '      cloudConfig: |',
    '        #cloud-config',
    ...cloudConfig.map((line) => `        ${line}`),
  ].join('\n');

/** What became of a request for the deployment `site`. */
export async function requested(server: TestServer, body: object): Promise<Answer['body']> {
  const asked = await server.call('POST', '/blueprint/api/blueprint-requests', {
    ...{ projectName: 'Tito', deploymentName: 'site' },
    ...body,
  });
  return eventually(async () => {
    const { body: found } = await server.call('GET', `/blueprint/api/blueprint-requests/${asked.body.id}`);
    assert.notEqual(found.status, 'STARTED', asked.text);
    return found;
  }, 90);
}

/** As `requested`, where it is to succeed. */
export async function finished(server: TestServer, body: object): Promise<Answer['body']> {
  const request = await requested(server, body);
  assert.equal(request.status, 'FINISHED', request.failureMessage);
  return request;
}
