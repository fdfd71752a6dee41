import { useMemo } from 'react';
import { type MetricPoint, metricLines } from '../lang/metric-line.ts';

const [width, height] = [240, 48];
const mostPoints = 300;

/** What a task measured while it ran, drawn from the lines of its log that are metrics. */
export function Figures({ log, since }: { log: string; since: number }) {
  const series = useMemo(() => seriesIn(metricLines(log, since)), [log, since]);
  if (series.length === 0) return null;
  return (
    <ul className="figures" aria-label="What it measured">
      {series.map((one) => (
        <li key={one.name}>
          <Curves {...one} />
        </li>
      ))}
    </ul>
  );
}

/** A metric: a curve for each source of it. */
interface Series {
  name: string;
  sources: { source: string; points: MetricPoint[] }[];
}

function Curves({ name, sources }: Series) {
  const points = sources.flatMap((one) => one.points);
  const [most, least] = [Math.max(...points.map(({ value }) => value)), Math.min(...points.map(({ at }) => at))];
  const latest = Math.max(...points.map(({ at }) => at));
  const x = (at: number) => (latest === least ? width - 4 : ((at - least) / (latest - least)) * (width - 4));
  const y = (value: number) => height - 3 - (most === 0 ? 0 : (value / most) * (height - 8));
  const now = sources.map((one) => ({ source: one.source, value: one.points.at(-1)!.value }));
  const said =
    now.length === 1
      ? `${shown(now[0]!.value)} now`
      : `${now.map(({ source, value }) => `${source} ${shown(value)}`).join(', ')} now`;
  return (
    <figure>
      <figcaption title={now.length === 1 ? undefined : said}>
        {name} <strong>{now.map(({ value }) => shown(value)).join(' · ')}</strong>{' '}
        <span className="small">at most {shown(most)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${name}: ${said}, ${shown(most)} at most`}>
        <line x1="0" x2={width} y1={height - 3} y2={height - 3} />
        {sources.map((one) => (
          <g key={one.source}>
            <polyline
              points={one.points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}
            />
            <circle cx={x(one.points.at(-1)!.at)} cy={y(one.points.at(-1)!.value)} r="3" />
          </g>
        ))}
      </svg>
    </figure>
  );
}

/** By name, in the order in which they first came; the parts of the names that all share are left out. */
function seriesIn(points: MetricPoint[]): Series[] {
  const names = [...new Set(points.map(({ name }) => name))];
  const shared = sharedParts(names.map((name) => name.split('.').slice(0, -1)));
  return names.map((name) => {
    const own = points.filter((point) => point.name === name);
    const sources = [...new Set(own.map(({ source }) => source))].sort();
    return {
      name: name.split('.').slice(shared).join('.'),
      sources: sources.map((source) => ({
        source,
        points: own.filter((point) => point.source === source).slice(-mostPoints),
      })),
    };
  });
}

/** How many parts at the start are the same in all. */
function sharedParts(lists: string[][]): number {
  const [first = [], ...others] = lists;
  const differs = first.findIndex((part, index) => others.some((other) => other[index] !== part));
  return differs < 0 ? first.length : differs;
}

const shown = (value: number): string =>
  value.toLocaleString(undefined, { maximumFractionDigits: 1, notation: value >= 100_000 ? 'compact' : 'standard' });
