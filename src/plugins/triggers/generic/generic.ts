import { z } from 'zod';
import { isObject, type Json, type JsonObject, at as jsonAt } from '../../../core/json.ts';
import { parseCondition } from '../../../lang/condition.ts';
import { ExpressionError } from '../../../lang/tokens.ts';
import { text, textMap } from '../../../sdk/fields.ts';
import { defineTrigger, type TriggerEvent, type TriggerVerdict } from '../../../sdk/parts.ts';
import { deliveryOf, knowsSecret, readJson } from '../webhook-body.ts';

const config = z.looseObject({
  mapping: textMap('Input to where its value stands: `body.path.to[0].value`, or `headers.name`.').default({}),
  condition: text('Must hold for a run, over `body` and `headers`; always when empty.')
    .refine((written) => faultOf(written) === undefined, { error: ({ input }) => faultOf(String(input)) ?? '' })
    .default(''),
  author: text('Where the name of whoever caused it stands, such as `body.user.name`.').default(''),
});

interface GenericEvent extends TriggerEvent {
  body: Json;
  headers: JsonObject;
}

export const generic = defineTrigger({
  type: 'generic',
  title: 'Webhook',
  summary: 'Starts a pipeline when anybody posts JSON, with inputs taken from it.',
  words: {
    kind: 'generic-webhook',
    path: 'generic-webhooks',
    listeners: 'generic-webhook-listeners',
    event: 'generic-event',
    events: 'generic-events',
    comment: 'Webhook triggered execution',
  },
  config,

  isGenuine: knowsSecret,

  read(headers, body): GenericEvent {
    const { authorization: _, cookie: __, 'x-millrace-secret': ___, ...shown } = headers;
    const delivery = headers['idempotency-key'] ?? headers['x-request-id'] ?? headers['x-github-delivery'];
    return { kind: 'POST', delivery: delivery ?? deliveryOf(body), body: readJson(body), headers: shown };
  },

  match({ body, headers }: GenericEvent, { mapping, condition, author }): TriggerVerdict {
    const fields: JsonObject = { body, headers };
    if (condition && !parseCondition(condition).holds(() => undefined, fields))
      return { ignore: `The condition does not hold: ${condition}` };
    const input: Record<string, string> = {};
    for (const [name, place] of Object.entries(mapping)) {
      const value = jsonAt(fields, pathOf(place));
      if (value === undefined || value === null)
        return { ignore: `There is no ${place}, which the input ${name} is taken from.` };
      input[name] = isObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value);
    }
    const by = author ? jsonAt(fields, pathOf(author)) : undefined;
    const name = by === undefined || by === null || isObject(by) ? 'webhook' : String(by);
    return { fire: { input, author: name, tags: [] } };
  },

  record: ({ body }: GenericEvent) => ({ body: JSON.stringify(body).slice(0, 2000) }),
});

/** `a.b[0].c`, also with a quoted key: `a["odd key"]`. */
const pathOf = (place: string): string[] =>
  [...place.matchAll(/\[\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*\]|([^.[\]]+)/g)].map(
    ([, a, b, c, d]) => a ?? b ?? c ?? d ?? '',
  );

function faultOf(condition: string): string | undefined {
  try {
    if (condition.trim()) parseCondition(condition);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return `the condition cannot be read: ${thrown.message}`;
    throw thrown;
  }
}
