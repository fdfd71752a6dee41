import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zoneOf } from '../../test/blueprints.ts';
import type { JsonObject } from '../core/json.ts';
import { place } from './placement.ts';

const web = (properties: JsonObject = {}, count = 1) => ({
  resource: 'web',
  type: 'Cloud.Machine',
  count,
  properties: { image: 'tito', flavor: 'small', ...properties } as JsonObject,
});
const constraints = (...tags: string[]) => ({ constraints: tags.map((tag) => ({ tag })) });
const fast = zoneOf('fast', ['tier:web', 'disk:fast']);
const slow = zoneOf('slow', ['tier:web', 'disk:slow']);
const data = zoneOf('data', ['tier:data']);

test('hard constraints drop zones, and the explanation names what each one lacks', () => {
  const placement = place(web(constraints('tier:data:hard')), [fast, slow, data], {});

  assert.equal(placement.zone, 'data');
  assert.equal(placement.because, 'Only data meets tier:data:hard.');
  assert.deepEqual(placement.verdicts[0], {
    zone: 'fast',
    refused: ['it lacks the tag tier:data'],
    softMatches: 0,
    priority: 1,
  });
});

test('soft constraints break ties', () => {
  assert.equal(place(web(constraints('tier:web', 'disk:slow:soft')), [fast, slow], {}).zone, 'slow');
  assert.equal(place(web(constraints('tier:web', 'disk:none:soft')), [fast, slow], {}).zone, 'fast');
});

test('the priority of the project comes before soft constraints', () => {
  const preferred = zoneOf('preferred', ['tier:web'], { priority: 0 });

  assert.equal(place(web(constraints('disk:fast:soft')), [fast, preferred], {}).zone, 'preferred');
});

test('a constraint with ! keeps machines away', () => {
  assert.equal(place(web(constraints('!disk:fast')), [fast, slow], {}).zone, 'slow');
});

test('where no zone fits, each refusal is named with its reason', () => {
  const placement = place(web({ ...constraints('tier:web'), image: 'windows' }), [fast, data], {});

  assert.equal(placement.zone, null);
  assert.equal(
    placement.because,
    'Cloud.Machine web cannot be placed: zone fast: it has no mapping for image windows (has: tito, ubuntu) · zone data: it has no mapping for image windows (has: tito, ubuntu); it lacks the tag tier:web.',
  );
});

test('a project without zones says so', () => {
  assert.match(place(web(), [], {}).because, /the project has no cloud zone/);
});

test('a cluster goes where all of it fits', () => {
  const small = zoneOf('a-small', ['tier:web'], { maxInstances: 4 });

  assert.equal(place(web({}, 3), [small, slow], { 'a-small': 1 }).zone, 'a-small');
  assert.equal(place(web({}, 3), [small, slow], { 'a-small': 2 }).zone, 'slow');
});

test('image and flavor names are found without regard to case', () => {
  assert.equal(place(web({ image: 'TITO' }), [fast], {}).zone, 'fast');
});

test('a type of one cloud goes to accounts of that cloud alone', () => {
  const aws = zoneOf('aws', [], { accountType: 'aws' });

  assert.equal(place({ ...web(), type: 'Cloud.AWS.EC2.Instance' }, [fast, aws], {}).zone, 'aws');
  assert.match(place({ ...web(), type: 'Cloud.Azure.Machine' }, [fast, aws], {}).because, /needs azure/);
});

test('a network goes where a network profile meets its constraints', () => {
  const dmz = zoneOf('dmz', [], {
    networks: [
      { name: 'inner', tags: [] },
      { name: 'outer', tags: ['net:public'] },
    ],
  });
  const placement = place(
    { resource: 'net', type: 'Cloud.Network', count: 1, properties: constraints('net:public') },
    [fast, dmz],
    {},
  );

  assert.deepEqual([placement.zone, placement.network], ['dmz', 'outer']);
});
