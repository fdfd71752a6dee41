import { isObject, type Json, type JsonObject } from '../core/json.ts';

/** In the order in which the original writes them. */
const keys = [
  ...[
    'project',
    'kind',
    'name',
    'icon',
    'enabled',
    'description',
    'global',
    'concurrency',
    'starred',
    'options',
    'tags',
  ],
  ...[
    'input',
    '_inputMeta',
    'output',
    '_outputMeta',
    'workspace',
    'stageOrder',
    'stages',
    'notifications',
    'rollbacks',
  ],
  ...['scheduledTriggers', 'millrace'],
];
const taskKeys = ['type', 'ignoreFailure', 'preCondition', 'endpoints', 'input', 'tags', 'description', 'millrace'];

/** A pipeline as the original's API shows it: every collection is there, also where it is empty. Keys that we do not know stay. */
export function toRestForm(written: JsonObject): JsonObject {
  const { ciWorkspace, ...rest } = written;
  const stages = mapOf(written.stages);
  return {
    ...rest,
    icon: written.icon ?? '',
    global: written.global ?? false,
    input: mapOf(written.input),
    output: mapOf(written.output),
    starred: mapOf(written.starred),
    options: listOf(written.options),
    tags: listOf(written.tags),
    stageOrder: written.stageOrder === undefined ? Object.keys(stages) : listOf(written.stageOrder),
    stages: mapped(stages, stageForm),
    notifications: { email: [], jira: [], webhook: [], ...mapOf(written.notifications) },
    rollbacks: listOf(written.rollbacks),
    workspace: workspaceForm(mapOf(written.workspace ?? ciWorkspace)),
    _inputMeta: mapOf(written._inputMeta),
    _outputMeta: mapOf(written._outputMeta),
  };
}

function stageForm(stage: JsonObject): JsonObject {
  const tasks = mapOf(stage.tasks);
  return {
    ...stage,
    taskOrder: stage.taskOrder === undefined ? Object.keys(tasks) : listOf(stage.taskOrder),
    tags: listOf(stage.tags),
    tasks: mapped(tasks, (task) => ({
      ...task,
      ignoreFailure: task.ignoreFailure ?? false,
      preCondition: task.preCondition ?? '',
      input: mapOf(task.input),
      endpoints: mapOf(task.endpoints),
      tags: listOf(task.tags),
      _configured: task._configured ?? true,
    })),
  };
}

function workspaceForm(workspace: JsonObject): JsonObject {
  return {
    type: 'DOCKER',
    endpoint: '',
    image: '',
    registry: '',
    path: '',
    cache: [],
    customProperties: {},
    environmentVariables: {},
    autoCloneForTrigger: false,
    ...Object.fromEntries(Object.entries(workspace).filter(([, value]) => value !== null)),
    limits: { cpu: 1.0, memory: 512, ...mapOf(workspace.limits) },
  };
}

/**
 * What is to be written into a file of a pipeline that came by the API: what clients feed back without having set it is left out,
 * and so is what is empty.
 */
export function fromRestForm(body: JsonObject): JsonObject {
  const { concurrency, ...form } = Object.fromEntries(
    Object.entries(body).filter(([key]) => keys.includes(key) || !isOfServer(key)),
  );
  const sorted = inOrder({ ...form, kind: 'PIPELINE', ...(concurrency === undefined ? {} : { concurrency }) }, keys);
  const filled = Object.entries(sorted).filter(
    ([key, value]) => ['stages', 'stageOrder', 'enabled'].includes(key) || !isEmpty(value),
  );
  return {
    ...Object.fromEntries(filled),
    stages: mapped(mapOf(body.stages), (stage) => ({
      ...withoutEmpty(stage, ['tags', 'description']),
      tasks: mapped(mapOf(stage.tasks), ({ _configured, ...task }) =>
        inOrder(withoutEmpty(task, ['ignoreFailure', 'preCondition', 'endpoints', 'tags', 'description']), taskKeys),
      ),
    })),
  };
}

const serverKeys = [
  ...['id', 'version', 'state', 'content', 'ciWorkspace'],
  ...['createdBy', 'createdAt', 'updatedBy', 'updatedAt'],
];
const isOfServer = (key: string): boolean => key.startsWith('_') || serverKeys.includes(key);

const mapOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const mapped = (map: JsonObject, change: (value: JsonObject) => JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(mapOf(value))]));

const isEmpty = (value: Json | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.values(value).every(isEmpty));

const withoutEmpty = (map: JsonObject, optional: string[]): JsonObject =>
  Object.fromEntries(Object.entries(map).filter(([key, value]) => !(optional.includes(key) && isEmpty(value))));

function inOrder(map: JsonObject, order: string[]): JsonObject {
  const known = order.filter((key) => map[key] !== undefined).map((key) => [key, map[key]!] as const);
  const others = Object.entries(map).filter(([key]) => !order.includes(key));
  return Object.fromEntries([...known, ...others]);
}
