import { z } from 'zod';
import type { Operation, Permission } from './operation.ts';

const json = z.record(z.string(), z.json());
const anyText = z.unknown();

const operation = (
  id: string,
  route: string,
  permission: Permission,
  summary: string,
  extra: Partial<Operation> = {},
): Operation => {
  const [method, path] = route.split(' ') as [Operation['method'], string];
  return { id, method, path, permission, summary, tag: id.split('.')[0]!, ...extra };
};

/** Create, read, change and delete for one kind of definition, by id and by project and name. */
const crud = (tag: string, path: string, what: string, write: Permission): Operation[] => [
  operation(`${tag}.list`, `GET ${path}`, 'read', `Lists ${what}.`),
  operation(`${tag}.create`, `POST ${path}`, write, `Makes one of the ${what}.`, { body: json }),
  operation(`${tag}.get`, `GET ${path}/{id}`, 'read', `One of the ${what}.`),
  operation(`${tag}.getByName`, `GET ${path}/{project}/{name}`, 'read', `One of the ${what}, by project and name.`),
  operation(`${tag}.replace`, `PUT ${path}/{id}`, write, `Replaces one of the ${what}.`, { body: json }),
  operation(
    `${tag}.replaceByName`,
    `PUT ${path}/{project}/{name}`,
    write,
    `Replaces one of the ${what}, by project and name.`,
    { body: json },
  ),
  operation(`${tag}.delete`, `DELETE ${path}/{id}`, write, `Deletes one of the ${what} and answers it.`),
  operation(
    `${tag}.deleteByName`,
    `DELETE ${path}/{project}/{name}`,
    write,
    `Deletes one of the ${what}, by project and name.`,
  ),
];

const blueprint = '/blueprint/api/blueprints/{id}';
const version = '{cs}/custom-integrations/{id}/versions/{version}';
const integrations: Operation[] = [
  ...crud('custom-integrations', '{cs}/custom-integrations', 'custom integrations', 'develop'),
  operation('custom-integrations.versions', 'GET {cs}/custom-integrations/{id}/versions', 'read', 'Its versions.'),
  operation(
    'custom-integrations.freeze',
    'POST {cs}/custom-integrations/{id}/versions',
    'develop',
    'Freezes the draft: `{version, description, changeLog}`.',
    { body: json },
  ),
  operation('custom-integrations.version', `GET ${version}`, 'read', 'One version.'),
  operation('custom-integrations.deleteVersion', `DELETE ${version}`, 'develop', 'Deletes a version.'),
  operation('custom-integrations.release', `POST ${version}/release`, 'develop', 'Makes a version usable.'),
  operation('custom-integrations.deprecate', `POST ${version}/deprecate`, 'develop', 'Usable, but not for new use.'),
  operation('custom-integrations.withdraw', `POST ${version}/withdraw`, 'develop', 'Makes a version unusable.'),
  operation('custom-integrations.restore', `POST ${version}/restore`, 'develop', 'Copies a version to the draft.'),
];

const codestream: Operation[] = [
  operation('about.codestream', 'GET {cs}/about', 'public', 'Versions of this API.'),
  ...crud('pipelines', '{cs}/pipelines', 'pipelines', 'develop'),
  operation('pipelines.patch', 'PATCH {cs}/pipelines/{id}', 'develop', 'Changes name, description, state or tags.', {
    body: json,
  }),
  operation(
    'pipelines.patchByName',
    'PATCH {cs}/pipelines/{project}/{name}',
    'develop',
    'The same, by project and name.',
    { body: json },
  ),
  operation('executions.start', 'POST {cs}/pipelines/{id}/executions', 'execute', 'Starts a run.', {
    body: json,
    status: 202,
  }),
  operation(
    'executions.startByName',
    'POST {cs}/pipelines/{project}/{name}/executions',
    'execute',
    'Starts a run, by project and name.',
    { body: json, status: 202 },
  ),
  operation('executions.ofPipeline', 'GET {cs}/pipelines/{id}/executions', 'read', 'The runs of a pipeline.'),
  operation(
    'executions.ofPipelineByName',
    'GET {cs}/pipelines/{project}/{name}/executions',
    'read',
    'The runs of a pipeline, by project and name.',
  ),
  operation(
    'executions.ofPipelineByIndex',
    'GET {cs}/pipelines/{id}/executions/{index}',
    'read',
    'One run of a pipeline, by its number.',
  ),
  operation('executions.list', 'GET {cs}/executions', 'read', 'Lists runs, newest first.'),
  operation('executions.get', 'GET {cs}/executions/{id}', 'read', 'One run with stages and tasks.'),
  operation(
    'executions.act',
    'POST {cs}/executions/{id}',
    'execute',
    'Acts on a run: `?action=cancel|pause|resume|rerun|tag`; `rerun&fromFailed=true` keeps what succeeded.',
    {
      body: json,
    },
  ),
  ...crud('endpoints', '{cs}/endpoints', 'endpoints', 'develop'),
  ...crud('variables', '{cs}/variables', 'variables', 'develop'),
  ...crud('git-webhooks', '{cs}/git-webhooks', 'Git webhooks', 'develop'),
  ...integrations,
  operation('git-events.list', 'GET {cs}/git-events', 'read', 'What webhooks received: fired, or ignored and why.'),
  operation('git-events.get', 'GET {cs}/git-events/{id}', 'read', 'One of them.'),
  operation(
    'git-webhook.receive',
    'POST {cs}/git-webhook-listeners/{id}',
    'public',
    'Where Git servers post events; checked by their signature.',
    { body: anyText },
  ),
  operation('user-operations.list', 'GET {cs}/user-operations', 'signed-in', 'Questions to people.'),
  operation('user-operations.get', 'GET {cs}/user-operations/{id}', 'signed-in', 'One question.'),
  operation(
    'user-operations.answer',
    'PATCH {cs}/user-operations/{id}',
    'answer',
    'Answers: `{status: APPROVED|REJECTED, responseMessage}`.',
    { body: json },
  ),
  operation('user-operations.answerByPost', 'POST {cs}/user-operations/{id}', 'answer', 'The same.', {
    body: json,
  }),
  operation('user-operations.batch', 'POST {cs}/batch-user-operations', 'answer', 'Answers many.', {
    body: json,
  }),
  operation('files.export', 'GET {cs}/export', 'read', 'Definitions as YAML, byte for byte as they came.'),
  operation('files.import', 'POST {cs}/import', 'develop', 'Takes YAML of any kind: `?action=create|apply`.', {
    body: anyText,
  }),
  operation('user.preferences', 'GET {cs}/user-preferences', 'signed-in', 'Who the token belongs to.'),
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
  operation('projects.iaas', 'GET /iaas/api/projects', 'read', 'Projects.'),
  operation('projects.service', 'GET /project-service/api/projects', 'read', 'Projects.'),
  ...codestream,
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
  operation('deployments.list', 'GET /deployment/api/deployments', 'read', 'Lists deployments.'),
  operation(
    'deployments.get',
    'GET /deployment/api/deployments/{id}',
    'read',
    'One deployment: resources, and why each stands where it does.',
  ),
  operation('zones.list', 'GET /api/cloud-zones', 'read', 'Cloud zones.'),
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
  operation('events.stream', 'GET /api/events', 'read', 'Live events (SSE); goes on behind `Last-Event-ID`.'),
  operation(
    'logs.get',
    'GET /api/executions/{id}/logs',
    'read',
    'The log of a task: `?task=Stage.Task&from=0`; of its newest attempt, or of `&attempt=1`.',
  ),
  operation('logs.stream', 'GET /api/executions/{id}/logs/stream', 'read', 'The same, live (SSE).'),
  operation('nodes.list', 'GET /api/nodes', 'read', 'The servers that share this database, and their machines.'),
  operation('metrics.get', 'GET /metrics', 'read', 'What this node has counted, in the format of Prometheus.'),
  operation('openapi.get', 'GET /api/openapi.json', 'public', 'This description.'),
];
