import { z } from 'zod';
import { json, operation } from './define.ts';
import type { Operation } from './operation.ts';

const text = z.string();

const runnable = z.looseObject({ id: text.min(1), type: text.default('abx.action') });
const customType = z.looseObject({
  displayName: text.default(''),
  resourceType: text.regex(/^Custom\.[\w.-]+$/, 'begins with Custom.'),
  mainActions: z.record(z.string(), runnable),
  additionalActions: z.array(json).default([]),
  properties: json.default({}),
});
const customAction = z.looseObject({
  name: text.min(1),
  displayName: text.default(''),
  resourceType: text.min(1),
  runnableItem: runnable,
});

/** What users make of functions, as the form service keeps it; the same name again replaces it. */
const custom = (path: string, tag: string, what: string, body: z.ZodObject): Operation[] => [
  operation(`${tag}.list`, `GET /form-service/api/custom/${path}`, 'read', `Lists ${what}.`),
  operation(
    `${tag}.create`,
    `POST /form-service/api/custom/${path}`,
    'develop',
    `Makes or replaces one of the ${what}.`,
    { body },
  ),
  operation(`${tag}.get`, `GET /form-service/api/custom/${path}/{id}`, 'read', `One of the ${what}.`),
  operation(`${tag}.delete`, `DELETE /form-service/api/custom/${path}/{id}`, 'develop', `Deletes one of the ${what}.`, {
    status: 204,
  }),
];

/** Where blueprints and types of resources come from: repositories, and functions. */
export const cloudContent: readonly Operation[] = [
  operation(
    'content-sources.list',
    'GET /content/api/sources',
    'read',
    'Repositories whose blueprints are taken over.',
  ),
  operation(
    'content-sources.create',
    'POST /content/api/sources',
    'develop',
    'Names one: `{name, typeId, projectId, config: {path, branch, repository, integrationId}}`.',
    {
      body: z.looseObject({
        name: text.min(1),
        projectId: text.min(1),
        typeId: text.default('com.github'),
        config: json,
      }),
      status: 201,
    },
  ),
  operation('content-sources.get', 'GET /content/api/sources/{id}', 'read', 'One of them.'),
  operation(
    'content-sources.delete',
    'DELETE /content/api/sources/{id}',
    'develop',
    'Forgets one; its blueprints stay.',
    { status: 204 },
  ),
  operation(
    'content-syncs.create',
    'POST /content/api/sourcecontrol/sync-requests',
    'develop',
    'Takes over what a source holds: `{sourceId}`.',
    {
      body: json,
      status: 202,
    },
  ),
  operation(
    'content-syncs.all',
    'POST /content/api/sourcecontrol/sync-all-requests',
    'develop',
    'Takes over what all sources hold, or those of some projects: `{projectIds}`.',
    { body: json, status: 202 },
  ),
  operation('content-syncs.get', 'GET /content/api/sourcecontrol/sync-requests/{id}', 'read', 'How that stands.'),
  operation(
    'content-syncs.history',
    'GET /content/api/sourcecontrol/sync-history',
    'read',
    'What was taken over, file by file, newest first.',
  ),
  ...custom('resource-types', 'custom-types', 'types that functions make', customType),
  ...custom('resource-actions', 'custom-actions', 'actions that functions perform', customAction),
];
