import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject, parseJson } from '../../core/json.ts';
import { text } from '../../sdk/fields.ts';
import { defineNotifier, type NoticeMessage } from '../../sdk/parts.ts';
import type { Endpoint, Http } from '../../sdk/powers.ts';

/** Marks our messages, so that one whose answer was lost is found instead of sent again. */
const eventType = 'millrace_notice';

export const slack = defineNotifier({
  type: 'slack',
  title: 'Slack',
  summary: 'One thread per run: a message coloured by its state, and a reply as each task ends.',
  endpointType: 'slack',
  config: z.object({ channel: text('Name or id of the channel.') }),

  async send(message, config, endpoint, http) {
    const thread = message.thread;
    if (!thread) {
      const posted =
        (message.isRepeat
          ? await findSent(message.key, String(config.channel), undefined, endpoint, http)
          : undefined) ??
        (await call('chat.postMessage', { channel: String(config.channel), ...bodyOf(message) }, endpoint, http));
      return { channel: String(posted.channel), ts: String(posted.ts) };
    }
    const { channel, ts } = thread as { channel: string; ts: string };
    const isSent = message.isRepeat && (await findSent(message.key, channel, ts, endpoint, http)) !== undefined;
    if (!isSent)
      await call(
        'chat.postMessage',
        {
          channel,
          thread_ts: ts,
          reply_broadcast: message.kind === 'ended' && /FAILED|ROLLBACK/.test(message.status),
          ...bodyOf(message),
        },
        endpoint,
        http,
      );
    if (message.kind === 'ended' || message.kind === 'waiting')
      await call('chat.update', { channel, ts, ...bodyOf({ ...message, kind: 'started' }) }, endpoint, http);
    return thread;
  },
});

function bodyOf({ key, title, text: said, status, link, kind }: NoticeMessage): JsonObject {
  const shown = escaped(said);
  const isParent = kind === 'started';
  return {
    text: shown,
    attachments: [
      {
        color: colourOf(status),
        fallback: shown,
        ...(isParent ? { title: escaped(title), title_link: link } : {}),
        text: shown,
      },
    ],
    unfurl_links: false,
    metadata: { event_type: eventType, event_payload: { key } },
  };
}

const colourOf = (status: string): string =>
  status === 'COMPLETED'
    ? 'good'
    : ['FAILED', 'ROLLBACK_COMPLETED', 'ROLLBACK_FAILED'].includes(status)
      ? 'danger'
      : ['WAITING', 'CANCELED', 'FAILED_CONTINUE'].includes(status)
        ? 'warning'
        : '#439fe0';
const escaped = (said: string): string =>
  said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').slice(0, 4000);

/** Looks in the channel, or in a thread, for a message that carries our key. */
async function findSent(
  key: string,
  channel: string,
  ts: string | undefined,
  endpoint: Endpoint,
  http: Http,
): Promise<JsonObject | undefined> {
  const answer = await call(
    ts ? 'conversations.replies' : 'conversations.history',
    { channel, include_all_metadata: true, limit: 200, ...(ts ? { ts } : {}) },
    endpoint,
    http,
  );
  const messages = Array.isArray(answer.messages) ? answer.messages.filter(isObject) : [];
  const found = messages.find(
    ({ metadata }) =>
      isObject(metadata) &&
      metadata.event_type === eventType &&
      isObject(metadata.event_payload) &&
      metadata.event_payload.key === key,
  );
  return found && { channel: answer.channel ?? channel, ts: found.ts! };
}

/** HTTP 200 does not mean success here: `ok` does. */
async function call(method: string, body: JsonObject, { properties }: Endpoint, http: Http): Promise<JsonObject> {
  const base = (properties.url || 'https://slack.com/api/').replace(/\/?$/, '/');
  const answer = await http({
    method: 'POST',
    url: `${base}${method}`,
    headers: {
      authorization: `Bearer ${properties.token}`,
      'content-type': 'application/json; charset=utf-8',
    },
    body: JSON.stringify(body),
    timeout: 10_000,
  });
  const json = parseJson(answer.body);
  if (isObject(json) && json.ok === true) return json;
  const reason = isObject(json) ? String(json.error) : `status ${answer.status}`;
  throw new MillraceError('endpoint.unreachable', {
    message: `Slack refused ${method}: ${reason}.`,
    hint: reason === 'invalid_auth' ? 'Check the token of the endpoint.' : 'It is tried again.',
  });
}
