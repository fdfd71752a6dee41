import { type Diagnostic, type DiagnosticCode, emptyFile, nearest } from '../core/diagnostic.ts';
import type { Json } from '../core/json.ts';
import { bindingPath, findBindings } from '../lang/binding.ts';
import { parseCondition } from '../lang/condition.ts';
import { foreignSecrets } from '../lang/foreign-secrets.ts';
import { ExpressionError } from '../lang/tokens.ts';
import { type Path, parseYaml, type YamlDocument } from '../lang/yaml.ts';
import { type Pipeline, type Stage, type Task, tasksInOrder } from './model.ts';
import { parsePipeline } from './parse.ts';

/** What validation must know of a task type; the catalogue gives it. */
export interface TaskRules {
  /** Endpoint roles, and whether they must be named. */
  endpoints: Record<string, { required: boolean }>;
  /** What does not fit in an input whose bindings are not yet resolved. */
  check(input: Json): { path: (string | number)[]; message: string; warning?: DiagnosticCode }[];
  /** Input keys that hold a condition over the fields of an answer, such as POLL's `exitCriteria.success`. */
  conditions?: string[][];
}

/** What is there to be named, where that can be known: on a server, not in a file. */
export interface Surroundings {
  variables: string[];
  endpoints: string[];
  pipelines: string[];
}

/** Reads and checks the text of one pipeline: everything that can be known before it runs. */
export function checkPipeline(
  text: string,
  types: Record<string, TaskRules>,
  around?: Surroundings,
): { pipeline: Pipeline | undefined; diagnostics: Diagnostic[] } {
  const { documents, diagnostics } = parseYaml(text);
  const document = documents[0];
  if (!document) {
    return { pipeline: undefined, diagnostics: diagnostics.length > 0 ? diagnostics : [emptyFile] };
  }
  const checked = checkPipelineDocument(document, types, around);
  return { pipeline: checked.pipeline, diagnostics: [...diagnostics, ...checked.diagnostics] };
}

export function checkPipelineDocument(
  document: YamlDocument,
  types: Record<string, TaskRules>,
  around?: Surroundings,
): { pipeline: Pipeline | undefined; diagnostics: Diagnostic[] } {
  const { pipeline, diagnostics } = parsePipeline(document);
  if (!pipeline) return { pipeline, diagnostics };
  if (pipeline.stages.length === 0) {
    diagnostics.push({
      severity: 'warning',
      code: 'pipeline.empty',
      message: 'The pipeline has no stage.',
      ...document.placeOf([]),
    });
  }
  for (const { stage, step, task } of tasksInOrder(pipeline))
    checkTask(pipeline, stage, step, task, types, around, document, diagnostics);
  diagnostics.push(...foreignSecrets(document));
  if (around) checkPipelineNames(pipeline, around.pipelines, document, diagnostics);
  return { pipeline, diagnostics };
}

/** Pipelines that rollbacks and tasks name must be there, unless a binding names them. */
function checkPipelineNames(
  pipeline: Pipeline,
  known: string[],
  document: YamlDocument,
  diagnostics: Diagnostic[],
): void {
  const tasks = [...tasksInOrder(pipeline)].filter(({ task }) => task.type === 'Pipeline');
  const named: { what: string; name: string; path: Path }[] = [
    ...pipeline.rollbacks.map(({ name }, index) => ({ what: 'A rollback', name, path: ['rollbacks', index, 'name'] })),
    ...tasks.map(({ stage, task }) => ({
      what: `Task ${stage.name}.${task.name}`,
      name: String(task.input.pipeline ?? ''),
      path: ['stages', stage.name, 'tasks', task.name, 'input', 'pipeline'],
    })),
  ];
  for (const { what, name, path } of named) {
    if (name === '' || name.includes('${') || known.includes(name)) continue;
    const close = nearest(name, known);
    diagnostics.push({
      severity: 'error',
      code: 'pipeline.unknown',
      message: `${what} names the pipeline ${name}, which the project does not have.`,
      hint: close ? `Did you mean ${close}?` : 'Import it first.',
      ...document.placeOf(path),
    });
  }
}

function checkTask(
  pipeline: Pipeline,
  stage: Stage,
  step: number,
  task: Task,
  types: Record<string, TaskRules>,
  around: Surroundings | undefined,
  document: YamlDocument,
  diagnostics: Diagnostic[],
): void {
  const where = `${stage.name}.${task.name}`;
  const path: Path = ['stages', stage.name, 'tasks', task.name];
  const rules = Object.hasOwn(types, task.type) ? types[task.type] : undefined;
  if (!rules) return checkUnknownType();
  for (const { path: inside, message, warning } of rules.check(task.input)) {
    const place = warning
      ? document.placeOfKey([...path, 'input', ...inside])
      : document.placeOf([...path, 'input', ...inside]);
    diagnostics.push({
      severity: warning || !task.isConfigured ? 'warning' : 'error',
      code: warning ?? 'task.input',
      message: `Task ${where}: ${message}`,
      ...place,
    });
  }
  for (const [role, { required }] of Object.entries(rules.endpoints)) {
    if (required && !task.endpoints[role]) {
      report(
        task.isConfigured ? 'error' : 'warning',
        'task.endpoint',
        `Task ${where} names no endpoint for \`${role}\`.`,
        path,
        `Add \`endpoints: {${role}: name}\`.`,
      );
    }
  }
  for (const [role, name] of Object.entries(task.endpoints)) {
    if (!around || name === '' || name.includes('${') || around.endpoints.includes(name)) continue;
    const close = nearest(name, around.endpoints);
    const hint = close ? `Did you mean ${close}?` : 'Make it, or name another one.';
    const message = `Task ${where} names the endpoint ${name}, which the project does not have.`;
    report('error', 'task.unknown-endpoint', message, [...path, 'endpoints', role], hint);
  }
  checkApprovals();
  checkCondition(task.preCondition, [...path, 'preCondition']);
  if (task.type === 'Condition') checkCondition(String(task.input.condition ?? ''), [...path, 'input', 'condition']);
  for (const keys of rules.conditions ?? []) {
    const written = keys.reduce<Json | undefined>(
      (value, key) => (value as Record<string, Json> | undefined)?.[key],
      task.input,
    );
    if (typeof written === 'string') checkCondition(written, [...path, 'input', ...keys]);
  }
  checkBindings(task.input, [...path, 'input']);
  checkBindings(task.preCondition, [...path, 'preCondition']);

  /** More approvals than there are approvers are never reached, unless administrators help. */
  function checkApprovals(): void {
    const { approvals = 1 } = task.millrace;
    if (approvals < 2) return;
    const { approvers, approverGroups } = task.input;
    const named = Array.isArray(approvers) ? new Set(approvers.map((one) => String(one).toLowerCase())).size : 0;
    const isOpen = Array.isArray(approverGroups) && approverGroups.length > 0;
    const isBound = JSON.stringify([approvers ?? '', approverGroups ?? '']).includes('${');
    const at: Path = [...path, 'millrace', 'approvals'];
    if (task.type !== 'UserOperation')
      report('error', 'task.approvals', `Task ${where} asks nobody, so it has no \`approvals\`.`, at);
    else if (named < approvals && !isOpen && !isBound)
      report('warning', 'task.approvals', `Task ${where} needs ${approvals} approvals of ${named} approvers.`, at);
  }

  function checkUnknownType(): void {
    if (!task.type) return;
    const close = nearest(task.type, Object.keys(types));
    report(
      'error',
      'task.unknown-type',
      `Task ${where} has the unknown type ${task.type}.`,
      [...path, 'type'],
      close ? `Did you mean ${close}?` : `Known types: ${Object.keys(types).join(', ')}.`,
    );
  }

  function checkCondition(text: string, place: Path): void {
    if (!text.trim()) return;
    try {
      const { contradiction } = parseCondition(text);
      if (contradiction)
        report('warning', 'condition.never', `Task ${where}: this condition can never hold: ${contradiction}.`, place);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      diagnostics.push({
        severity: 'error',
        code: 'condition.syntax',
        message: `Task ${where}: ${thrown.message}`,
        ...document.placeInside(place, thrown.at),
      });
    }
  }

  function checkBindings(value: Json, place: Path): void {
    if (Array.isArray(value))
      value.forEach((item, index) => {
        checkBindings(item, [...place, index]);
      });
    else if (typeof value === 'object' && value !== null)
      Object.entries(value).forEach(([key, item]) => {
        checkBindings(item, [...place, key]);
      });
    else if (typeof value === 'string') {
      for (const { source, start } of findBindings(value)) {
        const fault = bindingFault(pipeline, stage, step, source, around);
        if (fault)
          diagnostics.push({
            ...fault,
            message: `Task ${where}: ${fault.message}`,
            ...document.placeInside(place, start),
          });
      }
    }
  }

  function report(
    severity: 'error' | 'warning',
    code: DiagnosticCode,
    message: string,
    place: Path,
    hint?: string,
  ): void {
    diagnostics.push({ severity, code, message, hint, ...document.placeOf(place) });
  }
}

/**
 * Why a binding can never have a value. Only names that are certainly ours are judged: `${WORLD}` in a script is the shell's.
 */
function bindingFault(
  pipeline: Pipeline,
  from: Stage,
  fromStep: number,
  source: string,
  around: Surroundings | undefined,
): Pick<Diagnostic, 'severity' | 'code' | 'message' | 'hint'> | undefined {
  const path = bindingPath(source)?.map(String);
  const [first, second] = path ?? [];
  if (first === undefined || second === undefined) return undefined;
  if (first === 'input') {
    const injected = /^(GIT|GERRIT|DOCKER)_/.test(second);
    if (Object.hasOwn(pipeline.input, second) || injected) return undefined;
    const close = nearest(second, Object.keys(pipeline.input));
    const hint = close ? `Did you mean \${input.${close}}?` : `Add \`${second}: ''\` under \`input\`.`;
    return {
      severity: 'error',
      code: 'binding.unknown-input',
      message: `\${${source}}: the pipeline has no input ${second}.`,
      hint,
    };
  }
  if (first === 'var' && around && !around.variables.includes(second)) {
    const close = nearest(second, around.variables);
    return {
      severity: 'error',
      code: 'binding.unknown-variable',
      message: `\${${source}}: the project has no variable ${second}.`,
      hint: close ? `Did you mean \${var.${close}}?` : 'Make it: millrace import FILE, with kind: VARIABLE.',
    };
  }
  if (!['output', 'input', 'status'].includes(path?.[2] ?? '')) return undefined;
  const stage = pipeline.stages.find(({ name }) => name === first);
  if (!stage) {
    const close = nearest(
      first,
      pipeline.stages.map(({ name }) => name),
    );
    return {
      severity: 'error',
      code: 'binding.unknown-stage',
      message: `\${${source}}: there is no stage ${first}.`,
      hint: close && `Did you mean ${close}?`,
    };
  }
  if (!Object.hasOwn(stage.tasks, second)) {
    const close = nearest(second, Object.keys(stage.tasks));
    return {
      severity: 'error',
      code: 'binding.unknown-task',
      message: `\${${source}}: stage ${first} has no task ${second}.`,
      hint: close && `Did you mean \${${first}.${close}...}?`,
    };
  }
  const order = pipeline.stages.indexOf(stage) - pipeline.stages.indexOf(from);
  const step = stage.steps.findIndex((names) => names.includes(second));
  if (order > 0 || (order === 0 && step >= fromStep)) {
    return {
      severity: 'warning',
      code: 'binding.too-early',
      message: `\${${source}}: ${second} has not run yet at this point, so this is null.`,
    };
  }
  return undefined;
}
