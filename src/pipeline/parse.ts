import { type Diagnostic, nearest } from '../core/diagnostic.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { openReader, text } from '../lang/reader.ts';
import type { YamlDocument } from '../lang/yaml.ts';
import { readPipelineExtras, readStageExtras, readTaskExtras } from './extras.ts';
import type { Pipeline, Stage, Task, Workspace } from './model.ts';
import { checkNotifications } from './notifications.ts';
import { readRollbacks } from './rollback.ts';

export const pipelineKeys = words(`
  project kind name icon enabled description global concurrency starred options tags input _inputMeta output _outputMeta
  workspace ciWorkspace stageOrder stages notifications rollbacks state _warnings scheduledTriggers millrace
  id version createdBy createdAt updatedBy updatedAt
  _link _projectId _createdBy _updatedBy _createTimeInMicros _updateTimeInMicros
`);
export const stageKeys = words('taskOrder tasks description tags millrace');
export const taskKeys = words(
  'type input endpoints ignoreFailure preCondition tags _configured description name millrace',
);
const newPipelineConcurrency = 10;

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/**
 * Reads one `kind: PIPELINE` document. Takes what the original took (texts for numbers, the keys of 2019, empty parts) and
 * says what looks wrong; the pipeline is undefined only where nothing could be made of the document.
 */
export function parsePipeline(document: YamlDocument): {
  pipeline: Pipeline | undefined;
  diagnostics: Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [];
  const reader = openReader(document, diagnostics);
  const { map, list, texts, flag, count, warnUnknown, report } = reader;
  const root = document.value;
  if (!isObject(root)) {
    report('error', 'pipeline.not-a-map', 'A pipeline is a map of keys such as `name` and `stages`.', []);
    return { pipeline: undefined, diagnostics };
  }
  warnUnknown(root, pipelineKeys, [], 'pipeline');
  const name = text(root.name);
  if (!name)
    report('error', 'pipeline.no-name', 'The pipeline has no `name`.', [], 'Add `name: My pipeline` at the top level.');
  const pipeline: Pipeline = {
    project: text(root.project) || undefined,
    name,
    description: text(root.description),
    icon: text(root.icon),
    enabled: flag(root.enabled, ['enabled'], true),
    global: flag(root.global, ['global'], false),
    concurrency: count(root.concurrency, ['concurrency'], newPipelineConcurrency),
    input: map(root.input, ['input']),
    inputMeta: Object.fromEntries(
      Object.entries(map(root._inputMeta, ['_inputMeta'])).map(([key, meta]) => [
        key,
        {
          mandatory: flag(isObject(meta) ? meta.mandatory : undefined, ['_inputMeta', key, 'mandatory'], false),
          description: text(isObject(meta) ? meta.description : undefined),
        },
      ]),
    ),
    output: texts(root.output, ['output']),
    starred: map(root.starred, ['starred']),
    options: list(root.options, ['options']).map(text),
    tags: list(root.tags, ['tags']).map(text),
    workspace: workspace(),
    stages: stages(),
    notifications: map(root.notifications, ['notifications']),
    rollbacks: [],
    millrace: readPipelineExtras(reader, root.millrace),
  };
  pipeline.rollbacks = readRollbacks(reader, root.rollbacks, pipeline.stages);
  checkNotifications(reader, pipeline.notifications, pipeline.stages);
  return { pipeline: name ? pipeline : undefined, diagnostics };

  function stages(): Stage[] {
    const defined = map(root && isObject(root) ? root.stages : undefined, ['stages']);
    const order =
      isObject(root) && root.stageOrder !== undefined
        ? list(root.stageOrder, ['stageOrder']).map(text)
        : Object.keys(defined);
    for (const stage of Object.keys(defined)) {
      if (!order.includes(stage)) {
        report(
          'warning',
          'stage.not-ordered',
          `Stage ${stage} is not in \`stageOrder\`, so it never runs.`,
          ['stages', stage],
          undefined,
          'key',
        );
      }
    }
    return order.flatMap((stage, index) => {
      if (!Object.hasOwn(defined, stage)) {
        const close = nearest(stage, Object.keys(defined));
        const hint = close ? `Did you mean ${close}?` : 'Add it under `stages`, or take it out of `stageOrder`.';
        report(
          'error',
          'stage.unknown',
          `\`stageOrder\` names the stage ${stage}, which \`stages\` does not have.`,
          ['stageOrder', index],
          hint,
        );
        return [];
      }
      return [parseStage(stage, map(defined[stage], ['stages', stage]))];
    });
  }

  function parseStage(name: string, value: JsonObject): Stage {
    const path = ['stages', name];
    warnUnknown(value, stageKeys, path, `stage ${name}`);
    const defined = map(value.tasks, [...path, 'tasks']);
    const order =
      value.taskOrder === undefined ? Object.keys(defined) : list(value.taskOrder, [...path, 'taskOrder']).map(text);
    const ordered = order.flatMap((item) => item.split(',').map((task) => task.trim()));
    for (const task of Object.keys(defined)) {
      if (!ordered.includes(task)) {
        report(
          'warning',
          'task.not-ordered',
          `Task ${name}.${task} is not in \`taskOrder\`, so it never runs.`,
          [...path, 'tasks', task],
          undefined,
          'key',
        );
      }
    }
    const steps = order.map((item, index) => {
      const names = item.split(',').map((task) => task.trim());
      return names.filter((task) => {
        if (Object.hasOwn(defined, task)) return true;
        if (task === '') return false;
        const close = nearest(task, Object.keys(defined));
        const hint = close ? `Did you mean ${close}?` : `Add it under \`tasks\`, or take it out of \`taskOrder\`.`;
        report(
          'warning',
          'task.unknown',
          `\`taskOrder\` of stage ${name} names the task ${task}, which \`tasks\` does not have: it is passed by.`,
          [...path, 'taskOrder', index],
          hint,
        );
        return false;
      });
    });
    const seen = new Set<string>();
    for (const task of ordered) {
      if (seen.has(task))
        report('error', 'task.twice', `\`taskOrder\` of stage ${name} names the task ${task} twice.`, [
          ...path,
          'taskOrder',
        ]);
      seen.add(task);
    }
    const tasks = Object.entries(defined).map(([task, body]) => [
      task,
      parseTask(name, task, map(body, [...path, 'tasks', task])),
    ]);
    return {
      name,
      steps: steps.filter((step) => step.length > 0),
      tasks: Object.fromEntries(tasks),
      millrace: readStageExtras(reader, name, value.millrace, [...path, 'millrace']),
    };
  }

  function parseTask(stage: string, name: string, value: JsonObject): Task {
    const path = ['stages', stage, 'tasks', name];
    warnUnknown(value, taskKeys, path, `task ${stage}.${name}`);
    if (name.includes('.')) {
      report(
        'error',
        'task.name',
        `Task ${stage}.${name}: a name may not hold a dot, since \${Stage.Task...} divides at dots.`,
        path,
        undefined,
        'key',
      );
    }
    if (!text(value.type)) {
      report(
        'error',
        'task.no-type',
        `Task ${stage}.${name} has no \`type\`.`,
        path,
        'Add for example `type: REST`.',
        'key',
      );
    }
    return {
      name,
      type: text(value.type),
      input: map(value.input, [...path, 'input']),
      endpoints: texts(value.endpoints, [...path, 'endpoints']),
      ignoreFailure: flag(value.ignoreFailure, [...path, 'ignoreFailure'], false),
      preCondition: text(value.preCondition).trim(),
      isConfigured: flag(value._configured, [...path, '_configured'], true),
      millrace: readTaskExtras(reader, value.millrace, [...path, 'millrace']),
    };
  }

  function workspace(): Workspace {
    const key =
      isObject(root) && root.workspace === undefined && root.ciWorkspace !== undefined ? 'ciWorkspace' : 'workspace';
    const value = map(isObject(root) ? root[key] : undefined, [key]);
    const limits = map(value.limits, [key, 'limits']);
    return {
      type: text(value.type) || 'DOCKER',
      endpoint: text(value.endpoint),
      image: text(value.image),
      registry: text(value.registry),
      path: text(value.path),
      cache: list(value.cache, [key, 'cache']).map(text).filter(Boolean),
      environmentVariables: texts(value.environmentVariables, [key, 'environmentVariables']),
      customProperties: texts(value.customProperties, [key, 'customProperties']),
      autoCloneForTrigger: flag(value.autoCloneForTrigger, [key, 'autoCloneForTrigger'], false),
      limits: { cpu: Number(limits.cpu ?? 1) || 1, memory: Number(limits.memory ?? 512) || 512 },
    };
  }
}
