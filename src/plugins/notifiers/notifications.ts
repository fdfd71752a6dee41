import { createHash } from 'node:crypto';
import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { objectsIn } from '../../core/json.ts';
import { filledText, text, textMap, texts } from '../../sdk/fields.ts';
import { defineNotification } from '../../sdk/parts.ts';
import { askEndpoint } from '../far-side.ts';
import { sendMail } from '../mail.ts';

/** What all of them have beside what they send. */
const where = {
  event: text('`SUCCESS`, `FAILURE`, `WAITING`, `CANCELED` or `STARTED`.'),
  stage: text('The stage that it is about; the whole run when empty.').optional(),
  task: text('The task of that stage that it is about.').optional(),
};

export const emailNotification = defineNotification({
  type: 'email',
  title: 'Mail',
  summary: 'Sends a mail.',
  endpointType: 'email',
  config: z.looseObject({
    ...where,
    endpoint: text('The mail server.'),
    to: texts('Addresses or user names.').default([]),
    subject: text('Subject.').default(''),
    body: text('HTML, or plain lines.').default(''),
  }),
  /** The id of a mail follows from its key, so that a second one can be told. */
  async send({ to, subject, body }, { key, endpoint, addressesOf }) {
    const addresses = await addressesOf(to, []);
    if (addresses.length === 0)
      return {
        responseCode: 0,
        responseMessage: `Nobody of ${to.join(', ') || '(nobody)'} has a mail address that is known.`,
      };
    await sendMail(endpoint!, { id: key, to: addresses, subject, html: body });
    return { responseCode: 250, responseMessage: `Sent to ${addresses.join(', ')}.` };
  },
});

export const webhookNotification = defineNotification({
  type: 'webhook',
  title: 'Webhook',
  summary: 'Calls an HTTP address, with the key of the notification as `Idempotency-Key`.',
  endpointType: undefined,
  config: z.looseObject({
    ...where,
    url: filledText('Address.'),
    action: z
      .preprocess((value) => String(value || 'post').toLowerCase(), z.enum(['post', 'put', 'patch']))
      .describe('`post`, `put` or `patch`.')
      .default('post'),
    headers: textMap('Header to value.').default({}),
    payload: text('Body.').default(''),
    agent: text('Remote agent; kept.').optional(),
    cloudProxyId: text('Remote agent; kept.').optional(),
  }),
  async send({ url, action, headers, payload }, { key, http }) {
    const named = Object.keys(headers).map((name) => name.toLowerCase());
    const type: Record<string, string> = named.includes('content-type') ? {} : { 'content-type': 'application/json' };
    const answer = await http({
      method: action.toUpperCase(),
      url,
      headers: { 'idempotency-key': key, ...type, ...headers },
      body: payload,
      timeout: 10_000,
    });
    // A receiver that is in trouble is asked again; one that refuses has said all that it will.
    if (answer.status >= 500 || answer.status === 429)
      throw new MillraceError('endpoint.unreachable', { message: `The webhook answered ${answer.status}.` });
    return { responseCode: answer.status, responseMessage: answer.body.slice(0, 300) };
  },
});

export const jiraNotification = defineNotification({
  type: 'jira',
  title: 'Jira ticket',
  summary: 'Makes a ticket. It carries a label by which it is found again, so that none is made twice.',
  endpointType: 'jira',
  config: z.looseObject({
    ...where,
    endpoint: text('The Jira server.'),
    project: filledText('Key of the project.'),
    issuetype: text('Type of the ticket.').default('Bug'),
    assignee: text('User name of whom it is for.').default(''),
    summary: filledText('Summary.'),
    description: text('Description.').default(''),
    action: text('`create`.').optional(),
  }),
  async send({ project, issuetype, assignee, summary, description }, { key, isRepeat, endpoint, http }) {
    const label = `millrace-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
    const known = isRepeat ? await findTicket(label) : undefined;
    const ticket =
      known ??
      (await askEndpoint(endpoint!, http, {
        method: 'POST',
        path: '/rest/api/2/issue',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          fields: {
            project: { key: project },
            issuetype: { name: issuetype },
            summary: summary.replace(/\s+/g, ' ').slice(0, 255),
            description,
            labels: [label],
            ...(assignee ? { assignee: { name: assignee } } : {}),
          },
        }),
      }));
    const link = `${(endpoint!.properties.url ?? '').replace(/\/+$/, '')}/browse/${String(ticket.key)}`;
    return {
      responseCode: 201,
      responseMessage: `Ticket ${String(ticket.key)}.`,
      jiraResponse: { ID: String(ticket.key), link },
    };

    async function findTicket(wanted: string) {
      const query = new URLSearchParams({ jql: `labels = "${wanted}"`, fields: 'summary', maxResults: '1' });
      const { issues } = await askEndpoint(endpoint!, http, { method: 'GET', path: `/rest/api/2/search?${query}` });
      return objectsIn(issues)[0];
    }
  },
});
