export type Severity = 'error' | 'warning' | 'info';

/** A place in a text, counted from 1, as editors do. */
export interface Place {
  line: number;
  column: number;
}

/** Every code that a check of a text gives, and what it means. The reference page is made from this table. */
export const diagnosticCodes = {
  'yaml.syntax': 'The text is no YAML at this place.',
  'yaml.too-large': 'The text is longer, or nested deeper, than anybody writes.',
  'yaml.aliases': 'Aliases are missing, or nested so that they would fill the memory.',
  'file.empty': 'The file holds no definition.',
  'file.unknown-kind': 'The document is no definition that is known.',
  'key.unknown': 'The key has no meaning here and is ignored; under `millrace` it is an error.',
  'value.not-a-map': 'A map is needed here.',
  'value.not-a-list': 'A list is needed here.',
  'value.not-a-flag': 'True or false is needed here.',
  'value.not-a-count': 'A whole number from 1 is needed here.',
  'pipeline.not-a-map': 'The document is no pipeline.',
  'pipeline.no-name': 'The pipeline has no name.',
  'pipeline.empty': 'The pipeline has no stage.',
  'stage.unknown': '`stageOrder` names a stage that is not there.',
  'stage.not-ordered': 'The stage is not in `stageOrder` and never runs.',
  'stage.runs': 'A stage runs on-success, on-failure or always.',
  'task.unknown': '`taskOrder` names a task that is not there.',
  'task.not-ordered': 'The task is not in `taskOrder` and never runs.',
  'task.twice': '`taskOrder` names a task twice.',
  'task.name': 'The name of a task may not hold a dot.',
  'task.no-type': 'The task has no type.',
  'task.unknown-type': 'There is no such task type.',
  'task.input': 'An input of the task is missing or has a wrong value.',
  'task.endpoint': 'The task needs an endpoint that it does not name.',
  'task.unknown-endpoint': 'The task names an endpoint that the project does not have.',
  'task.approvals': 'The task needs more approvals than it can get.',
  'task.duration': 'The text is not a duration such as 90s or 5m.',
  'pipeline.priority': 'The priority of a pipeline is a whole number.',
  'rollback.incomplete': 'A rollback needs the name of a pipeline.',
  'rollback.unknown-part': 'A rollback names a stage or task that the pipeline does not have.',
  'pipeline.unknown': 'The project has no pipeline of this name.',
  'notification.unknown-part': 'A notification names an event, stage or task that there is not.',
  'notification.incomplete': 'A notification needs a type and an endpoint.',
  'condition.never': 'The condition can hold in no run.',
  'secret.foreign': 'A secret was sealed by another server, or left out, and needs a new value.',
  'endpoint.unknown-type': 'There is no such type of endpoint.',
  'trigger.invalid': 'A webhook or trigger lacks something, or has something that it cannot have.',
  'variable.unknown-type': 'A variable is REGULAR, SECRET or RESTRICTED.',
  'condition.syntax': 'The condition cannot be read.',
  'binding.unknown-input': 'The binding names an input that the pipeline does not have.',
  'binding.unknown-stage': 'The binding names a stage that is not there.',
  'binding.unknown-task': 'The binding names a task that is not there.',
  'binding.unknown-variable': 'The binding names a variable that the project does not have.',
  'binding.too-early': 'The binding names a task that has not run yet, so it is null.',
  'blueprint.no-resources': 'The document is no blueprint.',
  'input.definition': 'The definition of an input holds what has no meaning there.',
  'input.default': 'The default of an input is none that it allows, or no secret.',
  'blueprint.too-large': 'The blueprint has more resources than anybody deploys at once.',
  'blueprint.cycle': 'Resources wait for each other in a ring.',
  'resource.no-type': 'The resource has no type.',
  'resource.unknown-type': 'There is no such resource type.',
  'resource.timeout': 'A timeout of a resource is a length of time such as 45m or 2h.',
  'resource.unknown': '`dependsOn` names a resource that is not there.',
  'expression.syntax': 'The text in ${...} is no expression, and stays as it is.',
  'expression.name': 'The expression uses a name that nothing has.',
  'expression.input': 'The expression names an input that the blueprint does not have.',
  'expression.resource': 'The expression names a resource that is not there.',
  'expression.variable': 'The expression names a variable that is not there.',
  'expression.function': 'The expression calls a function that is not there.',
  'input.invalid': 'An input has no value, or one that its definition does not allow.',
  'placement.impossible': 'No zone meets what the resource asks for; each refusal is named.',
  'cloud-config.schema': 'The cloud configuration holds what cloud-init does not know, or not so.',
  'cloud-config.refused': 'The cloud configuration uses something that this kind of machine cannot do.',
} as const satisfies Record<string, string>;

export type DiagnosticCode = keyof typeof diagnosticCodes;

/** One thing worth saying about a text somebody wrote: what, where, and what to do about it. */
export interface Diagnostic extends Place {
  severity: Severity;
  code: DiagnosticCode;
  message: string;
  hint?: string;
}

/** What is said about a text without anything in it. */
export const emptyFile: Diagnostic = {
  severity: 'error',
  code: 'file.empty',
  message: 'The file holds no definition.',
  line: 1,
  column: 1,
};

export const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === 'error';

/** `file:line:column: error: message (hint)`: the form that editors make clickable. */
export function formatDiagnostic(file: string, diagnostic: Diagnostic): string {
  const { line, column, severity, message, hint, code } = diagnostic;
  return `${file}:${line}:${column}: ${severity}: ${message}${hint ? `\n    ${hint}` : ''} [${code}]`;
}

/** The candidate closest to a misspelt word, if one is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= Math.max(1, word.length / 3) && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
