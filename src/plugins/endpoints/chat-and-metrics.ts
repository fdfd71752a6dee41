import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { secret, text } from '../../sdk/fields.ts';
import { defineEndpoint } from '../../sdk/parts.ts';
import { askEndpoint } from '../far-side.ts';

export const slack = defineEndpoint({
  type: 'slack',
  title: 'Slack',
  summary: 'A workspace, reached with a bot token.',
  properties: z.looseObject({
    url: text('Address of the API; https://slack.com/api/ when empty.').optional(),
    token: secret('Bot token with chat:write.'),
  }),
  async test(endpoint, http) {
    const url = endpoint.properties.url || 'https://slack.com/api';
    const known = { ...endpoint, properties: { ...endpoint.properties, url } };
    // A status of 200 does not mean that it worked.
    const { ok, team, user, error } = await askEndpoint(known, http, { method: 'POST', path: '/auth.test' });
    if (ok !== true)
      throw new MillraceError('endpoint.refused', {
        message: `Endpoint ${endpoint.name}: Slack says ${String(error)}.`,
      });
    return `Slack answers: ${String(user)} in ${String(team)}.`;
  },
});

export const wavefront = defineEndpoint({
  type: 'wavefront',
  title: 'Wavefront',
  summary: 'A proxy (no token) or the service (with a token).',
  properties: z.looseObject({ url: text('Address.'), token: secret('API token; none for a proxy.') }),
});
