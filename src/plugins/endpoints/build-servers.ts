import { z } from 'zod';
import { integer, secret, text } from '../../sdk/fields.ts';
import { defineEndpoint } from '../../sdk/parts.ts';
import { askEndpoint, callEndpoint, refusal } from '../far-side.ts';

/** What all endpoints that one signs in to by name have. */
export const login = {
  username: text('User name.').optional(),
  password: secret('Password or API token.'),
  fingerprint: text('SHA-256 of certificates that are accepted, divided by commas.').optional(),
};
const pollInterval = integer('Seconds between two looks at a build.', 0).default(15);

export const jenkins = defineEndpoint({
  type: 'jenkins',
  title: 'Jenkins',
  summary: 'A Jenkins server; with an API token as password no crumb is needed.',
  properties: z.looseObject({
    url: text('Address of the server.'),
    ...login,
    folderPath: text('Folder of the jobs, such as `/job/team`.').optional(),
    pollInterval,
    retryCount: integer('How often a call that was not answered is tried again.', 0).default(5),
    retryWaitSeconds: integer('Seconds between these tries.', 0).default(60),
  }),
  async test(endpoint, http) {
    const call = { method: 'GET', path: '/api/json?tree=mode' } as const;
    const answer = await callEndpoint(endpoint, http, call);
    if (answer.status >= 400) throw refusal(endpoint, call, answer);
    return `Jenkins ${answer.headers['x-jenkins'] ?? '(it does not say which)'} answers.`;
  },
});

export const bamboo = defineEndpoint({
  type: 'bamboo',
  title: 'Bamboo',
  summary: 'A Bamboo server or data center; a password without a user name is a personal access token.',
  properties: z.looseObject({ url: text('Address of the server.'), ...login, pollInterval }),
  async test(endpoint, http) {
    const { version } = await askEndpoint(endpoint, http, { method: 'GET', path: '/rest/api/latest/info' });
    await askEndpoint(endpoint, http, { method: 'GET', path: '/rest/api/latest/currentUser' });
    return `Bamboo ${String(version ?? '')} answers.`;
  },
});

export const tfs = defineEndpoint({
  type: 'tfs',
  title: 'Team Foundation Server',
  summary: 'Team Foundation Server or Azure DevOps Server, down to the collection.',
  properties: z.looseObject({
    url: text('Address with the collection, such as https://tfs.example/tfs/DefaultCollection.'),
    ...login,
    domainName: text('Windows domain of the user.').optional(),
    serverVersion: text('2015 or 2017; kept.').optional(),
    pollInterval,
  }),
  async test(endpoint, http) {
    const { count } = await askEndpoint(endpoint, http, { method: 'GET', path: '/_apis/projects?api-version=2.0' });
    return `It answers, and shows ${Number(count ?? 0)} team project${Number(count) === 1 ? '' : 's'}.`;
  },
});

export const vro = defineEndpoint({
  type: 'vro',
  title: 'Orchestrator',
  summary: 'vRealize Orchestrator (Aria Automation Orchestrator).',
  properties: z.looseObject({ url: text('Address of the server; `/vco` is added where it is missing.'), ...login }),
  async test(endpoint, http) {
    const { version } = await askEndpoint(endpoint, http, { method: 'GET', path: `${vcoPath(endpoint)}/api/about` });
    await askEndpoint(endpoint, http, { method: 'GET', path: `${vcoPath(endpoint)}/api/workflows?maxResult=1` });
    return `Orchestrator ${String(version ?? '')} answers.`;
  },
});

/** What to put between the address of an Orchestrator and the path of its API. */
export const vcoPath = ({ properties }: { properties: Record<string, string> }): string =>
  /\/vco\/*$/.test(properties.url ?? '') ? '' : '/vco';
