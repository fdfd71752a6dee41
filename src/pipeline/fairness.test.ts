import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextProject } from './fairness.ts';

const share = (project: string, underWay: number, oldest = 0) => ({ project, underWay, oldest });

test('the project with the least under way goes next, however much the others have waiting', () => {
  assert.equal(nextProject([share('busy', 30), share('quiet', 1, 99)], 48), 'quiet');
});

test('of two that have as much under way the one that has waited longer goes first', () => {
  assert.equal(nextProject([share('late', 2, 20), share('early', 2, 10)], 48), 'early');
});

test('a project whose work hangs never holds every place', () => {
  assert.equal(nextProject([share('hangs', 48)], 48), undefined);
  assert.equal(nextProject([share('hangs', 48), share('other', 49)], 50), 'hangs');
});

test('work of the server itself is never held up', () => {
  assert.equal(nextProject([share('', 99), share('full', 48)], 48), '');
});

test('nobody goes where nobody waits', () => {
  assert.equal(nextProject([], 48), undefined);
});
