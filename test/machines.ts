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
