import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { MillraceError } from '../../src/core/error.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { powerActions } from '../../src/plugins/clouds/power.ts';
import { type CloudOutcome, type CloudResourceDefinition, defineCloudResource } from '../../src/sdk/cloud.ts';

/** What the cloud does to a call. `lose`: it does what is asked, and the answer never comes. */
export type Mishap = 'none' | 'lose' | 'throttle' | 'refuse-connection' | 'slow';

/**
 * A cloud that keeps machines by a token of the client, as clouds do: the same token twice is one machine; stricter, a machine that is
 * still being made cannot be changed, and one that is gone cannot be removed twice. `mishap` says what becomes of each call.
 */
export async function lossyCloud(t: Pick<TestContext, 'after'>, mishap: (call: number) => Mishap) {
  const things = new Map<string, { made: number; changed: number; label: string; isOn: boolean }>();
  const everMade = new Map<string, number>();
  let calls = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const what = mishap(calls++);
      if (what === 'refuse-connection') return void request.socket.destroy();
      if (what === 'throttle') return void response.writeHead(429).end();
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as { label?: string; isOn?: boolean };
      const token = decodeURIComponent(new URL(request.url!, 'http://cloud').pathname.slice(1));
      const { status, answer } = perform(request.method!, token, body.label ?? '', body.isOn ?? true);
      if (what === 'lose') return void request.socket.destroy();
      const send = () => void response.writeHead(status).end(JSON.stringify(answer));
      if (what === 'slow') setTimeout(send, 50);
      else send();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { things, everMade, calls: () => calls, resources: [machineOf(url)] as unknown as CloudResourceDefinition[] };

  function perform(
    method: string,
    token: string,
    label: string,
    isOn: boolean,
  ): { status: number; answer: JsonObject } {
    const known = things.get(token);
    if (method === 'PUT') {
      if (!known) {
        things.set(token, { made: 1, changed: 0, label, isOn: true });
        everMade.set(token, (everMade.get(token) ?? 0) + 1);
      }
      return { status: 200, answer: { id: token, label: things.get(token)!.label } };
    }
    if (!known) return { status: 404, answer: { message: 'There is no such machine.' } };
    if (method === 'PATCH') Object.assign(known, { label, changed: known.changed + 1 });
    if (method === 'POST' && known.isOn === isOn) return { status: 409, answer: { message: 'It is so already.' } };
    if (method === 'POST') known.isOn = isOn;
    if (method === 'DELETE') things.delete(token);
    return { status: 200, answer: { id: token, label: known.label } };
  }
}

const machineOf = (url: string) => {
  const call = async (
    method: string,
    identity: string,
    label = '',
    isOn = true,
  ): Promise<{ status: number; answer: JsonObject }> => {
    let response: Response;
    try {
      const body = method === 'DELETE' || method === 'GET' ? undefined : JSON.stringify({ label, isOn });
      response = await fetch(`${url}/${encodeURIComponent(identity)}`, { method, ...(body ? { body } : {}) });
    } catch (cause) {
      throw new MillraceError('endpoint.unreachable', { message: 'The cloud did not answer.', cause });
    }
    if (response.status === 429) throw new MillraceError('endpoint.throttled', { message: 'The cloud asks to wait.' });
    return { status: response.status, answer: (await response.json()) as JsonObject };
  };
  const outcome = ({ status, answer }: Awaited<ReturnType<typeof call>>): CloudOutcome =>
    status < 300 ? { done: answer } : { failed: String(answer.message) };
  /** A repeated switch finds what the first one did. */
  const power = async (isOn: boolean, identity: string): Promise<CloudOutcome> => {
    const { status, answer } = await call('POST', identity, '', isOn);
    return status === 409 || status < 300
      ? { done: { powerState: isOn ? 'ON' : 'OFF' } }
      : { failed: String(answer.message) };
  };
  return defineCloudResource({
    type: 'Cloud.Machine',
    accountType: 'lossy',
    title: 'Machine',
    summary: 'Of a cloud that loses answers.',
    properties: z.looseObject({ label: z.string().default('') }),
    attributes: { id: 'Identity.' },
    create: async ({ label }, { identity }) => {
      const made = outcome(await call('PUT', identity, label));
      return 'done' in made ? { done: { ...made.done, powerState: 'ON' } } : made;
    },
    update: async ({ label }, _, { identity }) => outcome(await call('PATCH', identity, label)),
    async destroy(_, { identity }) {
      const answer = await call('DELETE', identity);
      return answer.status === 404 ? { done: {} } : outcome(answer);
    },
    actions: powerActions({
      on: (_, { identity }) => power(true, identity),
      off: (_, { identity }) => power(false, identity),
      reboot: (_, { identity }) => power(true, identity),
    }),
    async read(_, { identity }) {
      const { status } = await call('GET', identity);
      return status === 404 ? 'gone' : {};
    },
  });
};
