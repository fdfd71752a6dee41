import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { z } from 'zod';

const Question = z.strictObject({
  origin: z.strictObject({ address: z.string().min(1) }),
  destination: z.strictObject({ address: z.string().min(1) }),
  travelMode: z.enum(['DRIVE', 'BICYCLE', 'WALK', 'TWO_WHEELER', 'TRANSIT']),
  routingPreference: z.enum(['TRAFFIC_UNAWARE', 'TRAFFIC_AWARE', 'TRAFFIC_AWARE_OPTIMAL']).optional(),
  trafficModel: z.enum(['BEST_GUESS', 'PESSIMISTIC', 'OPTIMISTIC']).optional(),
  departureTime: z.iso.datetime().optional(),
});

export interface Misbehaviour {
  status?: number;
  message?: string;
  /** Text in place of the answer. */
  garbage?: string;
}

/**
 * The computeRoutes call of the Google Routes API, stricter than the original: unknown fields, a missing field mask, a departure in
 * the past and a traffic model without TRAFFIC_AWARE_OPTIMAL are refused. The drive takes twenty minutes, and one more for each
 * quarter of an hour after seven.
 */
export async function googleRoutes(t: TestContext, key: string, now: Date) {
  const questions: z.infer<typeof Question>[] = [];
  const misbehaviour: Misbehaviour[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const send = (status: number, body: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(typeof body === 'string' ? body : JSON.stringify(body));
    const refuse = (code: number, status: string, message: string) => send(code, { error: { code, message, status } });
    const trouble = misbehaviour.shift();
    if (trouble?.garbage !== undefined) return send(trouble.status ?? 200, trouble.garbage);
    if (trouble?.status) return refuse(trouble.status, 'UNAVAILABLE', trouble.message ?? '');
    if (request.method !== 'POST' || request.url !== '/directions/v2:computeRoutes')
      return refuse(404, 'NOT_FOUND', 'Not found.');
    if (request.headers['x-goog-api-key'] !== key)
      return refuse(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.');
    if (!request.headers['x-goog-fieldmask'])
      return refuse(400, 'INVALID_ARGUMENT', 'FieldMask is a required parameter.');
    const asked = Question.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (!asked.success) return refuse(400, 'INVALID_ARGUMENT', z.prettifyError(asked.error));
    const { trafficModel, routingPreference, departureTime = now.toISOString(), destination } = asked.data;
    if (trafficModel && routingPreference !== 'TRAFFIC_AWARE_OPTIMAL')
      return refuse(400, 'INVALID_ARGUMENT', 'Traffic model needs TRAFFIC_AWARE_OPTIMAL.');
    const at = new Date(departureTime);
    if (at <= now) return refuse(400, 'INVALID_ARGUMENT', 'Timestamp must be set to a future time.');
    questions.push(asked.data);
    if (destination.address === 'Atlantis') return send(200, {});
    const minutes = 20 + Math.max(0, (at.getHours() - 7) * 4 + at.getMinutes() / 15);
    send(200, { routes: [{ duration: `${minutes * 60}s` }] });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, questions, misbehaviour };
}
