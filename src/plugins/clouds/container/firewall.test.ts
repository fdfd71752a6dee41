import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rulesetOf } from './firewall.ts';

const linesOf = (rules: Parameters<typeof rulesetOf>[0], chain: string) => {
  const text = rulesetOf(rules, '10.88.0.1');
  return text.slice(text.indexOf(`chain ${chain}`)).split('}\n')[0]!;
};

test('what comes in is dropped where no rule lets it in, but for the machine of the server', () => {
  const input = linesOf(
    [
      { name: 'web', ports: '80, 443', protocol: 'TCP', source: 'any' },
      { name: 'metrics', ports: '9000-9100', source: '10.0.0.0/8' },
      { name: 'six', protocol: 'udp', source: 'fd00::/8' },
      { name: 'ping', protocol: 'ICMP' },
      { name: 'not he', access: 'Deny', source: '10.0.0.7' },
    ],
    'input',
  );
  assert.match(input, /policy drop;/);
  assert.match(input, /ip saddr 10\.88\.0\.1 accept\n {4}ip saddr 10\.0\.0\.7 drop\n {4}tcp dport \{ 80,443 \} accept/);
  assert.match(input, /ip saddr 10\.0\.0\.0\/8 meta l4proto \{ tcp, udp \} th dport \{ 9000-9100 \} accept/);
  assert.match(input, /ip6 saddr fd00::\/8 meta l4proto udp accept/);
  assert.match(input, /meta l4proto \{ icmp, icmpv6 \} accept/);
});

test('what goes out is let out, unless a rule speaks of that direction', () => {
  assert.match(linesOf([], 'output'), /policy accept;/);
  const out = { direction: 'outbound', ports: 443, protocol: 'tcp', destination: '10.1.2.3' };
  assert.match(linesOf([out], 'output'), /policy drop;[^}]*ip daddr 10\.1\.2\.3 tcp dport \{ 443/);
  assert.match(linesOf([{ ...out, access: 'Drop' }], 'output'), /policy accept;[^}]*tcp dport \{ 443/);
});

test('a rule that cannot be read is named, and none reaches the ruleset as it stands', () => {
  for (const [rule, why] of [
    [{ name: 'a', ports: '80; drop' }, 'rule a: its ports 80; drop cannot be read.'],
    [
      { name: 'b', source: '10.0.0.0/8; flush ruleset' },
      'rule b: its source 10.0.0.0/8; flush ruleset cannot be read.',
    ],
    [{ source: 'web' }, 'rule without a name: its source web cannot be read.'],
    [{ name: 'c', protocol: 'GRE' }, 'rule c: its protocol GRE cannot be read.'],
  ] as const)
    assert.throws(() => rulesetOf([rule], ''), { message: why });
});
