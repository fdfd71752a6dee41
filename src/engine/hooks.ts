import { messageOf } from '../core/error.ts';
import type { TriggerDefinition, WantedHook } from '../sdk/parts.ts';
import type { Endpoint, Http } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';
import { openedWith, readEndpoint, readVariables } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import { wayOut } from './relay.ts';

/**
 * Makes the hook of a webhook at the far side that its endpoint names, or brings it up to date. What came of it is kept with the
 * webhook, and in its answers: `serverWebhookId`, and `_hook` in words. One that cannot be made does not spoil the webhook, since
 * people can make it themselves.
 */
export async function ensureHook(
  parts: EngineParts,
  { hooks }: TriggerDefinition,
  webhook: Document,
  url: string,
): Promise<Document> {
  if (!hooks || !webhook.body.endpoint) return webhook;
  const after = (serverWebhookId: string, said: string): Document => ({
    ...webhook,
    body: { ...webhook.body, serverWebhookId, _hook: said },
  });
  let next: Document;
  try {
    next = await withEndpoint(parts, webhook, url, async (wanted, endpoint, http) => {
      const id = await hooks.ensure(wanted, endpoint, http);
      return after(id, `The hook at ${endpoint.properties.repoURL ?? endpoint.name} is there.`);
    });
  } catch (thrown) {
    const why = messageOf(thrown);
    next = after(String(webhook.body.serverWebhookId ?? ''), `The hook was not made: ${why} Make it there: ${url}`);
  }
  await parts.store.put(next);
  return next;
}

/** Removes what was made; one that cannot be removed stays behind, and calls nobody. */
export async function removeHook(
  parts: EngineParts,
  { hooks }: TriggerDefinition,
  webhook: Document,
  url: string,
): Promise<void> {
  if (!hooks || !webhook.body.endpoint || !webhook.body.serverWebhookId) return;
  try {
    await withEndpoint(parts, webhook, url, (wanted, endpoint, http) => hooks.remove(wanted, endpoint, http));
  } catch (thrown) {
    parts.report('The hook of a webhook could not be removed.', { webhook: webhook.name, error: messageOf(thrown) });
  }
}

async function withEndpoint<T>(
  parts: EngineParts,
  { project, body }: Document,
  url: string,
  act: (wanted: WantedHook, endpoint: Endpoint, http: Http) => Promise<T>,
): Promise<T> {
  const { values } = await readVariables(parts, project);
  const { endpoint } = await readEndpoint(parts, project, String(body.endpoint), values);
  const { http } = await wayOut(parts, { endpoint });
  const secret = openedWith(parts, body.secretToken, values);
  return act({ url, secret, config: body, known: String(body.serverWebhookId ?? '') }, endpoint, http);
}
