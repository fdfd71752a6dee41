import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '../store/store.ts';
import { recentStates } from './recent.ts';

const command = (aggregate: string): Command => ({
  id: 1,
  key: 'k',
  kind: 'execution',
  aggregate,
  lane: '',
  project: '',
  host: '',
  body: {},
  due: 0,
  fence: 1,
  tries: 1,
});
const loaded = (version: number) => ({ state: { version }, version });

test('a command is performed on the state that led to it, as long as nothing has been written since', () => {
  let now = 0;
  const recent = recentStates(() => now, { isShared: true });
  const [one, other] = [command('r'), command('other')];
  recent.wrote('execution', 'r', loaded(1), [one, other]);

  assert.deepEqual(recent.behind(one), loaded(1));
  assert.equal(recent.behind(other), undefined, 'it is about another run');
  assert.equal(recent.behind(command('r')), undefined, 'it was claimed by nobody here');
  now = 51;
  assert.equal(recent.behind(one), undefined, 'it has waited, and other nodes may have gone on');
  now = 0;
  recent.wrote('execution', 'r', loaded(2), []);
  assert.equal(recent.behind(one), undefined, 'the run has gone on here');
});

test('where nobody else writes, a command may wait for its turn as long as it takes', () => {
  let now = 0;
  const recent = recentStates(() => now, { isShared: false });
  const one = command('r');
  recent.wrote('execution', 'r', loaded(1), [one]);
  now = 10_000;

  assert.deepEqual(recent.behind(one), loaded(1));
});

test('of many states the latest are kept', () => {
  const recent = recentStates(() => 0, { isShared: true });
  for (let run = 0; run < 300; run++) recent.wrote('execution', `r${run}`, loaded(1), []);

  assert.equal(recent.of('execution', 'r99'), undefined);
  assert.deepEqual(recent.of('execution', 'r100'), loaded(1));
});
