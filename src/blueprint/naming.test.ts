import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCounter, nameByTemplate, numbered } from './naming.ts';

const facts = {
  project: { name: 'Tito Web' },
  endpoint: { name: 'Lab' },
  resource: { image: 'ubuntu', flavor: 'small' },
  deployment: { name: 'site' },
  userName: 'ann@example.com',
};

test('a template speaks of project, account, resource and user, and leaves its counter to be given', () => {
  const name = nameByTemplate('${project.name}-${resource.image}-${endpoint.name}-${####}', facts);

  assert.equal(name, 'Tito-Web-ubuntu-Lab-####');
  assert.equal(numbered(name, 7), 'Tito-Web-ubuntu-Lab-0007');
  assert.equal(numbered(name, 12345), 'Tito-Web-ubuntu-Lab-12345');
  assert.equal(nameByTemplate('${userName}-${######}', facts), 'ann-example.com-######');
});

test('what nothing is known of is left out', () => {
  assert.equal(nameByTemplate('web-${resource.nothing}-${project.name.more}-x', facts), 'web-x');
  assert.ok(!hasCounter(nameByTemplate('plain', facts)));
});
