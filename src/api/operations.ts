import { cloudAssembly } from './cloud-assembly.ts';
import { cloudContent } from './cloud-content.ts';
import { codestream } from './codestream.ts';
import { anyText, json, operation } from './define.ts';
import { infrastructureOperations } from './infrastructure.ts';
import { machineOperations } from './machines.ts';
import type { Operation } from './operation.ts';

const groups = '/properties/api/property-groups';
const blueprint = '/blueprint/api/blueprints/{id}';
const projects = (path: string, names: { list: string; of: string; inside: string }, deleted: number): Operation[] => [
  operation(`projects.${names.list}`, `GET ${path}`, 'read', 'Projects.'),
  operation(`projects.create${names.inside}`, `POST ${path}`, 'administer', 'Makes a project: `{name, description}`.', {
    body: json,
    status: 201,
  }),
  operation(`projects.get${names.of}`, `GET ${path}/{id}`, 'read', 'One project.'),
  operation(`projects.change${names.inside}`, `PATCH ${path}/{id}`, 'administer', 'Changes its description.', {
    body: json,
  }),
  operation(
    `projects.delete${names.of}`,
    `DELETE ${path}/{id}`,
    'administer',
    'Deletes a project that holds nothing.',
    {
      status: deleted,
    },
  ),
];

/** Everything that may be asked, in one list. */
export const operations: readonly Operation[] = [
  operation('login.password', 'POST /csp/gateway/am/api/login', 'public', 'User name and password for tokens.', {
    body: json,
  }),
  operation('login.domain', 'POST /csp/gateway/am/idp/auth/login', 'public', 'The same with a domain.', {
    body: json,
  }),
  operation(
    'login.refresh',
    'POST /csp/gateway/am/api/auth/api-tokens/authorize',
    'public',
    'A refresh token for an access token.',
    { body: anyText },
  ),
  operation('login.iaas', 'POST /iaas/api/login', 'public', 'A refresh token for a bearer token.', {
    body: json,
  }),
  operation('login.iaasOld', 'POST /iaas/login', 'public', 'The same, at its older address.', { body: json }),
  ...projects('/iaas/api/projects', { list: 'iaas', of: '', inside: '' }, 204),
  ...projects('/project-service/api/projects', { list: 'service', of: 'FromService', inside: 'InService' }, 200),
  ...codestream,
  ...infrastructureOperations,
  operation(
    'agents.take',
    'POST /api/agents/calls',
    'relay',
    'What the agent that asks shall do; waits for it up to 20 s.',
    {
      body: json,
    },
  ),
  operation('agents.answer', 'POST /api/agents/calls/{id}', 'relay', 'What came of one: `{result}` or `{error}`.', {
    body: json,
    largest: 16 * 2 ** 20,
  }),
  operation('answers.get', 'GET /api/answers/{token}', 'public', 'The question behind the link of a mail.'),
  operation(
    'answers.give',
    'POST /api/answers/{token}',
    'public',
    'Answers it, once: `{status: APPROVED|REJECTED, responseMessage}`. The link says who does.',
    { body: json },
  ),
  operation('property-groups.list', `GET ${groups}`, 'read', 'Lists property groups: `?name=&type=INPUT|CONSTANT`.'),
  operation('property-groups.create', `POST ${groups}`, 'develop', 'Makes one: `{name, type, properties}`.', {
    body: json,
    status: 201,
  }),
  operation('property-groups.get', `GET ${groups}/{id}`, 'read', 'One property group.'),
  operation('property-groups.replace', `PUT ${groups}/{id}`, 'develop', 'Replaces one.', { body: json }),
  operation('property-groups.delete', `DELETE ${groups}/{id}`, 'develop', 'Deletes one.', { status: 204 }),
  operation('blueprints.list', 'GET /blueprint/api/blueprints', 'read', 'Lists blueprints.'),
  operation(
    'blueprints.create',
    'POST /blueprint/api/blueprints',
    'develop',
    'Makes a blueprint; saved even when it has errors.',
    { body: json, status: 201 },
  ),
  operation('blueprints.get', 'GET /blueprint/api/blueprints/{id}', 'read', 'One blueprint with its text.'),
  operation('blueprints.replace', 'PUT /blueprint/api/blueprints/{id}', 'develop', 'Replaces a blueprint.', {
    body: json,
  }),
  operation(
    'blueprints.delete',
    'DELETE /blueprint/api/blueprints/{id}',
    'develop',
    'Deletes a blueprint; deployments stay.',
    { status: 204 },
  ),
  operation('blueprint-versions.list', `GET ${blueprint}/versions`, 'read', 'Its versions, newest first.'),
  operation(
    'blueprint-versions.create',
    `POST ${blueprint}/versions`,
    'develop',
    'Freezes the draft: `{version, description, changeLog, release}`.',
    { body: json, status: 201 },
  ),
  operation('blueprint-versions.get', `GET ${blueprint}/versions/{version}`, 'read', 'One version with its text.'),
  operation(
    'blueprint-versions.release',
    `POST ${blueprint}/versions/{version}/actions/release`,
    'develop',
    'Releases a version.',
  ),
  operation(
    'blueprint-versions.unrelease',
    `POST ${blueprint}/versions/{version}/actions/unrelease`,
    'develop',
    'Takes the release back.',
  ),
  operation(
    'blueprint-versions.restore',
    `POST ${blueprint}/versions/{version}/actions/restore`,
    'develop',
    'Makes a version the draft again.',
  ),
  operation('blueprints.validate', 'POST /blueprint/api/blueprint-validation', 'read', 'Checks a text.', {
    body: json,
  }),
  ...cloudAssembly,
  ...machineOperations,
  ...cloudContent,
  operation('actions.list', 'GET /abx/api/resources/actions', 'read', 'Lists functions.'),
  operation('actions.create', 'POST /abx/api/resources/actions', 'develop', 'Makes a function.', {
    body: json,
  }),
  operation('actions.get', 'GET /abx/api/resources/actions/{id}', 'read', 'One function.'),
  operation('actions.replace', 'PUT /abx/api/resources/actions/{id}', 'develop', 'Replaces a function.', {
    body: json,
  }),
  operation('actions.delete', 'DELETE /abx/api/resources/actions/{id}', 'develop', 'Deletes a function.', {
    status: 204,
  }),
  operation(
    'action-runs.start',
    'POST /abx/api/resources/actions/{id}/action-runs',
    'execute',
    'Runs a function; the same `Idempotency-Key` twice is one run.',
    { body: json },
  ),
  operation(
    'action-runs.startOld',
    'POST /abx/api/resources/action-runs',
    'execute',
    'The same, with the id in the body.',
    { body: json },
  ),
  operation('action-runs.list', 'GET /abx/api/resources/action-runs', 'read', 'Runs of functions.'),
  operation('action-runs.get', 'GET /abx/api/resources/action-runs/{id}', 'read', 'One run.'),
  operation('action-runs.cancel', 'PATCH /abx/api/resources/action-runs/{id}', 'execute', 'Cancels a run.', {
    body: json,
  }),
  operation('users.list', 'GET /api/users', 'administer', 'Users, with their roles and groups.'),
  operation(
    'users.create',
    'POST /api/users',
    'administer',
    'Makes a user: `{name, password, role, email, groups}`; groups are made by being named.',
    { body: json, status: 201 },
  ),
  operation('users.get', 'GET /api/users/{name}', 'administer', 'One user.'),
  operation(
    'users.change',
    'PATCH /api/users/{name}',
    'administer',
    'Changes a user: `{password, role, email, groups}`, each where it is given; a new password ends all tokens.',
    { body: json },
  ),
  operation('users.delete', 'DELETE /api/users/{name}', 'administer', 'Removes a user, whose tokens end at once.'),
  operation(
    'events.stream',
    'GET /api/events',
    'read',
    'Live events (SSE): all, those of one run (`execution`), of some types (`types`, with commas); goes on behind `Last-Event-ID`.',
  ),
  operation(
    'logs.get',
    'GET /api/executions/{id}/logs',
    'read',
    'The log of a task: `?task=Stage.Task&from=0`; of its newest attempt, or of `&attempt=1`.',
  ),
  operation('logs.stream', 'GET /api/executions/{id}/logs/stream', 'read', 'The same, live (SSE).'),
  operation(
    'statistics.get',
    'GET /api/statistics',
    'read',
    'Figures of pipelines, as on the dashboards of the original: `?project=&pipeline=&days=30`; counts, and means in milliseconds.',
  ),
  operation('nodes.list', 'GET /api/nodes', 'read', 'The servers that share this database, and their machines.'),
  operation('metrics.get', 'GET /metrics', 'read', 'What this node has counted, in the format of Prometheus.'),
  operation('openapi.get', 'GET /api/openapi.json', 'public', 'This description.'),
];
