import type { Instant } from '../core/instant.ts';

/** One measured value. */
export interface MetricPoint {
  name: string;
  value: number;
  at: Instant;
  source: string;
  tags: Record<string, string>;
}

const line =
  /^"?([A-Za-z0-9._\-/,]+)"?\s+(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:\s+(\d{9,13}))?\s+(?:source|host)="?([A-Za-z0-9._-]+)"?((?:\s+"?[A-Za-z0-9._-]+"?=(?:"(?:[^"\\]|\\.)*"|\S+))*)\s*$/;

/** The lines of a text that are metrics in the Wavefront format `name value [seconds] source=s [key="value" ...]`; all others are left alone. */
export function metricLines(text: string, now: Instant): MetricPoint[] {
  return text.split('\n').flatMap((candidate) => {
    const found = line.exec(candidate.trim());
    if (!found) return [];
    const [, name, value, seconds, source, tags] = found;
    const pairs = [...tags!.matchAll(/"?([A-Za-z0-9._-]+)"?=(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)];
    return [
      {
        name: name!,
        value: Number(value),
        at: seconds ? Number(seconds) * (seconds.length > 10 ? 1 : 1000) : now,
        source: source!,
        tags: Object.fromEntries(
          pairs.map(([, key, quoted, plain]) => [key!, quoted?.replace(/\\(.)/g, '$1') ?? plain!]),
        ),
      },
    ];
  });
}

/** The same format, for sending. */
export function formatMetricLine({ name, value, at, source, tags }: MetricPoint): string {
  const pairs = Object.entries(tags).map(([key, text]) => ` ${key}="${text.replace(/["\\]/g, '\\$&')}"`);
  return `${name} ${value} ${Math.floor(at / 1000)} source=${source}${pairs.join('')}`;
}
