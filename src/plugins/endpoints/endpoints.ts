import { z } from 'zod';
import { text } from '../../sdk/fields.ts';
import { defineEndpoint, type EndpointDefinition } from '../../sdk/parts.ts';
import { email } from '../mail.ts';

const url = text('Address.');
const login = {
  username: text('User name.').optional(),
  password: text('Password.').optional(),
  fingerprint: text('Accepted certificate.').optional(),
};

/** Properties that hold secrets are sealed before they are stored. */
export const secretProperties = [
  'password',
  'token',
  'privateToken',
  'privateKey',
  'passPhrase',
  'outboundPassword',
  'apiKey',
  'certKeyData',
];

/** The endpoint types of the original that are kept, and those that this version speaks to. */
export const endpoints: EndpointDefinition[] = [
  defineEndpoint({
    type: 'slack',
    title: 'Slack',
    summary: 'A workspace, reached with a bot token.',
    properties: z.looseObject({
      url: text('Address of the API; https://slack.com/api/ when empty.').optional(),
      token: text('Bot token with chat:write.'),
    }),
  }),
  defineEndpoint({
    type: 'wavefront',
    title: 'Wavefront',
    summary: 'A proxy (no token) or the service (with a token).',
    properties: z.looseObject({ url, token: text('API token; none for a proxy.').optional() }),
  }),
  defineEndpoint({
    type: 'agent',
    title: 'Remote agent',
    summary: 'Kept, and not used yet.',
    properties: z.looseObject({}),
  }),
  defineEndpoint({
    type: 'git',
    title: 'Git',
    summary: 'A repository; kept for triggers and blueprints.',
    properties: z.looseObject({ repoURL: url.optional(), branch: text('Branch.').optional(), ...login }),
  }),
  email,
  ...['docker', 'dockerregistry', 'gerrit', 'jenkins', 'jira', 'k8s', 'bamboo', 'tfs', 'vro'].map((type) =>
    defineEndpoint({
      type,
      title: type,
      summary: 'Kept as it was written, and not used yet.',
      properties: z.looseObject({}),
    }),
  ),
];
