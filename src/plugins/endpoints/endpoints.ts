import type { z } from 'zod';
import type { EndpointDefinition } from '../../sdk/parts.ts';
import { email } from '../mail.ts';
import { bamboo, jenkins, tfs, vro } from './build-servers.ts';
import { slack, wavefront } from './chat-and-metrics.ts';
import { ansibleEndpoint, puppetEndpoint, saltEndpoint } from './configuration-tools.ts';
import { agent, docker, dockerRegistry, gerrit, git, jira, kubernetes } from './places.ts';

export const endpoints = [
  ...[ansibleEndpoint, puppetEndpoint, saltEndpoint],
  ...[agent, bamboo, docker, dockerRegistry, email, gerrit, git, jenkins, jira, kubernetes, slack, tfs, vro, wavefront],
] as unknown as EndpointDefinition[];

/** Properties that hold secrets are sealed before they are stored. */
export const secretProperties: string[] = [
  ...new Set([
    // Of older files, for what has no type of its own.
    'apiKey',
    ...endpoints.flatMap(({ properties }) =>
      Object.entries(properties.shape as Record<string, z.ZodType>)
        .filter(([, schema]) => schema.meta()?.secret === true)
        .map(([name]) => name),
    ),
  ]),
];
