// Travel times from home to work over a day: one interface, two sources.
import { readFileSync } from 'node:fs';

/**
 * A source answers `name` and `minutes(home, work, weekday, quarters)`: minutes on the road when leaving at each quarter of an
 * hour of the day (0 is midnight). It throws an Error that a person can read.
 */
export function openTravelTimes({ googleKey, googleUrl, now = () => new Date() } = {}) {
  return googleKey
    ? remembering(googleRoutes(googleKey, googleUrl ?? 'https://routes.googleapis.com', now), now)
    : dataSet();
}

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];

/** The best quarter of an hour to leave within a window, and the whole curve. */
export async function bestTime(source, { home, work, weekday, from = 26, to = 42 }) {
  const quarters = Array.from({ length: to - from }, (_, index) => from + index);
  const minutes = await source.minutes(home, work, weekday, quarters);
  const curve = quarters.map((quarter, index) => ({ leave: quarter, minutes: minutes[index] }));
  const best = curve.reduce((a, b) => (b.minutes < a.minutes ? b : a));
  const worst = curve.reduce((a, b) => (b.minutes > a.minutes ? b : a));
  return { best, worst, curve };
}

export const formatTime = (quarter) =>
  `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`;

/** Typical times that ship with the application. */
function dataSet() {
  const { freeFlowMinutes, congestion, places } = JSON.parse(
    readFileSync(new URL('./travel-times.json', import.meta.url), 'utf8'),
  );
  return {
    name: 'data set',
    places,
    async minutes(home, work, weekday, quarters) {
      const free = freeFlowMinutes[home]?.[work];
      if (free === undefined) throw new Error(`No travel times are known from ${home} to ${work}.`);
      if (!weekdays.includes(weekday)) throw new Error(`${weekday} is no working day.`);
      return quarters.map((quarter) => Math.round(free * congestion[weekday][quarter]));
    },
  };
}

/** The Google Routes API: computeRoutes with pessimistic traffic, one call for each departure. */
function googleRoutes(key, url, now) {
  return {
    name: 'Google Routes API',
    places: [],
    async minutes(home, work, weekday, quarters) {
      if (!weekdays.includes(weekday)) throw new Error(`${weekday} is no working day.`);
      return Promise.all(quarters.map((quarter) => ask(home, work, departure(weekday, quarter, now()))));
    },
  };

  async function ask(home, work, departureTime) {
    const answer = await fetch(`${url}/directions/v2:computeRoutes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-goog-api-key': key, 'x-goog-fieldmask': 'routes.duration' },
      body: JSON.stringify({
        origin: { address: home },
        destination: { address: work },
        travelMode: 'DRIVE',
        routingPreference: 'TRAFFIC_AWARE_OPTIMAL',
        trafficModel: 'PESSIMISTIC',
        departureTime,
      }),
      signal: AbortSignal.timeout(5000),
    });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(`Google refused the question: ${body.error?.message ?? answer.status}`);
    const seconds = /^(\d+)s$/.exec(body.routes?.[0]?.duration ?? '')?.[1];
    if (!seconds) throw new Error(`Google knows no way from ${home} to ${work}.`);
    return Math.round(Number(seconds) / 60);
  }
}

/** Every question costs money and an hour changes little: the same question within it has the same answer. */
function remembering(source, now, life = 3_600_000) {
  const known = new Map();
  return {
    ...source,
    minutes(home, work, weekday, quarters) {
      const key = JSON.stringify([home, work, weekday, quarters]);
      const found = known.get(key);
      if (found && now().getTime() - found.at < life) return found.answer;
      const answer = source.minutes(home, work, weekday, quarters);
      known.set(key, { at: now().getTime(), answer });
      answer.catch(() => known.delete(key));
      return answer;
    },
  };
}

/** The next such weekday and time, in the time zone of this machine, as the API wants departures in the future. */
function departure(weekday, quarter, now) {
  const at = new Date(now);
  at.setDate(at.getDate() + ((weekdays.indexOf(weekday) + 1 - at.getDay() + 7) % 7 || 7));
  at.setHours(Math.floor(quarter / 4), (quarter % 4) * 15, 0, 0);
  return at.toISOString();
}
