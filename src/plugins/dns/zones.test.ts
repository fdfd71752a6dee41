import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeZone, type DnsZone, readWeighted, resolve } from './zones.ts';

const record = (name: string, type: string, ...contents: string[]) => ({
  name,
  type,
  ttl: 1,
  records: contents.map((content) => ({ content, disabled: false })),
  comments: [],
});
const zone: DnsZone = {
  name: 'example.',
  serial: 1,
  rrsets: [
    record('tito.example.', 'A', '10.0.0.1', '10.0.0.2'),
    record('www.example.', 'CNAME', 'tito.example.'),
    record('canary.example.', 'LUA', `A "pickwrandom({{90,'10.0.0.1'},{10,'10.0.0.2'}})"`),
  ],
};
const ask = (name: string, type = 'A', dice = 0) => {
  const { code, answers } = resolve([zone], name, type, () => dice);
  return [code, ...answers.map(({ content }) => content)];
};

test('a name is answered with all its records, whatever its case', () => {
  assert.deepEqual(ask('TITO.example'), ['NOERROR', '10.0.0.1', '10.0.0.2']);
});

test('an alias is followed', () => {
  assert.deepEqual(ask('www.example'), ['NOERROR', 'tito.example.', '10.0.0.1', '10.0.0.2']);
});

test('what is not there, what has no such record and what is foreign are told apart', () => {
  assert.deepEqual(ask('nothing.example'), ['NXDOMAIN']);
  assert.deepEqual(ask('tito.example', 'AAAA'), ['NOERROR']);
  assert.deepEqual(ask('tito.other'), ['REFUSED']);
});

test('a weighted answer falls as its weights say', () => {
  assert.deepEqual(ask('canary.example', 'A', 0.89), ['NOERROR', '10.0.0.1']);
  assert.deepEqual(ask('canary.example', 'A', 0.9), ['NOERROR', '10.0.0.2']);
  const counts = Array.from({ length: 100 }, (_, n) => ask('canary.example', 'A', n / 100)[1]).filter(
    (address) => address === '10.0.0.2',
  ).length;
  assert.equal(counts, 10);
});

test('a weight that chooses nothing is no record', () => {
  assert.equal(readWeighted(`A "pickwrandom({{0,'10.0.0.1'}})"`), undefined);
  assert.equal(readWeighted('A "os.execute()"'), undefined);
});

test('a change replaces a record whole, keeps its comments unless new ones come, and raises the serial', () => {
  const first = changeZone(
    zone,
    [
      {
        name: 'tito.example.',
        type: 'A',
        changetype: 'REPLACE',
        ttl: 5,
        records: [{ content: '10.0.0.9' }],
        comments: [{ content: 'blue' }],
      },
    ],
    1000,
  ) as DnsZone;
  const second = changeZone(
    first,
    [{ name: 'tito.example.', type: 'A', changetype: 'REPLACE', ttl: 5, records: [{ content: '10.0.0.8' }] }],
    2000,
  ) as DnsZone;
  const found = second.rrsets.find(({ name }) => name === 'tito.example.');

  assert.deepEqual([found?.records[0]?.content, found?.comments[0]?.content, second.serial], ['10.0.0.8', 'blue', 3]);
});

test('a change that cannot stand is refused, and none of its parts is made', () => {
  const refused = (change: object) => {
    const result = changeZone(
      zone,
      [
        { name: 'new.example.', type: 'A', changetype: 'REPLACE', ttl: 1, records: [{ content: '10.0.0.1' }] },
        change as never,
      ],
      0,
    );
    return 'refused' in result ? result.refused : 'it was taken';
  };

  assert.match(refused({ name: 'tito.example', type: 'A', changetype: 'DELETE' }), /not canonical/);
  assert.match(refused({ name: 'tito.other.', type: 'A', changetype: 'DELETE' }), /out of zone/);
  assert.match(
    refused({ name: 'x.example.', type: 'A', changetype: 'REPLACE', ttl: 1, records: [{ content: '10.0.0.300' }] }),
    /Not in expected format/,
  );
  assert.match(
    refused({ name: 'x.example.', type: 'A', changetype: 'REPLACE', records: [{ content: '10.0.0.3' }] }),
    /'ttl' is missing/,
  );
  assert.match(
    refused({
      name: 'tito.example.',
      type: 'CNAME',
      changetype: 'REPLACE',
      ttl: 1,
      records: [{ content: 'a.example.' }],
    }),
    /Conflicts/,
  );
});
