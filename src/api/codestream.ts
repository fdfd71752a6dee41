import { anyText, byBoth, crud, json, operation } from './define.ts';
import type { Operation } from './operation.ts';

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
  operation(
    'custom-integrations.changeVersion',
    `PATCH ${version}`,
    'develop',
    'Changes one: `{description, changeLog, setLatest}`.',
    { body: json },
  ),
  operation('custom-integrations.deleteVersion', `DELETE ${version}`, 'develop', 'Deletes a version.'),
  operation('custom-integrations.release', `POST ${version}/release`, 'develop', 'Makes a version usable.'),
  operation('custom-integrations.deprecate', `POST ${version}/deprecate`, 'develop', 'Usable, but not for new use.'),
  operation('custom-integrations.withdraw', `POST ${version}/withdraw`, 'develop', 'Makes a version unusable.'),
  operation('custom-integrations.restore', `POST ${version}/restore`, 'develop', 'Copies a version to the draft.'),
];

/** What the records of a kind of trigger have. */
const events = (kind: string): Operation[] => [
  operation(`${kind}-events.list`, `GET {cs}/${kind}-events`, 'read', 'What they received: fired, or ignored and why.'),
  operation(`${kind}-events.get`, `GET {cs}/${kind}-events/{id}`, 'read', 'One of these events.'),
  operation(`${kind}-events.act`, `POST {cs}/${kind}-events/{id}`, 'execute', 'Acts on one: `?action=rerun|resume`.', {
    body: json,
  }),
  operation(`${kind}-events.delete`, `DELETE {cs}/${kind}-events/{id}`, 'develop', 'Forgets one.'),
];

/** What one kind of trigger has: definitions, a listener, and the records of what it heard. */
const webhooks = (kind: string, what: string): Operation[] => [
  ...crud(`${kind}-webhooks`, `{cs}/${kind}-webhooks`, what, 'develop'),
  ...byBoth(
    `${kind}-webhooks.patch`,
    `PATCH {cs}/${kind}-webhooks/{id}`,
    'develop',
    'Turns one on or off: `{enabled}`.',
    {
      body: json,
    },
  ),
  ...events(kind),
  operation(
    `${kind}-webhook-listeners.receive`,
    `POST {cs}/${kind}-webhook-listeners/{id}`,
    'public',
    'Where the far side posts events; checked by their signature.',
    { body: anyText },
  ),
];

const listeners = '{cs}/gerrit-listeners';
const copies = 'Copies one: `{name, description, requestType: "CLONE"}`.';
const gerrit: Operation[] = [
  ...crud('gerrit-listeners', listeners, 'lines to Gerrit servers', 'develop'),
  operation(
    'gerrit-listeners.validate',
    `POST ${listeners}/validate`,
    'develop',
    'Tries one without keeping it: `validationOutput` says what Gerrit said, or what is wrong.',
    { body: json },
  ),
  ...byBoth(
    'gerrit-listeners.patch',
    `PATCH ${listeners}/{id}`,
    'develop',
    'Opens or closes one: `{connected}`. `_line` says whether it is UP or DOWN, and `_reason` why.',
    { body: json },
  ),
  ...byBoth('gerrit-listeners.clone', `POST ${listeners}/{id}`, 'develop', copies, { body: json }),
  ...byBoth('gerrit-listeners.projects', `GET ${listeners}/{id}/projects`, 'read', 'The projects of its server.'),
  ...crud('gerrit-triggers', '{cs}/gerrit-triggers', 'triggers of Gerrit', 'develop'),
  ...byBoth(
    'gerrit-triggers.patch',
    'PATCH {cs}/gerrit-triggers/{id}',
    'develop',
    'Turns one on or off: `{enabled}`.',
    { body: json },
  ),
  ...byBoth('gerrit-triggers.clone', 'POST {cs}/gerrit-triggers/{id}', 'develop', copies, { body: json }),
  operation(
    'gerrit-events.fire',
    'POST {cs}/gerrit-events',
    'execute',
    'Fires a trigger for a change as it is now: `{project, changeId, trigger}`.',
    { body: json },
  ),
  ...events('gerrit'),
];

/** What the API of Code Stream answers. */
export const codestream: readonly Operation[] = [
  operation('about.codestream', 'GET {cs}/about', 'public', 'Versions of this API.'),
  ...crud('pipelines', '{cs}/pipelines', 'pipelines', 'develop'),
  ...byBoth(
    'pipelines.patch',
    'PATCH {cs}/pipelines/{id}',
    'develop',
    'Changes one: `{name, description, enabled, state, global, tags}`, each where it is given.',
    { body: json },
  ),
  ...byBoth(
    'pipelines.share',
    'PATCH {cs}/pipelines/{id}/global',
    'develop',
    'Shares one with all projects: `{global}`.',
    {
      body: json,
    },
  ),
  ...byBoth(
    'pipelines.clone',
    'POST {cs}/pipelines/{id}',
    'develop',
    'Copies one: `{name, description, requestType: "CLONE"}`.',
    { body: json },
  ),
  operation('pipelines.tiles', 'GET {cs}/pipeline-tiles', 'read', 'The types of tasks, with their properties.'),
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
  operation(
    'executions.ofPipelineByNameAndIndex',
    'GET {cs}/pipelines/{project}/{name}/executions/{index}',
    'read',
    'The same, by project and name.',
  ),
  operation('executions.list', 'GET {cs}/executions', 'read', 'Lists runs, newest first.'),
  operation('executions.get', 'GET {cs}/executions/{id}', 'read', 'One run with stages and tasks.'),
  operation('executions.delete', 'DELETE {cs}/executions/{id}', 'develop', 'Forgets a run that has ended.'),
  operation('executions.deleteFound', 'DELETE {cs}/executions', 'develop', 'Forgets the ended runs of a `$filter`.', {
    status: 202,
  }),
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
  operation('endpoints.tiles', 'GET {cs}/endpoint-tiles', 'read', 'The types of endpoints, with their properties.'),
  operation('endpoints.tile', 'GET {cs}/endpoint-tiles/{type}', 'read', 'One type of endpoint.'),
  operation(
    'endpoints.validate',
    'POST {cs}/endpoint-validation',
    'develop',
    'Tries an endpoint: `validationOutput` says what was found, or what is wrong.',
    { body: json },
  ),
  operation(
    'endpoints.certificate',
    'GET {cs}/endpoint-certificate',
    'develop',
    'The certificates that a server shows: `?url=`.',
  ),
  operation('agents.list', 'GET {cs}/cloud-proxy', 'read', 'Remote agents, and whether they are connected.'),
  ...crud('variables', '{cs}/variables', 'variables', 'develop'),
  ...webhooks('git', 'Git webhooks'),
  ...webhooks('registry', 'webhooks of Docker registries'),
  ...gerrit,
  ...crud('schedules', '{cs}/schedules', 'schedules, which start pipelines by the clock', 'develop'),
  ...webhooks('generic', 'webhooks that anybody may post JSON to'),
  ...integrations,
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
  operation(
    'user-operations.delete',
    'DELETE {cs}/user-operations/{id}',
    'develop',
    'Forgets a question that is closed.',
  ),
  operation('user-operations.batch', 'POST {cs}/batch-user-operations', 'answer', 'Answers many.', {
    body: json,
  }),
  operation('files.export', 'GET {cs}/export', 'read', 'Definitions as YAML, byte for byte as they came.'),
  operation('files.import', 'POST {cs}/import', 'develop', 'Takes YAML of any kind: `?action=create|apply`.', {
    body: anyText,
  }),
  operation('user.preferences', 'GET {cs}/user-preferences', 'signed-in', 'Who the token belongs to.'),
];
