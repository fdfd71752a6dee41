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
      {series.map(({ name, points }) => (
        <li key={name}>
          <Curve name={name} points={points} />
        </li>
      ))}
    </ul>
  );
}

function Curve({ name, points }: { name: string; points: MetricPoint[] }) {
  const values = points.map(({ value }) => value);
  const [latest, most] = [values.at(-1)!, Math.max(...values)];
  const [from, to] = [points[0]!.at, points.at(-1)!.at];
  const x = (at: number) => (to === from ? width - 4 : ((at - from) / (to - from)) * (width - 4));
  const y = (value: number) => height - 3 - (most === 0 ? 0 : (value / most) * (height - 8));
  const path = points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return (
    <figure>
      <figcaption>
        {name} <strong>{shown(latest)}</strong> <span className="small">at most {shown(most)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${name}: ${shown(latest)} now, ${shown(most)} at most`}
      >
        <line x1="0" x2={width} y1={height - 3} y2={height - 3} />
        <polyline points={path} />
        <circle cx={x(to)} cy={y(latest)} r="3" />
      </svg>
    </figure>
  );
}

/** By name, in the order in which they first came; the part of the names that all share is left out. */
function seriesIn(points: MetricPoint[]): { name: string; points: MetricPoint[] }[] {
  const names = [...new Set(points.map(({ name }) => name))];
  const shared = names[0]?.slice(0, names[0].lastIndexOf('.') + 1) ?? '';
  return names.map((name) => ({
    name: names.every((other) => other.startsWith(shared)) ? name.slice(shared.length) : name,
    points: points.filter((point) => point.name === name).slice(-mostPoints),
  }));
}

const shown = (value: number): string => value.toLocaleString(undefined, { maximumFractionDigits: 1 });
