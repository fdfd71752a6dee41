import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../../../lang/yaml.ts';
import { userDataFor } from './user-data.ts';

const ci = { name: 'ci', password: 'secret', keys: ['ssh-ed25519 AAAA'] };
const configIn = (text: string) => parseYaml(text).documents[0]!.value as Record<string, never>;

test('a configuration goes to cloud-init byte for byte, with the logins of remoteAccess beside it', () => {
  const text = '#cloud-config\n# a comment\npackages: [jq]   \napt: {proxy: x}\n';
  const { userData, vendorData, diagnostics } = userDataFor(text, [ci]);
  const beside = configIn(vendorData) as unknown as { users: unknown[]; ssh_pwauth: boolean };

  assert.deepEqual(diagnostics, []);
  assert.equal(userData, text);
  assert.deepEqual([beside.ssh_pwauth, beside.users[0], beside.users.length], [true, 'default', 2]);
  assert.equal(userDataFor('packages: [jq]\n', []).userData, '#cloud-config\npackages: [jq]\n');
});

test('where both name users, all of them are made', () => {
  const config = configIn(userDataFor('#cloud-config\npackages: [jq]\nusers:\n- name: eve\n', [ci]).userData);

  assert.deepEqual([config.packages, config.ssh_pwauth], [['jq'], true]);
  assert.deepEqual(
    (config.users as unknown as { name: string }[]).map(({ name }) => name),
    ['eve', 'ci'],
  );
});

test('a script runs once, and what is neither is refused with its place', () => {
  const config = configIn(userDataFor('#!/bin/sh\necho hello\n', []).userData);
  assert.match(JSON.stringify(config.write_files), /echo hello/);
  assert.deepEqual(config.runcmd, [['/var/lib/cloud/scripts/millrace-user-data']]);

  assert.deepEqual(userDataFor('', []).diagnostics, []);
  assert.match(userDataFor('just words', []).diagnostics[0]!.message, /starts with `#cloud-config`/);
  assert.equal(userDataFor('#cloud-config\nruncmd: [a\n', []).diagnostics[0]!.line, 3);
});
