import assert from 'node:assert/strict';
import { test } from 'node:test';
import { titoText } from '../../test/blueprints.ts';
import { formatDiagnostic } from '../core/diagnostic.ts';
import { checkBlueprint } from './parse.ts';

const said = (text: string): string[] =>
  checkBlueprint(text).diagnostics.map((diagnostic) => formatDiagnostic('b.yaml', diagnostic));
const machine = (property: string) =>
  `inputs:\n  size: {type: string, default: small}\nresources:\n  web:\n    type: Cloud.Machine\n    properties:\n      ${property}\n  db:\n    type: Cloud.Machine\n`;

test('the blueprint of Tito has nothing to be said about it', () => {
  assert.deepEqual(said(titoText), []);
});

test('an unknown resource type is refused at its place, with a guess', () => {
  assert.deepEqual(said('resources:\n  web:\n    type: Cloud.Machin\n'), [
    'b.yaml:3:11: error: Resource web has the unknown type Cloud.Machin.\n    Did you mean Cloud.Machine? [resource.unknown-type]',
  ]);
});

test('types that users or providers name are taken', () => {
  assert.deepEqual(said('resources: {a: {type: Custom.Thing}, b: {type: Idem.AWS.SOMETHING}}'), []);
});

test('an expression that reads what is not there is refused where it stands', () => {
  assert.match(
    said(machine('flavor: "${input.sise}"'))[0]!,
    /^b.yaml:7:16: error: .*there is no input sise.\n {4}Did you mean size\?/,
  );
  assert.match(
    said(machine('flavor: ${resource.dbb.address}'))[0]!,
    /there is no resource dbb.\n {4}Did you mean db\?/,
  );
  assert.match(said(machine('flavor: ${variable.x}'))[0]!, /there is no variable x/);
  assert.match(
    said(machine('flavor: ${to_lowr(input.size)}'))[0]!,
    /there is no function to_lowr\(\).\n {4}Did you mean to_lower/,
  );
});

test('what is no expression is a warning and stays as it is', () => {
  assert.match(said(machine('name: "${a b}"'))[0]!, /warning: .* is no expression and stays as it is/);
});

test('variables of a shell script are left alone', () => {
  assert.ok(
    said(machine('cloudConfig: |\n        runcmd:\n          - echo ${HOME}')).every((line) =>
      line.includes('warning'),
    ),
  );
  assert.deepEqual(said(machine('name: "\\\\${HOME}"')), []);
});

test('a cycle is refused and shown as a ring', () => {
  assert.match(
    said(
      'resources:\n  a:\n    type: Cloud.Machine\n    dependsOn: [b]\n  b:\n    type: Cloud.Machine\n    properties: {name: "${resource.a.id}"}\n',
    )[0]!,
    /^b.yaml:2:3: error: The resources wait for each other: a -> b -> a\./,
  );
});

test('a cycle through a variable is found too', () => {
  assert.match(
    said(
      'variables: {v: "${resource.b.id}"}\nresources:\n  a: {type: Cloud.Machine, properties: {name: "${variable.v}"}}\n  b: {type: Cloud.Machine, properties: {name: "${resource.a.id}"}}\n',
    )[0]!,
    /a -> b -> a/,
  );
});

test('dependsOn names resources that are there', () => {
  assert.match(
    said('resources:\n  web: {type: Cloud.Machine, dependsOn: [dbb]}\n  db: {type: Cloud.Machine}\n')[0]!,
    /2:42: error: `dependsOn` of web names dbb/,
  );
});

test('an unknown key of a resource is a warning', () => {
  assert.match(said('resources:\n  web: {type: Cloud.Machine, property: {}}\n')[0]!, /2:30: warning: .*`property`/);
});

test('names with dashes and the old way of naming resources are read', () => {
  assert.deepEqual(
    said(
      'inputs: {my-size: {type: string}}\nresources:\n  my-net: {type: Cloud.Network}\n  web: {type: Cloud.Machine, properties: {flavor: "${input.my-size}", networks: [{network: "${my-net.id}"}]}}\n',
    ),
    [],
  );
});
