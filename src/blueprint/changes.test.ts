import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes, titoText } from '../../test/blueprints.ts';
import { deployed } from '../../test/deployer.ts';

const inputs = { repository: 'http://git/tito', revision: 'abcdef0', count: 2, workers: 8, googleKey: '' };
const actionsOf = (plan: ReturnType<typeof changes>): string[] =>
  'refused' in plan
    ? plan.refused.map(({ message }) => message)
    : plan.actions.map(({ does, instance }) => `${does} ${instance}`);

test('a new deployment makes each instance, after what it needs', () => {
  const plan = changes(titoText, inputs);

  assert.ok(!('refused' in plan));
  assert.deepEqual(
    new Set(actionsOf(plan)),
    new Set(['create net', 'create db', 'create web[0]', 'create web[1]', 'create balancer']),
  );
  const after = (instance: string) => plan.actions.find((action) => action.instance === instance)!.after;
  assert.deepEqual(after('net'), []);
  assert.ok(after('web[0]').some((id) => id.includes('db')));
  assert.deepEqual(after('balancer').filter((id) => id.includes('web')).length, 2);
});

test('each resource is placed by its tags, and says why', () => {
  const plan = changes(titoText, inputs);

  assert.deepEqual(
    plan.placements.map(({ resource, zone, because }) => [resource, zone, because]),
    [
      ['net', 'data', 'loopback meets net:loopback, and db is in data.'],
      ['db', 'data', 'Only data meets tier:data:hard.'],
      ['web', 'fast', 'fast meets tier:web:hard, disk:fast:soft, 1 soft.'],
      ['balancer', 'fast', 'fast holds the resources it serves.'],
    ],
  );
});

test('what stays where it is goes on to say why it went there', () => {
  const standing = deployed(titoText, inputs);
  const because = (plan: ReturnType<typeof changes>) => plan.placements.map((placement) => placement.because);

  assert.deepEqual(because(changes(titoText, { ...inputs, count: 3 }, standing)), because(changes(titoText, inputs)));
});

test('the same request again makes nothing and removes nothing', () => {
  const standing = deployed(titoText, inputs);

  assert.deepEqual(
    actionsOf(changes(titoText, inputs, standing)).filter((action) => !action.startsWith('update')),
    [],
  );
});

test('a scale-out makes only what is missing', () => {
  const standing = deployed(titoText, inputs);
  const plan = actionsOf(changes(titoText, { ...inputs, count: 3 }, standing));

  assert.deepEqual(
    plan.filter((action) => !action.startsWith('update')),
    ['create web[2]'],
  );
  assert.ok(plan.includes('update balancer'));
});

test('a scale-in removes only what is surplus, after the balancer has let go of it', () => {
  const standing = deployed(titoText, { ...inputs, count: 3 });
  const plan = changes(titoText, { ...inputs, count: 2 }, standing);

  assert.ok(!('refused' in plan));
  assert.deepEqual(
    actionsOf(plan).filter((action) => !action.startsWith('update')),
    ['delete web[2]'],
  );
  const update = plan.actions.find(({ instance }) => instance === 'balancer')!;
  assert.ok(plan.actions.find(({ does }) => does === 'delete')!.after.includes(update.id));
});

test('a machine that went wrong is made anew', () => {
  const standing = deployed(titoText, inputs);
  standing.resources['web[1]'] = { ...standing.resources['web[1]']!, status: 'TAINTED' };
  const plan = actionsOf(changes(titoText, inputs, standing)).filter((action) => action.includes('web[1]'));

  assert.ok(plan.includes('create web[1]'), plan.join());
});

test('another image makes every machine anew', () => {
  const standing = deployed(titoText, inputs);
  const plan = actionsOf(changes(titoText.replaceAll('image: tito', 'image: ubuntu'), inputs, standing));

  assert.deepEqual(
    plan.filter((action) => action.startsWith('delete')),
    ['delete db', 'delete web[0]', 'delete web[1]'],
  );
});

test('what is protected is neither removed nor made anew by an update', () => {
  const text =
    'inputs: {n: {type: integer}, image: {type: string}}\nresources: {web: {type: Cloud.Machine, preventDelete: true, properties: {count: "${input.n}", image: "${input.image}"}}}';
  const standing = deployed(text, { n: 2, image: 'tito' });

  assert.deepEqual(actionsOf(changes(text, { n: 1, image: 'tito' }, standing)), [
    'web[1] has `preventDelete`, and this would delete it: web[1] is no longer asked for.',
  ]);
  assert.match(actionsOf(changes(text, { n: 2, image: 'ubuntu' }, standing))[0]!, /^web\[0\] has `preventDelete`/);
  assert.match(actionsOf(changes('resources: {}', {}, standing))[0]!, /^web\[0\] has `preventDelete`/);
  assert.ok(actionsOf(changes(text, { n: 3, image: 'tito' }, standing)).includes('create web[2]'));
});

test('a count that is no number refuses the request', () => {
  assert.match(
    actionsOf(
      changes(
        'resources: {web: {type: Cloud.Machine, properties: {count: "${input.n}"}}}\ninputs: {n: {type: string}}',
        { n: 'many' },
      ),
    )[0]!,
    /count is NaN, which is no whole number/,
  );
});

test('a request that cannot be placed is refused with every reason', () => {
  assert.match(
    actionsOf(changes('resources: {web: {type: Cloud.Machine, properties: {image: solaris}}}'))[0]!,
    /zone data: .*solaris.*zone fast: .*solaris/,
  );
});

test('cycles, counts of zero and empty blueprints do no harm', () => {
  assert.deepEqual(actionsOf(changes('resources: {}')), []);
  assert.deepEqual(actionsOf(changes('resources: {web: {type: Cloud.Machine, properties: {count: 0}}}')), []);
});
