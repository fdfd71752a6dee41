import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../../../lang/yaml.ts';
import { userDataFor } from './user-data.ts';

const ci = { name: 'ci', password: 'secret', keys: ['ssh-ed25519 AAAA'] };
const configIn = (text: string) => parseYaml(text).documents[0]!.value as Record<string, never>;

test('a configuration goes to cloud-init as it was written, with the logins of remoteAccess', () => {
  const { userData, diagnostics } = userDataFor(
    '#cloud-config\npackages: [jq]\nusers:\n- name: eve\napt: {proxy: x}\n',
    [ci],
  );
  const config = configIn(userData);

  assert.deepEqual(diagnostics, []);
  assert.ok(userData.startsWith('#cloud-config\n'));
  assert.deepEqual([config.packages, config.apt, config.ssh_pwauth], [['jq'], { proxy: 'x' }, true]);
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
