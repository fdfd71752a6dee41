import { MillraceError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import type { Span } from '../pipeline/trace.ts';
import type { Http } from '../sdk/powers.ts';

export interface OtlpOptions {
  /** Where a collector listens, without `/v1/traces`. */
  endpoint: string;
  /** As OTEL_EXPORTER_OTLP_HEADERS has them: `name=value,name=value`. */
  headers: string;
  service: string;
  version: string;
}

/**
 * Sends spans to an OpenTelemetry collector: OTLP over HTTP, as JSON. @throws MillraceError endpoint.unreachable where it does not
 * take them.
 */
export function otlpExporter(http: Http, { endpoint, headers, service, version }: OtlpOptions) {
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const given = headers
    .split(',')
    .map((pair) => pair.split('='))
    .filter(([name, value]) => name && value !== undefined)
    .map(([name, ...value]) => [name!.trim(), decodeURIComponent(value.join('=').trim())]);
  const resource = { 'service.name': service, 'service.version': version };

  return async (spans: Span[]): Promise<void> => {
    const body: JsonObject = {
      resourceSpans: [
        {
          resource: {
            attributes: Object.entries(resource).map(([key, stringValue]) => ({ key, value: { stringValue } })),
          },
          scopeSpans: [{ scope: { name: 'millrace', version }, spans: spans as unknown as JsonObject[] }],
        },
      ],
    };
    const { status } = await http({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...Object.fromEntries(given) },
      body: JSON.stringify(body),
      timeout: 10_000,
    });
    if (status >= 300)
      throw new MillraceError('endpoint.unreachable', { message: `The collector ${url} answered ${status}.` });
  };
}
