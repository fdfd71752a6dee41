import { MillraceError } from '../../core/error.ts';
import { formatMetricLine } from '../../lang/metric-line.ts';
import { defineMetricSink } from '../../sdk/parts.ts';

export const wavefront = defineMetricSink({
  type: 'wavefront',
  title: 'Wavefront',
  summary: 'Sends metric lines to a Wavefront proxy, or straight to the service where a token is given.',
  endpointType: 'wavefront',
  async send(points, { properties }, http) {
    const base = (properties.url ?? '').replace(/\/$/, '');
    const url = properties.token ? `${base}/report?f=wavefront` : `${base}/`;
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
    if (properties.token) headers.authorization = `Bearer ${properties.token}`;
    const { status, body } = await http({
      method: 'POST',
      url,
      headers,
      body: `${points.map(formatMetricLine).join('\n')}\n`,
      timeout: 10_000,
    });
    if (status >= 300)
      throw new MillraceError('endpoint.unreachable', {
        message: `Wavefront at ${base} refused ${points.length} points with status ${status}: ${body.slice(0, 200)}`,
        hint: 'A 406 means: too fast; it is tried again.',
      });
  },
});
