import { z } from 'zod';
import { json } from './define.ts';
import type { Operation } from './operation.ts';

// What answers hold, for clients that read them strictly; keys that are not named here may come along.

const micros = z.number().int().nonnegative();
const map = json;

/** What every object of Code Stream has. */
const common = z.looseObject({
  id: z.string(),
  name: z.string(),
  project: z.string(),
  description: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  createdBy: z.string(),
  updatedBy: z.string(),
  _projectId: z.string(),
  _createTimeInMicros: micros,
  _updateTimeInMicros: micros,
  _link: z.string().startsWith('/codestream/api/'),
});

const statuses = z.enum(
  `NOT_STARTED STARTED RUNNING CANCELING WAITING RESUMING PAUSING PAUSED CANCELED COMPLETED FAILED SKIPPED QUEUED FAILED_CONTINUE
   ROLLING_BACK ROLLBACK_FAILED ROLLBACK_COMPLETED PREPARING_WORKSPACE`.split(/\s+/),
);

const pipeline = common.extend({
  kind: z.literal('PIPELINE'),
  icon: z.string(),
  enabled: z.boolean(),
  state: z.enum(['DISABLED', 'ENABLED', 'RELEASED']),
  concurrency: z.number().int(),
  input: map,
  output: map,
  starred: map,
  tags: z.array(z.string()),
  options: z.array(z.string()),
  workspace: z.looseObject({ type: z.string(), endpoint: z.string(), image: z.string() }),
  stageOrder: z.array(z.string()),
  stages: z.record(
    z.string(),
    z.looseObject({
      taskOrder: z.array(z.string()),
      tasks: z.record(
        z.string(),
        z.looseObject({
          type: z.string(),
          input: map,
          endpoints: map,
          tags: z.array(z.json()),
          _configured: z.boolean(),
        }),
      ),
    }),
  ),
  notifications: z.looseObject({ email: z.array(map), jira: z.array(map), webhook: z.array(map) }),
  rollbacks: z.array(map),
  _inputMeta: map,
  _outputMeta: map,
  _warnings: z.array(z.looseObject({ level: z.string(), message: z.string() })),
});

const summary = z.looseObject({
  id: z.string(),
  index: z.number().int(),
  name: z.string(),
  project: z.string(),
  status: statuses,
  statusMessage: z.string(),
  comments: z.string(),
  tags: z.array(z.string()),
  input: map,
  output: map,
  stageOrder: z.array(z.string()),
  stages: map,
  _executedBy: z.string(),
  _nested: z.boolean(),
  _rollback: z.boolean(),
  _pipelineLink: z.string(),
  _requestTimeInMicros: micros,
  _durationInMicros: micros,
  _totalDurationInMicros: micros,
  _link: z.string(),
});
const part = z.looseObject({ id: z.string(), name: z.string(), status: statuses, statusMessage: z.string() });
const execution = summary.extend({
  stages: z.record(z.string(), part.extend({ taskOrder: z.array(z.string()), tasks: z.record(z.string(), part) })),
});

const webhook = common.extend({
  pipeline: z.string(),
  enabled: z.boolean(),
  secretToken: z.enum(['', '********']),
  externalListenerLink: z.string(),
});
const event = common.extend({
  executionStatus: z.string(),
  message: z.string(),
  pipeline: z.string(),
  timeStampInMicros: micros,
});

/** What one thing of a kind looks like, by the kind's word in addresses. */
const records: Record<string, z.ZodType> = {
  pipelines: pipeline,
  endpoints: common.extend({ type: z.string(), isRestricted: z.boolean(), properties: map }),
  variables: common.extend({ type: z.enum(['REGULAR', 'SECRET', 'RESTRICTED']), value: z.string() }),
  'custom-integrations': common.extend({ yaml: z.string(), version: z.string(), status: z.string() }),
  'git-webhooks': webhook,
  'registry-webhooks': webhook,
  'generic-webhooks': webhook,
  'gerrit-listeners': common.extend({
    endpoint: z.string(),
    apiToken: z.enum(['', '********']),
    connected: z.boolean(),
    _reason: z.string().optional(),
  }),
  'gerrit-triggers': common.extend({
    gerritProject: z.string(),
    listener: z.string(),
    enabled: z.boolean(),
    configurations: z.array(map),
  }),
  'git-events': event,
  'registry-events': event,
  'gerrit-events': event,
  'generic-events': event,
  'user-operations': common.extend({
    index: z.string(),
    executionId: z.string(),
    executionLink: z.string(),
    pipelineName: z.string(),
    status: z.enum(['ACTIVE', 'APPROVED', 'REJECTED', 'CANCELED', 'EXPIRED']),
    approvers: z.array(z.string()),
    summary: z.string(),
    _requestedOnInMicros: micros,
    _expiresOnInMicros: micros,
  }),
};

/** The list of Code Stream: `links` has the order, `documents` the objects by their link. */
const envelopeOf = (one: z.ZodType) =>
  z.object({
    count: z.number().int(),
    totalCount: z.number().int(),
    links: z.array(z.string()),
    documents: z.record(z.string(), one),
  });
/** The list of the other services. */
const pageOf = (one: z.ZodType) =>
  z.looseObject({
    content: z.array(one),
    totalElements: z.number().int(),
    totalPages: z.number().int(),
    numberOfElements: z.number().int(),
  });

const named = z.looseObject({ id: z.string(), name: z.string() });
const propertyGroup = named.extend({ type: z.enum(['INPUT', 'CONSTANT']), properties: map, projectId: z.string() });
const tokens = z.looseObject({
  refresh_token: z.string(),
  access_token: z.string(),
  id_token: z.string(),
  token_type: z.string(),
  expires_in: z.number(),
  scope: z.string(),
});
const bearer = z.object({ tokenType: z.literal('Bearer'), token: z.string() });

/** Answers that are no object of a kind, by the operation's id. */
const others: Record<string, z.ZodType> = {
  'login.password': tokens,
  'login.domain': tokens,
  'login.iaas': bearer,
  'login.iaasOld': bearer,
  'login.refresh': z.looseObject({ access_token: z.string() }),
  'about.codestream': z.object({ latestApiVersion: z.string(), supportedApis: z.array(map) }),
  'projects.iaas': pageOf(named),
  'property-groups.list': pageOf(propertyGroup),
  'property-groups.create': propertyGroup,
  'property-groups.get': propertyGroup,
  'property-groups.replace': propertyGroup,
  'projects.service': pageOf(named),
  'projects.get': named,
  'projects.create': named,
  'executions.start': z.object({
    executionId: z.string(),
    executionIndex: z.number().int(),
    executionLink: z.string(),
    comments: z.string(),
    source: z.string(),
    input: map,
    tags: z.array(z.string()),
  }),
  'executions.list': envelopeOf(summary),
  'executions.ofPipeline': envelopeOf(summary),
  'executions.deleteFound': envelopeOf(summary),
  'executions.ofPipelineByIndex': execution,
  'executions.get': execution,
  'executions.act': z.union([execution, z.looseObject({ executionId: z.string(), executionLink: z.string() })]),
  'executions.delete': execution,
  'endpoints.tiles': envelopeOf(z.looseObject({ tileId: z.string(), displayName: z.string(), inputProperties: map })),
  'endpoints.tile': z.looseObject({ tileId: z.string(), displayName: z.string(), inputProperties: map }),
  'pipelines.tiles': envelopeOf(z.looseObject({ tileId: z.string(), displayName: z.string(), inputProperties: map })),
  'endpoints.validate': z.looseObject({ isValid: z.boolean(), validationOutput: z.string() }),
  'endpoints.certificate': z.object({
    certificates: z.array(
      z.object({
        issuedTo: z.string(),
        issuedBy: z.string(),
        periodOfValidity: z.string(),
        fingerprints: z.object({ 'SHA-1': z.string(), 'SHA-256': z.string() }),
      }),
    ),
  }),
  'gerrit-listeners.validate': z.object({ isValid: z.boolean(), validationOutput: z.string() }),
  'gerrit-listeners.projects': z.array(z.string()),
  'gerrit-events.fire': z.object({ message: z.string(), pipelinesTriggered: z.array(z.string()) }),
  'agents.list': envelopeOf(
    z.looseObject({ id: z.string(), name: z.string(), status: z.enum(['CONNECTED', 'DISCONNECTED']) }),
  ),
  'user-operations.batch': z.object({
    success: z.number().int(),
    failure: z.number().int(),
    errors: z.array(z.object({ id: z.string(), error: z.string() })),
  }),
  'user.preferences': z.looseObject({ _link: z.string(), userName: z.string(), preferences: map }),
};

/** The shape of a good answer; undefined where it is no JSON, or only our own pages read it. */
export function answerOf({ id }: Pick<Operation, 'id'>): z.ZodType | undefined {
  const other =
    others[id] ??
    others[
      id
        .replace(/ByName(?=AndIndex$)/, 'By')
        .replace('AndIndex', 'Index')
        .replace(/ByName$/, '')
    ];
  if (other) return other;
  const [kind = '', what = ''] = id.split('.');
  const record = records[kind];
  if (!record || what === 'receive') return undefined;
  if (what === 'versions') return envelopeOf(record);
  return what === 'list' ? envelopeOf(record) : record;
}
