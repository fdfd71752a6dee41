import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../lang/yaml.ts';
import { mergedCloudConfig } from './cloud-config-merge.ts';
import { checkBlueprint } from './parse.ts';

const merge = (blueprint: string, image: string) => parseYaml(mergedCloudConfig(blueprint, image)).documents[0]!.value;

test('a configuration that stands alone is passed on byte for byte', () => {
  const text = '#cloud-config\n# mine\nruncmd: [ "a" ]\n';

  assert.equal(mergedCloudConfig(text, ''), text);
  assert.equal(mergedCloudConfig(' ', text), text);
});

test('lists follow one another, the first those of the image; what both say is as the image says', () => {
  assert.deepEqual(merge('runcmd: [own]\nhostname: own\ntimezone: own', 'runcmd: [given]\nhostname: given'), {
    runcmd: ['given', 'own'],
    hostname: 'given',
    timezone: 'own',
  });
  assert.deepEqual(merge('apt: {proxy: own, http: x}', 'apt: {proxy: given}'), { apt: { proxy: 'given', http: 'x' } });
});

test('a file of one path and a user of one name are there once', () => {
  assert.deepEqual(
    merge(
      'write_files: [{path: /a, content: own}, {path: /b, content: own}]\nusers: [default, {name: eve, shell: own}]',
      'write_files: [{path: /a, content: given}]\nusers: [default, {name: eve}]',
    ),
    {
      write_files: [
        { path: '/a', content: 'given' },
        { path: '/b', content: 'own' },
      ],
      users: ['default', { name: 'eve' }],
    },
  );
});

test('a script cannot be joined with anything', () => {
  assert.equal(mergedCloudConfig('#!/bin/sh\necho', 'runcmd: [x]'), '#!/bin/sh\necho');
});

const told = (...lines: string[]) =>
  checkBlueprint(
    [
      'resources:',
      '  m:',
      '    type: Cloud.Machine',
      '    properties:',
      '      image: a',
      '      flavor: b',
      '      cloudConfig: |',
      ...lines.map((line) => `        ${line}`),
    ].join('\n'),
  ).diagnostics.map(({ line, column, severity, message, hint }) =>
    `${line}:${column} ${severity} ${message} ${hint ?? ''}`.trim(),
  );

test('what cloud-init does not know is told with its place', () => {
  assert.deepEqual(told('#cloud-config', 'packages: [git]', 'runcmdd:', '  - echo'), [
    '10:9 warning The cloudConfig of m: `runcmdd` is no key that cloud-init knows. Did you mean `runcmd`?',
  ]);
  assert.deepEqual(told('#cloud-config', 'write_files:', '- path: /a', '  contents: x'), [
    '11:11 warning The cloudConfig of m: `contents` has no meaning in `write_files.0`. Did you mean `content`?',
  ]);
  assert.deepEqual(told('#cloud-config', 'packages: git'), [
    '9:9 warning The cloudConfig of m: `packages` must be a list.',
  ]);
  assert.match(
    told('#cloud-config', 'runcmd: [a', 'x: y')[0]!,
    /^\d+:\d+ warning The cloudConfig of m: it is no YAML: /,
  );
});

test('expressions may stand anywhere in it, and other kinds of user data are left alone', () => {
  assert.deepEqual(told('#cloud-config', 'packages: ${env.requestedBy}', 'hostname: "${self.resourceName}"'), []);
  assert.deepEqual(told('#!/bin/sh', 'echo: [hello'), []);
});
