import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meets } from './atlas.ts';
import { parseConstraint } from './constraint.ts';

const met = (constraint: string, ...tags: string[]) =>
  meets(new Set(tags.map((tag) => (tag.includes(':') ? tag : `${tag}:`))), parseConstraint(constraint)!);

test('a constraint is hard unless it says soft', () => {
  assert.equal(parseConstraint('tier:web')?.hard, true);
  assert.equal(parseConstraint('tier:web:hard')?.hard, true);
  assert.equal(parseConstraint('tier:web:soft')?.hard, false);
  assert.equal(parseConstraint('!fast:soft')?.hard, false);
});

test('a constraint is met by exactly its key and value', () => {
  assert.ok(met('tier:web', 'disk:fast', 'tier:web'));
  assert.ok(!met('tier:web', 'tier:data'));
  assert.ok(met('fast', 'fast'));
  assert.ok(!met('tier', 'tier:web'), 'no value means the empty one, not any');
});

test('! turns a constraint round', () => {
  assert.ok(met('!tier:web', 'tier:data'));
  assert.ok(!met('!tier:web:hard', 'tier:web'));
});

test('what has not the form of a constraint is none', () => {
  assert.equal(parseConstraint('a:b:c'), undefined);
  assert.equal(parseConstraint(''), undefined);
});
