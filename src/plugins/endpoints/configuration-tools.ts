import { z } from 'zod';
import { secret, text } from '../../sdk/fields.ts';
import { defineEndpoint } from '../../sdk/parts.ts';

const machine = {
  hostname: text('Name or address.'),
  port: text('Port of its SSH server.').default('22'),
  username: text('User there.').default(''),
  password: secret('Password there.'),
  privateKey: secret('Private key, PEM.'),
  passphrase: secret('Passphrase of the key.'),
};

export const ansibleEndpoint = defineEndpoint({
  type: 'ansible',
  title: 'Ansible control machine',
  summary: 'Where Ansible is installed and playbooks lie: `Cloud.Ansible` runs them there over SSH.',
  properties: z.looseObject({ ...machine, inventoryFile: text('An inventory of it that is read beside.').optional() }),
});

export const puppetEndpoint = defineEndpoint({
  type: 'puppet',
  title: 'Puppet master',
  summary: 'Where agents ask for their configuration: `Cloud.Puppet` names it.',
  properties: z.looseObject({ hostname: text('Name of the master.') }),
});

export const saltEndpoint = defineEndpoint({
  type: 'saltstack',
  title: 'Salt master',
  summary: 'Where states lie and salt-ssh is installed: `Cloud.SaltStack` runs it there over SSH.',
  properties: z.looseObject(machine),
});
