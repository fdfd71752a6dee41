import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { googleRoutes } from '../../../test/fakes/google-routes.ts';
// @ts-expect-error: the example is plain JavaScript, as its users would write it.
import { bestTime, formatTime, openTravelTimes } from './travel-times.mjs';

const now = new Date('2026-11-23T10:00:00');

test('the data set knows for each journey when it is best to leave', async () => {
  const source = openTravelTimes({});
  const { best, worst, curve } = await bestTime(source, { home: 'Haarlem', work: 'Schiphol', weekday: 'Tuesday' });

  assert.equal(curve.length, 16);
  assert.deepEqual([formatTime(curve[0].leave), formatTime(curve.at(-1).leave)], ['06:30', '10:15']);
  assert.ok(best.minutes < worst.minutes);
  assert.ok(best.minutes >= 18, 'nobody is faster than the free road');
});

test('a journey or a day that the data set does not know is refused in words', async () => {
  const source = openTravelTimes({});

  await assert.rejects(
    source.minutes('Paris', 'Schiphol', 'Monday', [30]),
    /No travel times are known from Paris to Schiphol/,
  );
  await assert.rejects(source.minutes('Haarlem', 'Schiphol', 'Someday', [30]), /Someday is no working day/);
});

const viaGoogle = async (t: TestContext, key = 'key', clock = () => now) => {
  const google = await googleRoutes(t, 'key', now);
  return { google, source: openTravelTimes({ googleKey: key, googleUrl: google.url, now: clock }) };
};

test('with a key Google is asked for each departure of the next such day, with pessimistic traffic', async (t) => {
  const { google, source } = await viaGoogle(t);
  const { best } = await bestTime(source, { home: 'Haarlem', work: 'Utrecht', weekday: 'Monday' });

  assert.deepEqual([formatTime(best.leave), best.minutes], ['06:30', 20]);
  assert.equal(google.questions.length, 16);
  assert.deepEqual(google.questions[0], {
    origin: { address: 'Haarlem' },
    destination: { address: 'Utrecht' },
    travelMode: 'DRIVE',
    routingPreference: 'TRAFFIC_AWARE_OPTIMAL',
    trafficModel: 'PESSIMISTIC',
    departureTime: new Date('2026-11-30T06:30:00').toISOString(),
  });
});

test('the same question within the hour is asked once', async (t) => {
  let clock = now;
  const { google, source } = await viaGoogle(t, 'key', () => clock);
  await source.minutes('Haarlem', 'Utrecht', 'Friday', [30]);
  await source.minutes('Haarlem', 'Utrecht', 'Friday', [30]);
  assert.equal(google.questions.length, 1);

  clock = new Date(now.getTime() + 3_600_001);
  await source.minutes('Haarlem', 'Utrecht', 'Friday', [30]);
  assert.equal(google.questions.length, 2);
});

test('what Google refuses is said, and asked again the next time', async (t) => {
  const wrongKey = await viaGoogle(t, 'wrong');
  await assert.rejects(
    wrongKey.source.minutes('a', 'b', 'Monday', [30]),
    /Google refused the question: API key not valid/,
  );

  const { google, source } = await viaGoogle(t);
  google.misbehaviour.push(
    { status: 503, message: 'The service is currently unavailable.' },
    { status: 502, garbage: '<html>' },
    { garbage: 'no JSON' },
  );
  await assert.rejects(source.minutes('a', 'b', 'Monday', [30]), /currently unavailable/);
  await assert.rejects(source.minutes('a', 'b', 'Monday', [30]), /Google refused the question: 502/);
  await assert.rejects(source.minutes('a', 'b', 'Monday', [30]), /knows no way from a to b/);
  assert.deepEqual(await source.minutes('a', 'b', 'Monday', [30]), [22]);
  await assert.rejects(source.minutes('a', 'Atlantis', 'Monday', [30]), /Google knows no way from a to Atlantis/);
});
