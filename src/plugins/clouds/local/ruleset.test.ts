import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../core/json.ts';
import { type Member, rulesetOf } from './ruleset.ts';

const members = (rules: Member['rules']): Member[] => [
  { name: 'web', address: '127.0.5.10', rules },
  { name: 'near', address: '127.0.5.11', rules: undefined },
  { name: 'far', address: '127.0.9.12', rules: undefined },
];
const linesOf = (rules: Member['rules'], chain: string): string[] => {
  const text = rulesetOf('site', 'g', members(rules));
  const found = new RegExp(`chain ${chain} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*?)\\n  \\}`).exec(text);
  return (found?.[1] ?? '').split('\n').map((line) => line.trim());
};

test('what comes in is dropped where no rule lets it in, by the group that it comes from', () => {
  const rules: JsonObject[] = [
    { name: 'web', protocol: 'TCP', ports: '80,443' },
    { name: 'near', protocol: 'TCP', ports: '22', source: '127.0.5.0/24' },
    { name: 'not', access: 'Deny', source: '127.0.9.12' },
  ];
  assert.deepEqual(linesOf(rules, 'to_web'), [
    'socket cgroupv2 level 2 "g/far" drop',
    'tcp dport { 80,443 } accept',
    'socket cgroupv2 level 2 "g/web" tcp dport { 22 } accept',
    'socket cgroupv2 level 2 "g/near" tcp dport { 22 } accept',
    'drop',
  ]);
});

test('only what goes to a machine of a group is looked at, and what a machine says to itself is its own', () => {
  assert.deepEqual(linesOf([], 'output'), [
    'type filter hook output priority 0; policy accept;',
    'ct state established,related accept',
    'socket cgroupv2 level 2 "g/web" ip daddr 127.0.5.10 accept',
    'socket cgroupv2 level 1 "g" ip daddr 127.0.5.10 jump to_web',
  ]);
  assert.deepEqual(linesOf([], 'to_web'), ['drop']);
});

test('what goes out is let out, unless a rule speaks of it', () => {
  const allow = { direction: 'outbound', protocol: 'TCP', ports: '5432', destination: '127.0.9.12' };
  assert.deepEqual(linesOf([allow], 'from_web'), ['ip daddr 127.0.9.12 tcp dport { 5432 } return', 'drop']);
  assert.ok(linesOf([allow], 'output').includes('socket cgroupv2 level 2 "g/web" jump from_web'));

  const deny = { ...allow, access: 'Deny' };
  assert.deepEqual(linesOf([deny], 'from_web'), ['ip daddr 127.0.9.12 tcp dport { 5432 } drop']);
});
