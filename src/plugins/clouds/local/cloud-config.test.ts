import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCloudConfig, remoteAccessUser } from './cloud-config.ts';

const image = { packages: ['git', 'nodejs'] };
const refusals = (text: string): string[] =>
  readCloudConfig(text, image).diagnostics.map(({ line, message }) => `${line}: ${message}`);

test('what plain processes can honour is read', () => {
  const { config, diagnostics } = readCloudConfig(
    `#cloud-config
hostname: web
packages: [git]
users:
  - default
  - name: ci
    plain_text_passwd: secret
    ssh_authorized_keys: [ssh-ed25519 AAAA]
write_files:
  - path: /etc/motd
    content: hello
    permissions: '0600'
  - path: /opt/packed
    encoding: b64
    content: aGk=
runcmd:
  - echo hi > /tmp/x
  - [echo, two words]
`,
    image,
  );

  assert.deepEqual(diagnostics, []);
  assert.deepEqual(config, {
    hostname: 'web',
    users: [{ name: 'ci', password: 'secret', keys: ['ssh-ed25519 AAAA'] }],
    files: [
      { path: '/etc/motd', content: 'hello', mode: 0o600, append: false },
      { path: '/opt/packed', content: 'hi', mode: 0o644, append: false },
    ],
    commands: ['echo hi > /tmp/x', ['echo', 'two words']],
  });
});

test('what would have to be pretended is refused with its line', () => {
  assert.deepEqual(refusals('#cloud-config\nswap: {size: 1G}\n'), [
    '2: `swap` is not possible here. It knows hostname, fqdn, users, write_files, runcmd, packages.',
  ]);
  assert.deepEqual(refusals('#cloud-config\npackages: [apache2]\n'), [
    '2: The image has no package apache2; it has git, nodejs.',
  ]);
  assert.match(refusals('#cloud-config\nruncmd:\n  - apt-get install x\n')[0]!, /^3: `apt-get` is not possible here/);
  assert.match(refusals('#cloud-config\nruncmd:\n  - [sudo, reboot]\n')[0]!, /^3: `sudo`/);
  assert.match(refusals('#cloud-config\nusers:\n  - name: ../root\n')[0]!, /^3: "..\/root" is no name for a user/);
  assert.match(
    refusals('#cloud-config\nwrite_files:\n  - path: /etc/x\n    encoding: gzip\n    content: x\n')[0]!,
    /^4: The encoding gzip/,
  );
  assert.match(refusals('#cloud-config\nruncmd: echo\n')[0]!, /^2: `runcmd` must be a list/);
});

test('no file leaves the machine', () => {
  assert.match(
    refusals('#cloud-config\nwrite_files:\n  - path: /../../etc/passwd\n    content: x\n')[0]!,
    /^3: The path \/..\/..\/etc\/passwd leads out of the machine/,
  );
});

test('a text that is no configuration is refused, an empty one is none', () => {
  assert.match(refusals('just words')[0]!, /is a map that starts with `#cloud-config`/);
  assert.deepEqual(refusals(''), []);
  assert.deepEqual(refusals('#cloud-config\n'), []);
});

test('remoteAccess makes a user with a password or a key, or none', () => {
  assert.deepEqual(remoteAccessUser({ authentication: 'usernamePassword', username: 'ci', password: 'p' }), [
    { name: 'ci', password: 'p', keys: [] },
  ]);
  assert.deepEqual(remoteAccessUser({ authentication: 'none' }), []);
});
